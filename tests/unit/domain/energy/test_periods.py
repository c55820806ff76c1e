"""Periods by name, their days, and the same period of another year."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.periods import Period, parse_period, share_of_year, year_period


@pytest.mark.parametrize(
    ("text", "first", "until", "days"),
    [
        ("104", date(2015, 1, 1), date(2016, 1, 1), 365),
        ("2015", date(2015, 1, 1), date(2016, 1, 1), 365),
        ("95", date(2006, 1, 1), date(2007, 1, 1), 365),
        ("104H1", date(2015, 1, 1), date(2015, 7, 1), 181),
        ("105H1", date(2016, 1, 1), date(2016, 7, 1), 182),
        ("104H2", date(2015, 7, 1), date(2016, 1, 1), 184),
        ("2015Q3", date(2015, 7, 1), date(2015, 10, 1), 92),
        ("105-02", date(2016, 2, 1), date(2016, 3, 1), 29),
        ("104-06-30", date(2015, 6, 30), date(2015, 7, 1), 1),
        ("104-06-01..104-06-20", date(2015, 6, 1), date(2015, 6, 21), 20),
        ("2015-12-31..105-01-01", date(2015, 12, 31), date(2016, 1, 2), 2),
    ],
)
def test_a_period_is_named_by_roc_or_common_year(text: str, first: date, until: date, days: int) -> None:
    period = parse_period(text)
    assert (period.first, period.until, period.days) == (first, until, days)
    assert parse_period(period.name) == period


@pytest.mark.parametrize(
    "text",
    ["", "x", "104H3", "104Q5", "104-13", "104-00", "104-02-30", "104-06-20..104-06-01", "1", "104-1", "104H1 ",
     "90-01-01..104-01-01", "9999", "1000H1", "1911", "00", "05-06", "0001-01-01..0001-01-02", "9999-12-30..9999-12-31", "104-01-01.."],
)  # fmt: skip
def test_anything_else_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="is no period"):
        parse_period(text)


@pytest.mark.parametrize(
    ("text", "years", "moved"),
    [
        ("104H1", -9, "95H1"),
        ("105H1", -1, "104H1"),
        ("105-02", -1, "104-02"),
        ("104-02", 1, "105-02"),
        ("105-02-29..105-03-01", -1, "104-03-01"),
        ("105-01-01..105-02-28", -1, "104-01-01..104-02-28"),
    ],
)
def test_the_same_period_of_another_year_has_the_same_dates(text: str, years: int, moved: str) -> None:
    assert parse_period(text).moved(years).name == moved


def test_the_leap_day_is_kept_and_its_half_year_compared_as_it_is() -> None:
    half = parse_period("105H1")
    assert (half.days, half.moved(-1).days) == (182, 181)


def test_the_leap_day_alone_has_no_day_in_another_year() -> None:
    with pytest.raises(ValueError, match="there is no such day in ROC 104"):
        parse_period("105-02-29").moved(-1)


def test_of_a_period_that_goes_on_the_days_that_are_over_count() -> None:
    half = parse_period("104H1")
    over = half.elapsed(date(2015, 3, 15))
    assert over is not None
    assert (over.name, over.moved(-9).name) == ("104-01-01..104-03-14", "95-01-01..95-03-14")
    assert half.elapsed(date(2015, 1, 1)) is None
    assert half.elapsed(date(2020, 1, 1)) == half


def test_its_bounds_are_midnights_of_the_site() -> None:
    begin, end = parse_period("104").bounds(ZoneInfo("Asia/Taipei"))
    assert (begin, end - begin) == (1_420_041_600_000_000, 365 * 86_400_000_000)


@pytest.mark.parametrize(
    ("until", "share"),
    [
        (date(2015, 1, 1), 0.0),
        (date(2015, 7, 1), 0.5),
        (date(2016, 7, 1), 0.0),
        (date(2015, 2, 15), 1.5 / 12),
        (date(2016, 1, 1), 1.0),
        (date(2014, 7, 1), 0.0),
    ],
)
def test_the_linear_plan_gives_every_month_a_twelfth(until: date, share: float) -> None:
    year = 2017 if until == date(2016, 7, 1) else 2015
    assert share_of_year(until, year) == pytest.approx(share)


@given(st.dates(date(1950, 1, 1), date(2090, 12, 31)), st.integers(1, 3000), st.integers(-40, 40))
def test_moving_a_period_changes_its_length_by_its_leap_days_at_most(first: date, days: int, years: int) -> None:
    period = Period(first, first + timedelta(days=days))
    try:
        moved = period.moved(years)
    except ValueError:
        assert period.name.endswith("02-29")
        return
    assert abs(moved.days - period.days) <= 1 + days // 1461 + 1
    assert (moved.first.month, moved.first.day) in {(first.month, first.day), (3, 1)}


@given(st.dates(date(1950, 1, 1), date(2090, 12, 31)), st.integers(1, 3000))
def test_the_name_of_a_period_is_read_as_that_period(first: date, days: int) -> None:
    period = Period(first, first + timedelta(days=days))
    assert parse_period(period.name) == period


def test_a_year_is_its_calendar_year() -> None:
    assert year_period(2015) == parse_period("104")
