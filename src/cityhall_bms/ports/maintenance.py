"""Maintenance: what is asked about it, and what people do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, Protocol, TypeVar

from cityhall_bms.domain.maintenance.assets import Asset, AssetExchanged, AssetRecorded
from cityhall_bms.domain.maintenance.documents import Attached
from cityhall_bms.domain.maintenance.figures import MaintenanceFigures
from cityhall_bms.domain.maintenance.fire_tests import FireTest, FireTestFiled, FireTestRecorded
from cityhall_bms.domain.maintenance.orders import CheckResult, WorkOrder, WorkStep
from cityhall_bms.domain.maintenance.patrol import Category, Finding, FindingClosed, Round, Severity, StopVisit
from cityhall_bms.domain.maintenance.plans import Task
from cityhall_bms.ports.history import Window

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecordPage(Generic[T]):
    """Records, the newest first; ``next_place`` is where the next page begins."""

    items: Sequence[T]
    next_place: int | None


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records: still open, in a state, of a kind or category, about something, on equipment, begun in a window.

    ``sort`` is the kind of an order, the category of a finding, the plan of a fire test, the class of an asset.
    """

    open_only: bool = False
    state: str | None = None
    sort: str | None = None
    subject: str | None = None
    equipment: str | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class PlanWork:
    """An order that was opened by a plan: for which task and occasion, and when its work was done (µs UTC)."""

    subject: str
    reference: str
    order: str
    done_at: int | None
    ended: bool


class MaintenanceView(Protocol):
    """All records as they stand. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def orders(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[WorkOrder]:
        """Work orders; ``before`` is the place that the page before gave."""
        ...

    async def rounds(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[Round]:
        """Rounds that were walked."""
        ...

    async def findings(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[Finding]:
        """Findings of patrols."""
        ...

    async def fire_tests(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[FireTest]:
        """Fire tests."""
        ...

    async def assets(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[Asset]:
        """Assets."""
        ...

    async def plan_work(self, newest: int, since: int = 0) -> Sequence[PlanWork]:
        """Orders of plans that were opened since, the ``newest`` of each task at most."""
        ...


@dataclass(frozen=True, slots=True)
class RepairWish:
    """What somebody wants to have repaired; times are µs UTC. One of ``equipment`` and ``place`` is named."""

    text: str
    equipment: str = ""
    place: str = ""
    priority: int = 3
    finding: str = ""
    """The patrol finding that it comes from; empty: a person asks."""
    key: str = ""
    """By which a submission that was sent again is known."""
    documents: tuple[Attached, ...] = ()
    """Photos of how it was found."""


@dataclass(frozen=True, slots=True)
class StepWish:
    """A step of an order, and what goes with it; ``at`` is when it happened, none: now."""

    step: WorkStep
    at: int | None = None
    comment: str = ""
    assignee: str = ""
    priority: int = 0
    lock_out_s: float | None = None
    """Take the equipment's alarms out of service for so long, with the arrival; none: not at all."""
    key: str = ""


@dataclass(frozen=True, slots=True)
class RecordWish:
    """What somebody writes into an order."""

    results: tuple[CheckResult, ...] = ()
    documents: tuple[Attached, ...] = ()
    comment: str = ""
    at: int | None = None
    key: str = ""


class WorkDesk(Protocol):
    """What people do about work orders. What it answers is the log, not a view that lags.

    ``RefusedError`` for what makes no sense or is not allowed, ``NotFoundError`` for what nobody knows.
    """

    async def get(self, order: str) -> WorkOrder:
        """Give one."""
        ...

    async def open_for_alarm(self, alarm: str, *, by: str, comment: str = "") -> WorkOrder:
        """Have repaired what rang; ``RefusedError`` while an order about it is open."""
        ...

    async def open_for_task(self, plan: str, equipment: str, *, by: str) -> WorkOrder:
        """Begin preventive work that is due; ``RefusedError`` when it is not, or is being done."""
        ...

    async def open_repair(self, wish: RepairWish, *, by: str) -> WorkOrder:
        """Have something repaired that a person or a patrol found."""
        ...

    async def step(self, order: str, wish: StepWish, *, by: str) -> WorkOrder:
        """Take a step; the same one with the same key again changes nothing."""
        ...

    async def record(self, order: str, wish: RecordWish, *, by: str) -> WorkOrder:
        """Write down results, photos and words."""
        ...


@dataclass(frozen=True, slots=True)
class FoundWish:
    """One finding as somebody saw it."""

    place: str
    category: Category
    severity: Severity
    text: str
    equipment: str = ""
    documents: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class RoundWish:
    """A round as a phone sends it; ``round`` is its own name for it, by which a repetition is known."""

    round: str
    route: str
    begun: int
    ended: int
    stops: tuple[StopVisit, ...]
    findings: tuple[FoundWish, ...] = field(default_factory=tuple)


class PatrolDesk(Protocol):
    """What people do about patrols; failures as in :class:`WorkDesk`."""

    async def walk(self, wish: RoundWish, *, by: str) -> Round:
        """Record a round with its findings, once."""
        ...

    async def finding(self, finding: str) -> Finding:
        """Give one finding."""
        ...

    async def close(self, finding: str, event: FindingClosed) -> Finding:
        """Say that it is right again."""
        ...


class RegisterDesk(Protocol):
    """What people enter into the registers of fire tests and assets; failures as in :class:`WorkDesk`."""

    async def record_test(self, event: FireTestRecorded) -> FireTest:
        """Enter a test under the next number of the day; ``event.test`` is left empty."""
        ...

    async def file_test(self, test: str, event: FireTestFiled) -> FireTest:
        """Say that its report was filed."""
        ...

    async def asset(self, tag: str) -> Asset:
        """Give one asset."""
        ...

    async def record_asset(self, event: AssetRecorded) -> Asset:
        """Say what is known of an asset."""
        ...

    async def exchange_asset(self, tag: str, event: AssetExchanged) -> Asset:
        """Say that it was exchanged; its counters begin anew, as they were told."""
        ...


class RunHours(Protocol):
    """Running hours, exchanges of meters taken into account."""

    async def since(self, equipment: str, role: str, at: int) -> float | None:
        """Hours that equipment ran since a time (µs UTC); none where nobody knows."""
        ...


class Planning(Protocol):
    """When work stands due."""

    async def tasks(self) -> Sequence[Task]:
        """Every plan on every piece of its equipment, as it stands now."""
        ...

    async def task(self, plan: str, equipment: str) -> Task:
        """One of them; ``NotFoundError`` when there is none."""
        ...

    async def fire_tests(self) -> Sequence[Task]:
        """Every fire test of the plan, as it stands now; ``equipment`` is empty."""
        ...

    async def figures(self, first: date, until: date) -> MaintenanceFigures:
        """Figures of a period, ``until`` excluded."""
        ...

    async def begun(self) -> Mapping[str, int]:
        """When each plan was seen first, µs UTC."""
        ...
