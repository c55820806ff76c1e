"""When something that recurs is due: a fixed grid of the calendar, and a window around each day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.maintenance.cycles import Cycle, CycleUnit, ending_within, latest_open, occurrence

SHARE = 0.10
CYCLES = st.builds(
    Cycle,
    every=st.sampled_from(CycleUnit),
    first=st.dates(date(2020, 1, 1), date(2027, 12, 31)),
    times=st.integers(1, 40),
)


@pytest.mark.parametrize(
    ("cycle", "number", "due"),
    [
        (Cycle(CycleUnit.WEEK, date(2026, 1, 5)), 2, date(2026, 1, 19)),
        (Cycle(CycleUnit.MONTH, date(2026, 1, 31)), 1, date(2026, 2, 28)),
        (Cycle(CycleUnit.MONTH, date(2026, 1, 31)), 3, date(2026, 4, 30)),
        (Cycle(CycleUnit.MONTH, date(2026, 1, 30)), 1, date(2026, 2, 28)),
        (Cycle(CycleUnit.QUARTER, date(2026, 2, 15)), 4, date(2027, 2, 15)),
        # The report of a class-A place: by 30 June and 31 December.
        (Cycle(CycleUnit.HALF_YEAR, date(2026, 6, 30)), 1, date(2026, 12, 31)),
        (Cycle(CycleUnit.HALF_YEAR, date(2026, 6, 30)), 2, date(2027, 6, 30)),
        (Cycle(CycleUnit.YEAR, date(2024, 2, 29)), 1, date(2025, 2, 28)),
        # A generator runs four hours every 36 months, a GIS is serviced every 10 years (27 June 2015, 2025).
        (Cycle(CycleUnit.MONTH, date(2026, 3, 1), 36), 1, date(2029, 3, 1)),
        (Cycle(CycleUnit.YEAR, date(2015, 6, 27), 10), 1, date(2025, 6, 27)),
    ],
)
def test_due_days_lie_on_the_calendar(cycle: Cycle, number: int, due: date) -> None:
    assert cycle.due(number) == due


@pytest.mark.parametrize(
    ("every", "days"),
    [(CycleUnit.DAY, 0), (CycleUnit.WEEK, 1), (CycleUnit.MONTH, 3), (CycleUnit.QUARTER, 9), (CycleUnit.HALF_YEAR, 18)],
)
def test_the_window_is_a_tenth_of_the_cycle_to_either_side_and_a_day_at_least_from_a_week_on(
    every: CycleUnit, days: int
) -> None:
    found = occurrence(Cycle(every, date(2026, 1, 1)), 0, SHARE)
    assert (found.due - found.opens, found.closes - found.due) == (timedelta(days), timedelta(days))


@given(CYCLES, st.dates(date(2019, 1, 1), date(2035, 12, 31)))
def test_the_latest_one_open_is_the_last_that_began(cycle: Cycle, day: date) -> None:
    found = latest_open(cycle, day, SHARE)
    if found is None:
        assert day < occurrence(cycle, 0, SHARE).opens
        return
    assert found.opens <= day < occurrence(cycle, found.number + 1, SHARE).opens


@given(CYCLES, st.dates(date(2019, 1, 1), date(2030, 12, 31)), st.integers(0, 700), st.integers(0, 700))
def test_periods_that_touch_share_no_occurrence_and_lose_none(cycle: Cycle, first: date, one: int, two: int) -> None:
    middle, until = first + timedelta(one), first + timedelta(one + two)
    both = ending_within(cycle, first, middle, SHARE) + ending_within(cycle, middle, until, SHARE)
    assert both == ending_within(cycle, first, until, SHARE)
