"""Preventive work: due in its window, done on time or late, overdue after it."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from cityhall_bms.domain.maintenance.book import Plan
from cityhall_bms.domain.maintenance.cycles import Cycle, CycleUnit
from cityhall_bms.domain.maintenance.plans import (
    Done,
    Punctuality,
    Task,
    TaskState,
    calendar_task,
    hours_task,
    punctuality,
)

MONTHLY = Cycle(CycleUnit.MONTH, date(2026, 1, 15))
LONG_AGO = date(2026, 1, 1)
TAIPEI = ZoneInfo("Asia/Taipei")


def done(**days: str) -> dict[str, Done]:
    """By due day (``d2026_03_15="2026-03-14"``)."""
    found = {}
    for due, day in days.items():
        at = datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=TAIPEI)
        found[due[1:].replace("_", "-")] = Done(round(at.timestamp() * 1e6), at.date(), f"order of {due}")
    return found


def task(today: date, made: Mapping[str, Done], began: date = LONG_AGO) -> Task:
    return calendar_task("filter", "AHU01", MONTHLY, made, began=began, today=today, share=0.1)


FEBRUARY = done(d2026_02_15="2026-02-15")


@pytest.mark.parametrize(
    ("today", "made", "state", "due"),
    [
        (date(2026, 3, 1), FEBRUARY, TaskState.WAITING, date(2026, 3, 15)),
        (date(2026, 3, 12), FEBRUARY, TaskState.DUE, date(2026, 3, 15)),
        (date(2026, 3, 18), FEBRUARY, TaskState.DUE, date(2026, 3, 15)),
        (date(2026, 3, 19), FEBRUARY, TaskState.OVERDUE, date(2026, 3, 15)),
        # Still overdue when the next window opens; the work is then done for the occasion that is open.
        (date(2026, 4, 13), FEBRUARY, TaskState.OVERDUE, date(2026, 4, 15)),
        (date(2026, 4, 13), FEBRUARY | done(d2026_04_15="2026-04-13"), TaskState.WAITING, date(2026, 5, 15)),
        (date(2026, 3, 20), FEBRUARY | done(d2026_03_15="2026-03-20"), TaskState.WAITING, date(2026, 4, 15)),
    ],
)
def test_a_task_by_the_calendar(today: date, made: Mapping[str, Done], state: TaskState, due: date) -> None:
    found = task(today, made)
    assert (found.state, found.due) == (state, due)


def test_a_window_that_was_over_before_the_plan_was_there_is_held_against_nobody() -> None:
    assert task(date(2026, 3, 19), {}, began=date(2026, 3, 19)).state is TaskState.WAITING
    assert task(date(2026, 3, 19), {}, began=date(2026, 3, 18)).state is TaskState.OVERDUE


@pytest.mark.parametrize(
    ("hours", "state"),
    [
        (None, TaskState.UNKNOWN),
        (3_599.0, TaskState.WAITING),
        (3_600.0, TaskState.DUE),
        (4_400.0, TaskState.DUE),
        (4_401.0, TaskState.OVERDUE),
    ],
)
def test_a_task_by_running_hours_is_due_a_tenth_before_and_overdue_a_tenth_after(
    hours: float | None, state: TaskState
) -> None:
    plan = Plan("oil", "換油", "Oil", ("CHC01",), run_hours=4_000.0)
    assert hours_task(plan, "CHC01", hours, None, 0.1).state is state


def test_the_figure_is_what_was_done_in_time_of_what_was_due() -> None:
    made = done(d2026_01_15="2026-01-14", d2026_02_15="2026-02-20", d2026_04_15="2026-04-15")
    found = punctuality(MONTHLY, made, LONG_AGO, (date(2026, 1, 1), date(2026, 5, 1)), 0.1)
    assert found == Punctuality(due=4, done=3, on_time=2)
    assert found.share == 0.5
    assert Punctuality().share is None
