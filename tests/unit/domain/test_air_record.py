"""When tests of the air are due, and their inspections."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.air_record import InspectionKind, due, months_later

TEST, WALK = InspectionKind.TEST, InspectionKind.WALK_THROUGH


def test_the_next_test_is_two_years_after_the_last_and_its_inspection_in_the_two_months_before() -> None:
    found = due([(TEST, date(2024, 7, 15)), (TEST, date(2022, 7, 1)), (WALK, date(2026, 6, 1))], 24, 2)
    assert (found.next_test, found.inspection_from) == (date(2026, 7, 15), date(2026, 5, 15))
    assert found.inspected
    assert not found.overdue(date(2026, 7, 15))
    assert found.overdue(date(2026, 7, 16))


def test_an_inspection_of_before_its_time_does_not_count() -> None:
    assert not due([(TEST, date(2024, 7, 15)), (WALK, date(2026, 5, 14))], 24, 2).inspected


def test_a_building_that_was_never_tested_is_overdue() -> None:
    found = due([(WALK, date(2026, 6, 1))], 24, 2)
    assert found.next_test is None
    assert found.overdue(date(2026, 7, 1))
    assert not found.inspected


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(-60, 60))
def test_months_later_keeps_the_day_or_takes_the_last_of_a_shorter_month(day: date, months: int) -> None:
    found = months_later(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day <= day.day
    assert found.day == day.day or months_later(found.replace(day=1), 1).toordinal() - found.toordinal() == 1
