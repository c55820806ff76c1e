"""For which periods reports are made, and when the scheduled ones are due."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.reports import Every, ReportFormat, ReportKind, ReportSchedule
from cityhall_bms.reports.kinds import SORTS, checked_period
from cityhall_bms.reports.periods import asked_period, kind_of, month_begins, period_before, period_text
from cityhall_bms.reports.schedule import due, due_at, latest_due

TAIPEI = ZoneInfo("Asia/Taipei")


def schedule(every: Every, after_days: int = 0, minutes: int = 360) -> ReportSchedule:
    return ReportSchedule("monthly", ReportKind.MONTHLY_ENERGY, every, after_days, minutes, (ReportFormat.PDF,))


def us(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return round(datetime(year, month, day, hour, minute, tzinfo=TAIPEI).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("text", "kind", "zh", "en"),
    [
        ("104H1", Every.HALF_YEAR, "104 年上半年", "first half of 2015 (ROC 104)"),
        ("2015H2", Every.HALF_YEAR, "104 年下半年", "second half of 2015 (ROC 104)"),
        ("104-06", Every.MONTH, "104 年 6 月", "June 2015 (ROC 104)"),
        ("104-06-30", Every.DAY, "104 年 6 月 30 日", "2015-06-30 (ROC 104)"),
        ("104", Every.YEAR, "104 年", "2015 (ROC 104)"),
        ("104Q2", None, "104Q2", "2015-04-01 to 2015-06-30"),
    ],
)
def test_a_period_in_words(text: str, kind: Every | None, zh: str, en: str) -> None:
    period = parse_period(text)
    assert kind_of(period) is kind
    assert (period_text(period).zh, period_text(period).en) == (zh, en)


def test_what_is_no_period_is_refused_in_words() -> None:
    with pytest.raises(RefusedError, match="104H3"):
        asked_period("104H3")


def test_a_shift_report_is_made_for_a_day_and_nothing_else() -> None:
    assert checked_period(ReportKind.SHIFT, parse_period("104-06-30"))
    with pytest.raises(RefusedError, match="day"):
        checked_period(ReportKind.SHIFT, parse_period("104-06"))


@pytest.mark.parametrize(
    ("every", "day", "name"),
    [
        (Every.DAY, date(2015, 7, 1), "104-06-30"),
        (Every.MONTH, date(2015, 7, 1), "104-06"),
        (Every.MONTH, date(2015, 7, 31), "104-06"),
        (Every.HALF_YEAR, date(2015, 7, 1), "104H1"),
        (Every.HALF_YEAR, date(2015, 6, 30), "103H2"),
        (Every.YEAR, date(2015, 12, 31), "103"),
    ],
)
def test_the_period_before(every: Every, day: date, name: str) -> None:
    assert period_before(every, day).name == name


@given(every=st.sampled_from(Every), day=st.dates(date(2000, 1, 1), date(2040, 1, 1)))
def test_the_period_before_is_whole_over_and_of_its_kind(every: Every, day: date) -> None:
    period = period_before(every, day)
    assert kind_of(period) is every
    assert period.until <= day


def test_months_of_a_half_year() -> None:
    assert [day.month for day in month_begins(parse_period("104H2"))] == [7, 8, 9, 10, 11, 12]


def test_a_report_is_due_some_days_after_its_period_by_the_wall_clock() -> None:
    monthly = schedule(Every.MONTH, after_days=2)
    assert due_at(monthly, parse_period("104-06"), TAIPEI) == us(2015, 7, 3, 6)
    assert latest_due(monthly, us(2015, 7, 3, 5, 59), TAIPEI).name == "104-05"
    assert latest_due(monthly, us(2015, 7, 3, 6), TAIPEI).name == "104-06"


@given(
    every=st.sampled_from(Every),
    after=st.integers(0, 90),
    minutes=st.integers(0, 1439),
    now=st.integers(us(2015, 1, 1), us(2017, 1, 1)),
    later_s=st.integers(0, 400 * 86_400),
)
def test_what_is_due_never_goes_back(every: Every, after: int, minutes: int, now: int, later_s: int) -> None:
    asked = schedule(every, after, minutes)
    first, second = (latest_due(asked, at, TAIPEI) for at in (now, now + later_s * 1_000_000))
    assert first.first <= second.first
    assert due_at(asked, first, TAIPEI) <= now


def test_a_due_report_has_one_name_and_one_moment_however_late_it_is_asked() -> None:
    at_once = list(due([schedule(Every.MONTH)], us(2015, 7, 1, 6), TAIPEI))
    late = list(due([schedule(Every.MONTH)], us(2015, 7, 9, 17), TAIPEI))
    assert at_once == late
    name, _, wish = at_once[0]
    assert (name, wish.first, wish.until) == ("monthly-104-06", date(2015, 6, 1), date(2015, 7, 1))
    assert wish.known_at == us(2015, 7, 1, 6)


def test_every_kind_has_a_name_and_periods() -> None:
    assert set(SORTS) == set(ReportKind)
