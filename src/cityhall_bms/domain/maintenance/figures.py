"""What is told of maintenance in a period: arrivals in time, findings by category, orders by state. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cityhall_bms.domain.maintenance.book import WorkRules
from cityhall_bms.domain.maintenance.fire_tests import FireTest
from cityhall_bms.domain.maintenance.order_decisions import arrives_late
from cityhall_bms.domain.maintenance.orders import WorkKind, WorkOrder, WorkState
from cityhall_bms.domain.maintenance.patrol import Category, Finding
from cityhall_bms.domain.maintenance.plans import Punctuality


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Urgent repairs that were asked for, and to how many somebody came late; reported as (n − late)/n."""

    n: int = 0
    late: int = 0

    @property
    def share(self) -> float | None:
        """Share in time (0..1); none where there were none."""
        return (self.n - self.late) / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """Findings of one category."""

    found: int = 0
    closed: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class MaintenanceFigures:
    """Figures of a period."""

    plans: Mapping[str, Punctuality] = field(default_factory=dict)
    arrivals: Arrivals = field(default_factory=Arrivals)
    orders: Mapping[WorkState, int] = field(default_factory=dict)
    """Repairs that were opened in the period, by how they stand."""
    findings: Mapping[Category, CategoryCount] = field(default_factory=dict)
    rounds: int = 0
    fire_tests: Sequence[FireTest] = ()

    @property
    def preventive(self) -> Punctuality:
        """All plans together."""
        return sum(self.plans.values(), Punctuality())


def arrivals(orders: Sequence[WorkOrder], now: int, rules: WorkRules) -> Arrivals:
    """Figures of repairs; one that is neither late nor arrived at yet does not count."""
    judged = [late for order in orders if (late := arrives_late(order, now, rules)) is not None]
    return Arrivals(len(judged), sum(judged))


def by_state(orders: Sequence[WorkOrder]) -> dict[WorkState, int]:
    """Repairs by how they stand."""
    repairs = [order.state for order in orders if order.kind is WorkKind.REPAIR]
    return {state: repairs.count(state) for state in WorkState}


def by_category(findings: Sequence[Finding], now: int) -> dict[Category, CategoryCount]:
    """Findings by the four categories."""
    counts: dict[Category, CategoryCount] = {}
    for category in Category:
        own = [finding for finding in findings if finding.category is category]
        closed = sum(finding.closed_at is not None for finding in own)
        counts[category] = CategoryCount(len(own), closed, sum(finding.overdue(now) for finding in own))
    return counts
