"""Office days as the Directorate-General of Personnel Administration (行政院人事行政總處) announced them, and who comes."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_simulators.plants.calendar import is_workday, special_days, years_with_calendar
from cityhall_simulators.plants.climate.spells import typhoons
from cityhall_simulators.plants.moment import Moment, moment_at
from cityhall_simulators.plants.people import GUARDS, OfficeHour, occupancy

SATURDAY, SUNDAY = 5, 6
WEDNESDAY, FRIDAY = date(2026, 3, 11), date(2026, 3, 13)
SEED = 3


def days(first: str, last: str) -> list[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [begin + timedelta(days=number) for number in range((end - begin).days + 1)]


def at(day: date, hour: float, seed: int = SEED) -> Moment:
    return moment_at(datetime.combine(day, datetime.min.time()) + timedelta(hours=hour), seed)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2006-01-28", "2006-02-02"),
        ("2010-02-13", "2010-02-21"),
        ("2014-01-30", "2014-02-04"),
        ("2015-02-18", "2015-02-23"),
        ("2024-02-08", "2024-02-14"),
        ("2025-01-25", "2025-02-02"),
        ("2026-02-14", "2026-02-22"),
    ],
)
def test_offices_are_closed_through_lunar_new_year_and_open_before_and_after(first: str, last: str) -> None:
    assert not any(is_workday(day) for day in days(first, last))
    assert is_workday(date.fromisoformat(first) - timedelta(days=1))
    assert is_workday(date.fromisoformat(last) + timedelta(days=1))


@pytest.mark.parametrize(
    ("saturday", "bridged"),
    [
        ("2006-10-14", "2006-10-09"),
        ("2010-02-06", "2010-02-19"),
        ("2014-12-27", "2015-01-02"),
        ("2021-02-20", "2021-02-10"),
        ("2024-02-17", "2024-02-08"),
        ("2025-02-08", "2025-01-27"),
    ],
)
def test_a_bridged_day_is_off_and_a_saturday_makes_up_for_it(saturday: str, bridged: str) -> None:
    assert date.fromisoformat(saturday).weekday() == SATURDAY
    assert is_workday(date.fromisoformat(saturday))
    assert not is_workday(date.fromisoformat(bridged))


@pytest.mark.parametrize(
    "day",
    [
        "2015-02-27", "2015-04-03", "2015-04-06", "2015-06-19", "2015-09-28", "2015-10-09",
        "2025-09-29", "2025-10-24", "2025-12-25",
        "2026-02-20", "2026-02-27", "2026-04-03", "2026-04-06", "2026-05-01", "2026-09-28", "2026-10-09", "2026-10-26",
    ],
)  # fmt: skip
def test_days_in_place_of_weekend_holidays_and_those_of_the_act_of_2025_are_off(day: str) -> None:
    assert date.fromisoformat(day).weekday() < SATURDAY
    assert not is_workday(date.fromisoformat(day))


def test_offices_work_on_labour_day_until_2025() -> None:
    assert all(is_workday(date(year, 5, 1)) for year in (2006, 2014, 2015, 2024, 2025))
    assert not is_workday(date(2026, 5, 1))


@pytest.mark.parametrize(
    ("year", "off"),
    # As announced; 2014 and 2015 with the change of 21 October 2014, which moved a day off to 2 January 2015.
    [(2011, 115), (2012, 112), (2013, 115), (2014, 114 - 1), (2015, 115 + 1), (2017, 116), (2021, 116), (2024, 115),
     (2026, 120)],
)  # fmt: skip
def test_a_year_has_as_many_days_off_as_announced(year: int, off: int) -> None:
    assert sum(not is_workday(day) for day in days(f"{year}-01-01", f"{year}-12-31")) == off


def test_only_saturdays_make_up_and_none_after_february_2025() -> None:
    works = [day for day, special in special_days().items() if special.works]
    assert len(works) == 40
    assert {day.weekday() for day in works} == {SATURDAY}
    assert max(works) == date(2025, 2, 8)


def test_every_special_day_has_a_name_in_both_languages_and_its_source() -> None:
    assert years_with_calendar() == set(range(2006, 2028))
    assert all(special.name_zh and special.name_en for special in special_days().values())
    assert {special.source for special in special_days().values()} == {"dgpa_csv", "dgpa_list"}


def test_years_without_a_calendar_know_the_holidays_on_fixed_dates() -> None:
    assert not any(is_workday(date(2030, month, day)) for month, day in ((1, 1), (2, 28), (5, 1), (10, 10), (12, 25)))
    assert is_workday(date(2030, 1, 2))
    assert is_workday(date(2003, 5, 1))
    assert not is_workday(date(2003, 10, 10))


# People


@pytest.mark.parametrize("day", [date(2015, 2, 20), date(2026, 2, 17), date(2026, 5, 1), date(2026, 3, 14)])
def test_holidays_and_weekends_leave_few_in_the_building_and_no_air_conditioning(day: date) -> None:
    moments = [at(day, hour / 4.0) for hour in range(96)]
    assert all(GUARDS <= moment.occupancy <= 0.05 for moment in moments)
    assert all(moment.visitors <= 0.05 for moment in moments)
    assert not any(moment.workday or moment.air_conditioning for moment in moments)
    assert at(day, 14.0).occupancy >= 0.03


def test_a_make_up_saturday_is_as_busy_as_a_weekday() -> None:
    assert at(date(2024, 2, 17), 10.0).workday
    assert at(date(2024, 2, 17), 10.0).occupancy > 0.85


def test_staff_come_between_half_past_seven_and_nine_and_leave_between_five_and_half_past_six() -> None:
    assert at(WEDNESDAY, 7.25).occupancy < 0.05
    assert at(WEDNESDAY, 9.1).occupancy > 0.9
    assert at(WEDNESDAY, 16.9).occupancy > 0.9
    assert 0.05 < at(WEDNESDAY, 18.6).occupancy < 0.15
    assert at(WEDNESDAY, 23.0).occupancy == pytest.approx(0.02, abs=0.002)
    assert at(WEDNESDAY, 3.0).occupancy == pytest.approx(0.02, abs=0.002)


def test_some_go_out_for_lunch_and_come_back() -> None:
    noon = [at(WEDNESDAY, 12.0 + minute / 60.0).occupancy for minute in range(0, 91, 5)]
    assert 0.6 < min(noon) < 0.8
    assert noon[-1] > 0.9


def test_fewer_come_on_fridays() -> None:
    assert 0.02 < at(WEDNESDAY, 10.0).occupancy - at(FRIDAY, 10.0).occupancy < 0.1


def test_visitors_peak_at_lunch_and_counters_close_at_five() -> None:
    curve = {hour: at(WEDNESDAY, hour).visitors for hour in (7.0, 8.0, 10.3, 12.2, 14.5, 17.6, 20.0)}
    assert curve[12.2] > curve[10.3] > 0.4
    assert curve[14.5] > 0.4
    assert all(curve[hour] < 0.02 for hour in (7.0, 8.0, 17.6, 20.0))
    assert max(at(WEDNESDAY, minute / 60.0).visitors for minute in range(24 * 60)) == pytest.approx(1.0, abs=0.12)


def test_air_conditioning_runs_from_eight_to_half_past_five_on_workdays() -> None:
    # Domain reference, section 1: use profile.
    running = [hour / 4.0 for hour in range(96) if at(WEDNESDAY, hour / 4.0).air_conditioning]
    assert (running[0], running[-1]) == (8.0, 17.25)
    assert len(running) == 38


def test_a_typhoon_closes_the_offices() -> None:
    closed = [date.fromordinal(storm.ordinal) for year in range(2006, 2027) for storm in typhoons(year, SEED)]
    weekdays = [day for day in closed if is_workday(day)]
    assert len(weekdays) > 3
    for day in weekdays:
        moment = at(day, 11.0)
        assert moment.typhoon
        assert not moment.workday
        assert not moment.air_conditioning
        assert moment.occupancy < 0.04
        assert moment.visitors == 0.0


@given(hour=st.floats(0.0, 24.0), weekday=st.integers(0, 6), workday=st.booleans(), closed=st.booleans())
def test_occupancy_is_a_part_of_the_staff(hour: float, weekday: int, *, workday: bool, closed: bool) -> None:
    assert GUARDS <= occupancy(OfficeHour(hour, weekday, workday and not closed, closed)) <= 1.0
