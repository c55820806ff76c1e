"""The shipped rules over a simulated day of faults at random, held to the truth file; the year: `docs/benchmarks.md`."""

from functools import cache

import pytest
from tests.support.labelled_verdict import Kind, Verdict, judge
from tests.support.labelled_year import Plan, live_through

SUMMER_DAY = Plan(year=2025, month=7, days=1, per_day=72.0, seed=3)
LEAST = 0.95
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("labelled day")]
"""Three days of the whole building, also on a machine that is busy with other things; lived in one process only."""


@cache
def verdict() -> Verdict:
    """The day is lived once."""
    return judge([live_through(SUMMER_DAY)])


def test_the_rules_find_what_was_due_to_be_found() -> None:
    total = verdict().by_fault
    assert total.due >= 25
    assert total.recall is not None
    assert total.recall >= LEAST, [note for note in verdict().notes if "missed" in note]


def test_what_rings_is_right_or_follows_from_a_fault() -> None:
    total = verdict().by_rule
    assert total.kinds[Kind.RIGHT] >= 25
    assert total.precision is not None
    assert total.precision >= LEAST, [note for note in verdict().notes if "rang" in note]


def test_what_could_not_be_found_is_counted_apart() -> None:
    total = verdict().by_fault
    assert total.undue.total() < total.due
