"""What ``maintenance.toml`` says: preventive plans, patrol routes, fire tests, and the times that work is held to."""

from dataclasses import dataclass, field
from typing import Final

from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.maintenance.cycles import Cycle

RUN_HOURS_ROLE: Final = "RunHr"
"""Role of the points that count running hours."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a checklist; one with a unit asks for a reading, which may have limits in that unit."""

    name: str
    text_zh: str
    text_en: str
    unit: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def measured(self) -> bool:
        """Whether it asks for a number."""
        return bool(self.unit)

    def within(self, value: float) -> bool:
        """Whether a reading is inside the limits."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Plan:
    """Preventive work on each of some equipment: by the calendar, or after so many running hours."""

    name: str
    text_zh: str
    text_en: str
    equipment: tuple[str, ...]
    cycle: Cycle | None = None
    run_hours: float | None = None
    run_hours_role: str = RUN_HOURS_ROLE
    sop: str = ""
    basis: str = ""
    """What asks for it: a law, a standard, the maker's manual."""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of a patrol route; ``place`` is a floor or a zone of a floor (``B1``, ``B1.CN``)."""

    name: str
    place: str
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Route:
    """Stops in the order in which they are walked."""

    name: str
    text_zh: str
    text_en: str
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class FireTestPlan:
    """A test of fire equipment that comes due; ``file_within_days`` after it a report is to be filed, if any."""

    name: str
    text_zh: str
    text_en: str
    cycle: Cycle
    equipment: tuple[str, ...] = ()
    file_within_days: int | None = None
    basis: str = ""


@dataclass(frozen=True, slots=True)
class WorkRules:
    """Times that work is held to."""

    window_share: float = 0.10
    """Half of the due window, as a share of the cycle."""
    arrive_within_s: float = 600.0
    """Somebody is there so soon after a repair of priority 1 or 2 was asked for."""
    arrive_target: float = 0.87
    """Share of them that should be met."""
    quiet_s: float = 600.0
    """For so long an alarm has to be silent before its repair is verified."""
    safety_due_s: float = 24 * 3_600.0
    """A patrol finding about safety is closed within this."""
    other_due_s: float = 7 * 86_400.0
    lock_out_s: float = 8 * 3_600.0
    """A lock-out ends by itself after this, unless asked for shorter."""


@dataclass(frozen=True, slots=True)
class MaintenanceBook:
    """Everything in the file; empty where a site has none."""

    plans: tuple[Plan, ...] = ()
    routes: tuple[Route, ...] = ()
    fire_tests: tuple[FireTestPlan, ...] = ()
    rules: WorkRules = field(default_factory=WorkRules)

    def plan(self, name: str) -> Plan:
        """Give a plan; ``NotFoundError`` when there is none of that name."""
        for plan in self.plans:
            if plan.name == name:
                return plan
        msg = f"沒有保養計畫 {name} / no plan is named {name}; GET /api/v1/maintenance/plans lists them"
        raise NotFoundError(msg)

    def route(self, name: str) -> Route:
        """Give a route; ``NotFoundError`` when there is none of that name."""
        for route in self.routes:
            if route.name == name:
                return route
        msg = f"沒有巡檢路線 {name} / no route is named {name}; GET /api/v1/maintenance/routes lists them"
        raise NotFoundError(msg)

    def fire_test(self, name: str) -> FireTestPlan:
        """Give a fire test; ``NotFoundError`` when there is none of that name."""
        for plan in self.fire_tests:
            if plan.name == name:
                return plan
        msg = f"沒有消防測試 {name} / no fire test is named {name}; GET /api/v1/maintenance/fire-tests lists them"
        raise NotFoundError(msg)
