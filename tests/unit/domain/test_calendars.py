"""Schedules in wall-clock time: several periods, holidays, exceptions, midnights, and days of 23 and 25 hours."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.calendars import (
    Calendar,
    DayKind,
    Period,
    Schedule,
    ScheduleException,
    Schedules,
    SpecialDay,
    parse_period,
)
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.wall_clock import DAY_MIN, instant_us, local_day

TAIPEI, BERLIN, APIA, LORD_HOWE = "Asia/Taipei", "Europe/Berlin", "Pacific/Apia", "Australia/Lord_Howe"
ZONES = [TAIPEI, BERLIN, APIA, LORD_HOWE, "America/St_Johns", "UTC"]
HOUR_US = 3_600_000_000
HOLIDAY, WORKDAY = SpecialDay(DayKind.HOLIDAY), SpecialDay(DayKind.WORKDAY)


def us(text: str, zone: str = TAIPEI, fold: int = 0) -> int:
    """What a wall clock shows, as µs UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1e6)


def periods(*texts: str) -> tuple[Period, ...]:
    return tuple(parse_period(text) for text in texts)


def one(zone: str = TAIPEI, calendar: Calendar | None = None, **days: tuple[Period, ...]) -> Schedules:
    return Schedules(zone, (calendar,) if calendar else (), (Schedule("s", days),))


OFFICE = Calendar(
    "office", days={date(2026, 2, 17): HOLIDAY, date(2026, 2, 18): HOLIDAY, date(2026, 2, 7): WORKDAY}
)  # a Tuesday and a Wednesday off, a Saturday on


class TestPain33:
    """ThingsBoard #15189, #4530: no schedule with several periods, no holidays, no calendar per building."""

    def test_pain_33_a_day_has_several_periods(self) -> None:
        schedules = one(workdays=periods("08:00-12:00", "13:00-17:30"))

        held = [hour for hour in range(24) if schedules.within("s", us(f"2026-03-11T{hour:02}:00"))]

        assert held == [8, 9, 10, 11, 13, 14, 15, 16, 17]

    def test_pain_33_holidays_and_make_up_days_come_from_the_calendar(self) -> None:
        schedules = one(calendar=OFFICE, workdays=periods("08:00-17:00"), saturday=periods("10:00-11:00"))

        assert schedules.within("s", us("2026-02-16T09:00"))
        assert not schedules.within("s", us("2026-02-17T09:00")), "a holiday"
        assert schedules.within("s", us("2026-02-07T09:00")), "a Saturday that makes up for a bridged day"
        assert not schedules.within("s", us("2026-02-14T09:00")), "a plain Saturday"
        assert schedules.is_holiday(us("2026-02-17T23:59"))
        assert not schedules.is_holiday(us("2026-02-18T00:00") - 24 * HOUR_US - 1), "the instant before it begins"
        assert not schedules.is_holiday(us("2026-02-14T09:00")), "a weekend is no holiday"

    def test_pain_33_holidays_have_periods_of_their_own(self) -> None:
        schedules = one(calendar=OFFICE, workdays=periods("08:00-17:00"), holidays=periods("10:00-12:00"))

        assert [schedules.within("s", us(f"2026-02-17T{hour}:00")) for hour in ("09", "10", "12")] == [
            False, True, False,
        ]  # fmt: skip

    def test_pain_33_each_building_has_its_own_calendar(self) -> None:
        school = Calendar("school", days={date(2026, 7, 15): HOLIDAY})
        week = {"workdays": periods("08:00-17:00")}
        schedules = Schedules(
            TAIPEI, (OFFICE, school), (Schedule("hall", week), Schedule("school", week, calendar="school"))
        )

        summer, new_year = us("2026-07-15T09:00"), us("2026-02-17T09:00")

        assert (schedules.within("hall", summer), schedules.within("school", summer)) == (True, False)
        assert (schedules.within("hall", new_year), schedules.within("school", new_year)) == (False, True)
        assert (schedules.is_holiday(summer), schedules.is_holiday(summer, "school")) == (False, True)


def test_a_period_past_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    schedules = one(friday=periods("22:00-06:00"))

    assert schedules.within("s", us("2026-03-13T22:00"))
    assert schedules.within("s", us("2026-03-14T05:59"))
    assert not schedules.within("s", us("2026-03-14T06:00"))
    assert not schedules.within("s", us("2026-03-13T05:00"))


def test_an_exception_wins_over_holiday_and_weekday_and_may_close() -> None:
    party = ScheduleException(date(2026, 2, 17), date(2026, 2, 17), periods("18:00-22:00"))
    typhoon = ScheduleException(date(2026, 3, 10), date(2026, 3, 11))
    schedules = Schedules(
        TAIPEI, (OFFICE,), (Schedule("s", {"workdays": periods("08:00-17:00")}, exceptions=(party, typhoon)),)
    )

    assert schedules.within("s", us("2026-02-17T19:00"))
    assert not schedules.within("s", us("2026-03-10T09:00"))
    assert not schedules.within("s", us("2026-03-11T09:00"))
    assert schedules.within("s", us("2026-03-12T09:00"))


def test_a_weekday_wins_over_the_week_and_every_day_stands_for_the_rest() -> None:
    schedules = one(calendar=OFFICE, every_day=periods("00:00-01:00"), workdays=periods("08:00-09:00"), friday=())

    def hours(day: str) -> list[int]:
        return [hour for hour in range(24) if schedules.within("s", us(f"{day}T{hour:02}:00"))]

    assert hours("2026-03-12") == [8]
    assert hours("2026-03-13") == []
    assert hours("2026-03-14") == [0]
    assert hours("2026-02-17") == [0], "a holiday without periods of its own is like every day"


def test_a_name_may_stand_again_for_other_days() -> None:
    summer = Schedule(
        "s", {"every_day": periods("06:00-20:00")}, valid_from=date(2026, 6, 1), valid_until=date(2026, 9, 30)
    )
    winter = Schedule("s", {"every_day": periods("08:00-18:00")}, valid_from=date(2026, 10, 1))
    schedules = Schedules(TAIPEI, (), (summer, winter))

    assert schedules.names == ("s",)
    assert schedules.within("s", us("2026-09-30T06:30"))
    assert not schedules.within("s", us("2026-10-01T06:30"))
    assert not schedules.within("s", us("2026-05-31T12:00")), "before any of them is valid"


def test_an_unknown_name_says_which_there_are() -> None:
    schedules = one(every_day=())

    with pytest.raises(NotFoundError, match="no schedule is named t; there are s"):
        schedules.within("t", 0)
    with pytest.raises(NotFoundError, match="no calendar is named t; there are none"):
        schedules.is_holiday(0, "t")


@pytest.mark.parametrize(
    "text", ["", "8:00-17:00", "08:00", "08:00-08:00", "24:00-06:00", "08:60-09:00", "08:00-24:01", "０8:00-09:00"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no period"):
        parse_period(text)


# Days on which clocks are put forward or back: what a wall clock shows, and when.


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 29), 23.0),
        (BERLIN, date(2026, 10, 25), 25.0),
        (BERLIN, date(2026, 6, 1), 24.0),
        (LORD_HOWE, date(2026, 10, 4), 23.5),
        (LORD_HOWE, date(2026, 4, 5), 24.5),
        (APIA, date(2011, 12, 30), 0.0),
        (TAIPEI, date(2026, 3, 29), 24.0),
    ],
)
def test_a_whole_day_is_as_long_as_it_is(zone: str, day: date, hours: float) -> None:
    begin, end = instant_us(ZoneInfo(zone), day, 0), instant_us(ZoneInfo(zone), day, DAY_MIN)

    assert (end - begin) / HOUR_US == hours


def test_skipped_hours_are_over_as_soon_as_they_begin() -> None:
    schedules = one(BERLIN, every_day=periods("02:00-04:00", "02:15-02:45"))
    begins = us("2026-03-29T03:00", BERLIN)

    assert schedules._spans("s", date(2026, 3, 29)) == ((begins, begins + HOUR_US),)


def test_repeated_hours_hold_twice_without_a_break() -> None:
    schedules = one(BERLIN, every_day=periods("02:00-03:00"))
    begin = us("2026-10-25T02:00", BERLIN)

    assert schedules._spans("s", date(2026, 10, 25)) == ((begin, begin + 2 * HOUR_US),)


DAYS = st.dates(date(1990, 1, 1), date(2035, 12, 31))
NEAR_A_CHANGE = st.sampled_from(
    [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25), date(2011, 12, 29), date(2011, 12, 30), date(2026, 4, 5)]
)


@given(st.sampled_from(ZONES), DAYS | NEAR_A_CHANGE, st.lists(st.integers(0, DAY_MIN), min_size=2, max_size=2))
def test_a_later_time_on_the_wall_is_never_an_earlier_moment(zone: str, day: date, minutes: list[int]) -> None:
    earlier, later = sorted(minutes)

    assert instant_us(ZoneInfo(zone), day, earlier) <= instant_us(ZoneInfo(zone), day, later)


@given(st.sampled_from(ZONES), DAYS | NEAR_A_CHANGE, st.lists(st.integers(0, DAY_MIN - 1), unique=True, min_size=1))
def test_periods_that_touch_cover_every_day_exactly_once(zone: str, day: date, cuts: list[int]) -> None:
    edges = [0, *sorted(set(cuts) - {0}), DAY_MIN]
    parts = tuple(Period(start, end) for start, end in pairwise(edges))

    spans = one(zone, every_day=parts)._spans("s", day)

    covered = sum(end - begin for begin, end in spans)
    assert covered == instant_us(ZoneInfo(zone), day, DAY_MIN) - instant_us(ZoneInfo(zone), day, 0)
    assert all(before[1] == after[0] for before, after in pairwise(spans))


PERIODS = st.builds(
    lambda start, length: Period(start, start + length), st.integers(0, DAY_MIN - 1), st.integers(1, DAY_MIN)
)
WEEKS = st.dictionaries(
    st.sampled_from(["every_day", "workdays", "weekend", "holidays", "monday", "sunday"]),
    st.lists(PERIODS, max_size=3).map(tuple),
    min_size=1,
)
CALENDARS = st.builds(
    lambda days: Calendar("c", days=dict(days)),
    st.lists(
        st.tuples(st.dates(date(2026, 3, 20), date(2026, 4, 10)), st.sampled_from([HOLIDAY, WORKDAY])), max_size=5
    ),
)
SPRING = st.integers(us("2026-03-20T00:00"), us("2026-04-10T00:00"))


def naive(schedules: Schedules, at_us: int) -> bool:
    """The same, the long way: minute by minute through the periods of yesterday and today."""
    zone = ZoneInfo(schedules.time_zone)
    schedule, calendar = schedules.schedules[0], schedules.calendar()
    today = local_day(zone, at_us)
    for day in (today - timedelta(days=1), today):
        for period in schedule.periods_on(day, calendar):
            if instant_us(zone, day, period.start) <= at_us < instant_us(zone, day, period.end):
                return True
    return False


@given(st.sampled_from([BERLIN, LORD_HOWE, TAIPEI]), WEEKS, CALENDARS, st.lists(SPRING, min_size=1, max_size=20))
def test_many_moments_are_judged_as_each_alone(
    zone: str, week: dict[str, tuple[Period, ...]], calendar: Calendar, moments: list[int]
) -> None:
    schedules = one(zone, calendar, **week)

    many = schedules.within_many("s", np.array(moments, dtype=np.int64))

    assert many.tolist() == [schedules.within("s", at) for at in moments] == [naive(schedules, at) for at in moments]


@given(st.sampled_from([BERLIN, LORD_HOWE, TAIPEI]), WEEKS, CALENDARS, SPRING)
def test_nothing_changes_before_the_next_change(
    zone: str, week: dict[str, tuple[Period, ...]], calendar: Calendar, at: int
) -> None:
    schedules = one(zone, calendar, **week)
    change = schedules.next_change("s", at)
    until = change if change is not None else at + 30 * 24 * HOUR_US

    between = np.linspace(at, until - 1, 200).astype(np.int64)

    assert set(schedules.within_many("s", between).tolist()) == {schedules.within("s", at)}
    if change is not None:
        assert schedules.within("s", change) is not schedules.within("s", at)


def test_what_never_changes_has_no_next_change() -> None:
    assert one(every_day=periods("00:00-24:00")).next_change("s", us("2026-03-11T09:00")) is None
    assert one(every_day=()).next_change("s", us("2026-03-11T09:00")) is None


def test_a_year_of_minutes_is_judged_from_its_few_hundred_days() -> None:
    begin = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e6)
    minutes = begin + np.arange(365 * 1440, dtype=np.int64) * 60_000_000
    schedules = one("UTC", every_day=periods("08:00-17:30"))

    assert int(schedules.within_many("s", minutes).sum()) == 365 * 570
