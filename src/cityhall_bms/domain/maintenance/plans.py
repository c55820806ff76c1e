"""When preventive work and fire tests stand due, are on time or overdue: pure arithmetic over what was done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored
from cityhall_bms.domain.maintenance.book import Plan
from cityhall_bms.domain.maintenance.cycles import Cycle, Occurrence, ending_within, latest_open, occurrence

PLAN_STREAMS: Final = "maintenance-plan/"
"""What the stream of every plan starts with; reads them all."""


class TaskState(StrEnum):
    """How a task stands now."""

    WAITING = "waiting"
    """It is not due yet, or was done this time."""
    DUE = "due"
    OVERDUE = "overdue"
    UNKNOWN = "unknown"
    """By running hours that nobody knows now."""


@stored
@dataclass(frozen=True, slots=True)
class PlanBegan(Event):
    """A plan or fire test was seen in the site folder first: windows that were over before do not count."""

    plan: str
    at: int


@dataclass(frozen=True, slots=True)
class Done:
    """When something was done (µs UTC and the day by the building's calendar), and by which order or record."""

    at: int
    day: date
    order: str


@dataclass(frozen=True, slots=True)
class Task:
    """One plan on one piece of equipment as it stands now; dates by the building's calendar.

    ``due`` is of the occurrence that counts now: the one that is overdue, else the latest whose window has begun, else
    the next. For plans by running hours ``hours`` are those since it was done last; none where they are not known.
    """

    plan: str
    equipment: str
    state: TaskState
    due: date | None = None
    opens: date | None = None
    closes: date | None = None
    hours: float | None = None
    hours_due: float | None = None
    last: Done | None = None
    order: str = ""
    """Order under which it is being done."""

    @property
    def subject(self) -> str:
        """What its orders are about."""
        return task_subject(self.plan, self.equipment)

    @property
    def reference(self) -> str:
        """The one occasion that its next order is for."""
        return "hours" if self.due is None else self.due.isoformat()


def task_subject(plan: str, equipment: str) -> str:
    """What orders of a plan on equipment are about."""
    return f"{plan}/{equipment}"


def plan_stream(plan: str) -> str:
    """Event stream of one plan."""
    return f"{PLAN_STREAMS}{plan}"


def begun(entries: Iterable[StoredEvent]) -> dict[str, int]:
    """When each plan was seen first, µs UTC."""
    found: dict[str, int] = {}
    for entry in entries:
        event = entry.event() if entry.type in EVENT_TYPES else None
        if isinstance(event, PlanBegan):
            found.setdefault(event.plan, event.at)
    return found


def calendar_task(
    plan: str, equipment: str, cycle: Cycle, done: Mapping[str, Done], *, began: date, today: date, share: float
) -> Task:
    """How a task by the calendar stands; ``done`` is by due day (ISO)."""
    now = latest_open(cycle, today, share)
    number = -1 if now is None else now.number
    counts = [occurrence(cycle, each, share) for each in (number - 1, number) if each >= 0]
    missed = [each for each in counts if each.closes >= began and each.due.isoformat() not in done]
    last = max(done.values(), key=lambda each: each.at, default=None)
    if missed and not any(each.number == number for each in missed):
        # A later occasion was done: the one before it is history, and counts as missed in the figures.
        missed = []
    if not missed:
        return _task(plan, equipment, TaskState.WAITING, occurrence(cycle, number + 1, share), last)
    first = missed[0]
    state = TaskState.OVERDUE if first.closes < today else TaskState.DUE
    # Whoever is late does the work once: it is done for the occasion that is open now.
    shown = missed[-1] if state is TaskState.OVERDUE and len(missed) > 1 else first
    return _task(plan, equipment, state, shown, last)


def hours_task(plan: Plan, equipment: str, hours: float | None, last: Done | None, share: float) -> Task:
    """How a task by running hours stands, with those since it was done last (or since the plan began)."""
    limit = plan.run_hours
    assert limit is not None  # noqa: S101 - asked for plans by running hours alone
    if hours is None:
        state = TaskState.UNKNOWN
    elif hours > limit * (1 + share):
        state = TaskState.OVERDUE
    else:
        state = TaskState.DUE if hours >= limit * (1 - share) else TaskState.WAITING
    return Task(plan.name, equipment, state, hours=hours, hours_due=limit, last=last)


def _task(plan: str, equipment: str, state: TaskState, when: Occurrence, last: Done | None) -> Task:
    return Task(plan, equipment, state, due=when.due, opens=when.opens, closes=when.closes, last=last)


@dataclass(frozen=True, slots=True)
class Punctuality:
    """Occasions whose windows ended in a period: how many, and how many were done, and done in time."""

    due: int = 0
    done: int = 0
    on_time: int = 0

    @property
    def share(self) -> float | None:
        """Done on time / due (0..1); none where nothing was due."""
        return self.on_time / self.due if self.due else None

    def __add__(self, other: "Punctuality") -> "Punctuality":
        return Punctuality(self.due + other.due, self.done + other.done, self.on_time + other.on_time)


def punctuality(
    cycle: Cycle, done: Mapping[str, Done], began: date, period: tuple[date, date], share: float
) -> Punctuality:
    """Figures of one task: of occasions whose windows ended from the first day of a period to its end (excluded)."""
    first, until = period
    held = [each for each in ending_within(cycle, first, until, share) if each.closes >= began]
    made = [(each, done[each.due.isoformat()]) for each in held if each.due.isoformat() in done]
    return Punctuality(len(held), len(made), sum(each.opens <= by.day <= each.closes for each, by in made))


def overdue(tasks: Sequence[Task]) -> list[Task]:
    """Those that are overdue."""
    return [task for task in tasks if task.state is TaskState.OVERDUE]
