"""Schedules by the rules of BACnet's Schedule object (ASHRAE 135, 12.24), held to a table of minutes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.scheduled_site import OFFICE, TAIPEI, at, daily, entries

from cityhall_bms.domain.calendars import DayKind
from cityhall_bms.domain.scheduling.days import DayForm, DayRule
from cityhall_bms.domain.scheduling.schedule import Days, Entry, PointSchedule, SpecialEvent, Targets
from cityhall_bms.domain.scheduling.writing import minute_of, schedule_of, schedule_table, shown_minute

DAYS = Days(TAIPEI, {"office": OFFICE}, OFFICE)
HOLIDAYS = DayRule(DayForm.CALENDAR, kind=DayKind.HOLIDAY)


def on(day: str) -> DayRule:
    return DayRule(DayForm.DATES, date.fromisoformat(day), date.fromisoformat(day))


@pytest.mark.parametrize(
    ("time", "value"),
    [("2026-03-02 07:59", None), ("2026-03-02 08:00", 1.0), ("2026-03-02 17:29", 1.0), ("2026-03-02 17:30", None)],
)
def test_a_weekly_value_lasts_until_the_next_entry_and_no_value_gives_up(time: str, value: float | None) -> None:
    assert DAYS.at(daily("A", "08:00=1", "17:30=-"), at(time)).value == value


def test_a_day_begins_with_the_default_whatever_the_day_before_ended_with() -> None:
    schedule = daily("A", "22:00=1", default=0.0)
    assert DAYS.at(schedule, at("2026-03-02 23:59")).value == 1.0
    assert DAYS.at(schedule, at("2026-03-03 00:00")).value == 0.0


def test_of_exceptions_the_lowest_number_counts_and_of_equals_the_first_and_no_value_lets_the_next_count() -> None:
    schedule = daily(
        "A", "00:00=1",
        specials=(
            SpecialEvent(on("2026-03-02"), entries("09:00=5"), 10),
            SpecialEvent(on("2026-03-02"), entries("09:00=6"), 10),
            SpecialEvent(on("2026-03-02"), entries("10:00=7", "11:00=-"), 2),
        ),
    )  # fmt: skip
    told = [DAYS.at(schedule, at(f"2026-03-02 {time}")).value for time in ("08:00", "09:00", "10:00", "11:00")]
    assert told == [1.0, 5.0, 7.0, 5.0]
    assert DAYS.at(schedule, at("2026-03-03 10:00")).value == 1.0


def test_holidays_and_make_up_days_of_the_calendar_are_days_of_exceptions() -> None:
    hours, nothing = entries("08:00=1", "17:30=0"), entries("00:00=0")
    schedule = PointSchedule(
        "A",
        Targets(),
        weekly=(hours,) * 5 + ((),) * 2,
        specials=(
            SpecialEvent(HOLIDAYS, nothing, 9),
            SpecialEvent(DayRule(DayForm.CALENDAR, kind=DayKind.WORKDAY), hours, 9),
        ),
    )
    noon = {day: DAYS.at(schedule, at(f"{day} 12:00")).value for day in ("2026-02-28", "2026-03-07", "2026-03-14")}
    assert noon == {"2026-02-28": 0.0, "2026-03-07": 1.0, "2026-03-14": None}


def test_it_asks_for_nothing_outside_its_days_or_when_it_is_switched_off() -> None:
    schedule = daily("A", "00:00=1", default=0.0, valid_from=date(2026, 3, 2), valid_until=date(2026, 3, 3))
    told = [DAYS.at(schedule, at(f"2026-03-0{day} 12:00")).value for day in (1, 2, 3, 4)]
    assert told == [None, 1.0, 1.0, None]
    assert DAYS.at(daily("A", "00:00=1", enabled=False), at("2026-03-02 12:00")).value is None


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        (DayRule(DayForm.WEEK_N_DAY, week=1, weekday=1), ["2026-03-02", "2026-04-06", "2026-05-04"]),
        (DayRule(DayForm.WEEK_N_DAY, month=13, week=6, weekday=5), ["2026-03-27", "2026-05-29"]),
        (DayRule(DayForm.WEEK_N_DAY, month=14, week=5, weekday=4), ["2026-04-30"]),
        (DayRule(DayForm.WEEK_N_DAY, month=4, week=7, weekday=3), ["2026-04-22"]),
        (DayRule(DayForm.DATES, date(2026, 4, 4), date(2026, 4, 6)), ["2026-04-04", "2026-04-05", "2026-04-06"]),
    ],
)
def test_days_are_told_by_date_range_and_week_n_day(rule: DayRule, days: list[str]) -> None:
    spring = [date(2026, 3, 1) + timedelta(days=number) for number in range(92)]
    assert [day.isoformat() for day in spring if rule.covers(day, OFFICE)] == days


ZONES = ["Asia/Taipei", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
ENTRIES = st.lists(
    st.builds(Entry, st.integers(0, 47).map(lambda half: 30 * half), st.sampled_from([None, 0.0, 1.0, 2.0])),
    max_size=4, unique_by=lambda entry: entry.minute,
).map(lambda found: tuple(sorted(found, key=lambda entry: entry.minute)))  # fmt: skip
FIRST = date(2026, 3, 27)
"""Before the night on which clocks in Berlin are put forward; New York and Lord Howe are tried in autumn."""


@st.composite
def schedules(draw: st.DrawFn, first: date) -> PointSchedule:
    spans = st.integers(0, 5).map(lambda number: first + timedelta(days=number))
    rules = st.builds(
        lambda begin, length: DayRule(DayForm.DATES, begin, begin + timedelta(days=length)), spans, st.integers(0, 2)
    )
    specials = st.lists(st.builds(SpecialEvent, rules, ENTRIES, st.integers(1, 16)), max_size=3)
    return PointSchedule(
        "A", Targets(), weekly=tuple(draw(st.lists(ENTRIES, min_size=7, max_size=7))), specials=tuple(draw(specials)),
        default=draw(st.sampled_from([None, 0.0, 3.0])),
        valid_from=draw(st.none() | spans), valid_until=draw(st.none() | spans),
    )  # fmt: skip


def minutes_of(zone: ZoneInfo, first: date, days: int) -> Iterator[tuple[int, date, int]]:
    """Every minute that passes: its moment, the date on the wall, and the latest time that the wall showed that day.

    Where clocks are put back a time that was shown already has begun already.
    """
    moment = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)
    shown_last: tuple[date, int] = (date.min, 0)
    while True:
        wall = moment.astimezone(zone)
        day, minute = wall.date(), 60 * wall.hour + wall.minute
        if day >= first + timedelta(days=days):
            return
        if shown_last[0] == day:
            minute = max(minute, shown_last[1])
        shown_last = (day, minute)
        if day >= first:
            yield round(moment.timestamp()) * 1_000_000, day, minute
        moment += timedelta(minutes=1)


def by_the_table(schedule: PointSchedule, day: date, minute: int) -> float | None:
    """What the standard says, read aloud."""
    if (schedule.valid_from or date.min) > day or (schedule.valid_until or date.max) < day:
        return None
    lists = sorted(
        ((each.precedence, place, each.entries) for place, each in enumerate(schedule.specials) if each.days.first <= day <= each.days.last),  # type: ignore[operator]
    )  # fmt: skip
    for _, _, told in [*lists, (17, 0, schedule.weekly[day.weekday()])]:
        begun = [entry.value for entry in told if entry.minute <= minute]
        if begun and begun[-1] is not None:
            return begun[-1]
    return schedule.default


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        (ZONES[0], FIRST),
        (ZONES[1], FIRST),
        (ZONES[1], date(2026, 10, 23)),
        (ZONES[2], date(2026, 10, 30)),
        (ZONES[3], date(2026, 4, 3)),
    ],
)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_every_minute_of_days_of_23_24_and_25_hours_is_as_the_table_says(
    zone: str, first: date, data: st.DataObject
) -> None:
    schedule = data.draw(schedules(first))
    days = Days(ZoneInfo(zone), {}, OFFICE)
    table = [(moment, by_the_table(schedule, day, minute)) for moment, day, minute in minutes_of(days.zone, first, 3)]
    assert [days.at(schedule, moment).value for moment, _ in table[::7]] == [value for _, value in table[::7]]
    changes = list(days.changes(schedule, table[0][0], table[-1][0] + 60_000_000))
    expected = [table[0]] + [now for before, now in pairwise(table) if before[1] != now[1]]
    told = [(change.at, change.choice.value) for change in changes]
    assert [pair for number, pair in enumerate(told) if number == 0 or pair[1] != told[number - 1][1]] == expected


@given(schedules(FIRST))
def test_a_schedule_written_down_and_read_again_is_the_same(schedule: PointSchedule) -> None:
    assert schedule_of("A", schedule_table(schedule)) == schedule


@pytest.mark.parametrize("text", ["8:00", "24:00", "08:60", "0800", "٠٨:00", "", "08:00:00"])
def test_what_is_no_time_of_a_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time of a day"):
        minute_of(text)
    assert shown_minute(minute_of("07:05")) == "07:05"
