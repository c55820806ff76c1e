"""Work orders: repairs and preventive work, from the word that something is wrong to the proof that it is right.

A repair ticket is a work order of the kind ``repair``: it has the same states, evidence and sign-off, so it is one
aggregate (docs/adr/0094-maintenance.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored
from cityhall_bms.domain.maintenance.book import Check
from cityhall_bms.domain.maintenance.documents import Attached, attached_of

ORDER_STREAMS: Final = "work-order/"
"""What the stream of every work order starts with; reads them all."""


class WorkKind(StrEnum):
    """What sort of work."""

    REPAIR = "repair"
    PREVENTIVE = "preventive"


class WorkSource(StrEnum):
    """Where the order came from."""

    ALARM = "alarm"
    PLAN = "plan"
    PATROL = "patrol"
    PERSON = "person"


class WorkState(StrEnum):
    """Where an order stands."""

    NEW = "new"
    TRIAGED = "triaged"
    ASSIGNED = "assigned"
    ARRIVED = "arrived"
    ON_HOLD = "on_hold"
    FIXED = "fixed"
    VERIFIED = "verified"
    CLOSED = "closed"
    REOPENED = "reopened"


class WorkStep(StrEnum):
    """What somebody does to an order."""

    TRIAGE = "triage"
    ASSIGN = "assign"
    ARRIVE = "arrive"
    HOLD = "hold"
    RESUME = "resume"
    FIX = "fix"
    VERIFY = "verify"
    CLOSE = "close"
    REOPEN = "reopen"
    DISMISS = "dismiss"


S, T = WorkState, WorkStep
TRANSITIONS: Final[Mapping[tuple[WorkState, WorkStep], WorkState]] = {
    (S.NEW, T.TRIAGE): S.TRIAGED,
    (S.NEW, T.DISMISS): S.CLOSED,
    (S.TRIAGED, T.ASSIGN): S.ASSIGNED,
    (S.TRIAGED, T.DISMISS): S.CLOSED,
    (S.ASSIGNED, T.ASSIGN): S.ASSIGNED,
    (S.ASSIGNED, T.ARRIVE): S.ARRIVED,
    (S.ASSIGNED, T.HOLD): S.ON_HOLD,
    (S.ARRIVED, T.ASSIGN): S.ASSIGNED,
    (S.ARRIVED, T.HOLD): S.ON_HOLD,
    (S.ARRIVED, T.FIX): S.FIXED,
    # Parts are there: whoever is assigned comes again.
    (S.ON_HOLD, T.RESUME): S.ASSIGNED,
    (S.ON_HOLD, T.ASSIGN): S.ASSIGNED,
    (S.FIXED, T.VERIFY): S.VERIFIED,
    (S.FIXED, T.REOPEN): S.REOPENED,
    (S.VERIFIED, T.CLOSE): S.CLOSED,
    (S.VERIFIED, T.REOPEN): S.REOPENED,
    (S.CLOSED, T.REOPEN): S.REOPENED,
    (S.REOPENED, T.ASSIGN): S.ASSIGNED,
    (S.REOPENED, T.ARRIVE): S.ARRIVED,
}
"""What leads where; a pair that is not here is refused."""
ENDED: Final = frozenset({S.CLOSED})
DONE: Final = frozenset({S.FIXED, S.VERIFIED, S.CLOSED})
"""States in which the work itself is done."""


@stored
@dataclass(frozen=True, slots=True)
class WorkOpened(Event):
    """Work is to be done. Times are µs UTC; ``place`` is a floor or zone where no equipment is named.

    ``subject`` is what it is about for good (an alarm's identity, plan and equipment, a finding), ``reference`` the
    one occasion (an occurrence of the alarm, a due day). ``checks`` has the fields of a check each.
    """

    order: str
    kind: str
    source: str
    subject: str
    reference: str
    equipment: str
    place: str
    priority: int
    text_zh: str
    text_en: str
    by: str
    at: int
    occurrence: int = 0
    """Of the alarm; 0 without one."""
    sop: str = ""
    checks: list[dict[str, Any]] = field(default_factory=list)
    due_at: int | None = None


@stored
@dataclass(frozen=True, slots=True)
class WorkMoved(Event):
    """Somebody took a step; ``at`` is when it happened, which the log may hear of later.

    ``assignee``, ``priority``, ``permit`` and ``run_hours`` are set by the steps that decide them.
    """

    step: str
    by: str
    at: int
    comment: str = ""
    assignee: str = ""
    priority: int = 0
    permit: str = ""
    """Permit under which the equipment is locked out."""
    run_hours: float | None = None
    """Running hours since the time before, when preventive work was done."""
    key: str = ""
    """By which a repeated submission is known."""


@stored
@dataclass(frozen=True, slots=True)
class WorkRecorded(Event):
    """Somebody wrote down results of the checklist, attached files, or said something.

    ``results`` has check, ok, value and note each; ``documents`` the fields of an attached file each.
    """

    by: str
    at: int
    results: list[dict[str, Any]] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    comment: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was found at one line of the checklist; ``ok`` is false outside the limits."""

    check: str
    ok: bool
    value: float | None = None
    note: str = ""
    by: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of an order's history: what, by whom, when it happened and when the log heard of it."""

    what: str
    by: str
    at: int
    recorded_at: int
    comment: str = ""
    assignee: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One order as it stands; the fold of its events."""

    order: str
    kind: WorkKind
    source: WorkSource
    subject: str
    reference: str
    occurrence: int
    equipment: str
    place: str
    priority: int
    text_zh: str
    text_en: str
    sop: str
    checks: tuple[Check, ...]
    due_at: int | None
    opened_by: str
    opened_at: int
    state: WorkState = WorkState.NEW
    assignee: str = ""
    arrived_at: int | None = None
    """When somebody was there first."""
    fixed_at: int | None = None
    fixed_by: str = ""
    verified_at: int | None = None
    verified_by: str = ""
    closed_at: int | None = None
    closed_by: str = ""
    dismissed: bool = False
    reopened: int = 0
    permit: str = ""
    run_hours: float | None = None
    results: tuple[CheckResult, ...] = ()
    documents: tuple[Attached, ...] = ()
    log: tuple[LogLine, ...] = ()
    keys: tuple[str, ...] = ()
    version: int = 1
    position: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in ENDED

    def result(self, check: str) -> CheckResult | None:
        """What was found at a check last."""
        return next((result for result in self.results if result.check == check), None)


def order_stream(order: str) -> str:
    """Event stream of one order."""
    return f"{ORDER_STREAMS}{order}"


def fold_order(order: WorkOrder | None, entry: StoredEvent) -> WorkOrder | None:
    """Order after one entry of its stream; what cannot follow, or is of a newer version, changes nothing."""
    event = entry.event() if entry.type in EVENT_TYPES else None
    match event:
        case WorkOpened() if order is None:
            return _opened(event, entry)
        case WorkMoved() if order is not None and (order.state, WorkStep(event.step)) in TRANSITIONS:
            return _placed(_moved(order, event, entry), event.key, entry)
        case WorkRecorded() if order is not None:
            return _placed(_recorded(order, event, entry), event.key, entry)
    return order


def _opened(event: WorkOpened, entry: StoredEvent) -> WorkOrder:
    return WorkOrder(
        order=event.order,
        kind=WorkKind(event.kind),
        source=WorkSource(event.source),
        subject=event.subject,
        reference=event.reference,
        occurrence=event.occurrence,
        equipment=event.equipment,
        place=event.place,
        priority=event.priority,
        text_zh=event.text_zh,
        text_en=event.text_en,
        sop=event.sop,
        checks=tuple(Check(**check) for check in event.checks),
        due_at=event.due_at,
        opened_by=event.by,
        opened_at=event.at,
        log=(LogLine("open", event.by, event.at, entry.recorded_at),),
        version=entry.version,
        position=entry.position,
    )


def _moved(order: WorkOrder, event: WorkMoved, entry: StoredEvent) -> WorkOrder:
    step = WorkStep(event.step)
    line = LogLine(
        step.value, event.by, event.at, entry.recorded_at, event.comment, event.assignee, event.priority
    )  # fmt: skip
    return replace(order, state=TRANSITIONS[order.state, step], log=(*order.log, line), **_changes(order, event, step))


def _changes(order: WorkOrder, event: WorkMoved, step: WorkStep) -> dict[str, Any]:
    """What a step changes beside the state."""
    changes: dict[str, Any] = {}
    match step:
        case WorkStep.TRIAGE:
            changes = {"priority": event.priority or order.priority}
        case WorkStep.ASSIGN:
            changes = {"assignee": event.assignee}
        case WorkStep.ARRIVE:
            changes = {"arrived_at": event.at if order.arrived_at is None else order.arrived_at}
            changes |= {"assignee": order.assignee or event.by, "permit": event.permit or order.permit}
        case WorkStep.FIX:
            changes = {"fixed_at": event.at, "fixed_by": event.by, "run_hours": event.run_hours, "permit": ""}
        case WorkStep.VERIFY:
            changes = {"verified_at": event.at, "verified_by": event.by}
        case WorkStep.CLOSE | WorkStep.DISMISS:
            changes = {"closed_at": event.at, "closed_by": event.by, "dismissed": step is WorkStep.DISMISS}
        case WorkStep.REOPEN:
            changes = {"reopened": order.reopened + 1, "dismissed": False}
            changes |= {"fixed_at": None, "fixed_by": "", "verified_at": None, "verified_by": ""}
            changes |= {"closed_at": None, "closed_by": ""}
    return changes


def _recorded(order: WorkOrder, event: WorkRecorded, entry: StoredEvent) -> WorkOrder:
    fresh = [CheckResult(**values, by=event.by, at=event.at) for values in event.results]
    named = {result.check for result in fresh}
    results = (*(result for result in order.results if result.check not in named), *fresh)
    line = LogLine("record", event.by, event.at, entry.recorded_at, event.comment)
    documents = (*order.documents, *attached_of(event.documents))
    return replace(order, results=results, documents=documents, log=(*order.log, line))


def _placed(order: WorkOrder, key: str, entry: StoredEvent) -> WorkOrder:
    keys = (*order.keys, key) if key else order.keys
    return replace(order, keys=keys, version=entry.version, position=entry.position)
