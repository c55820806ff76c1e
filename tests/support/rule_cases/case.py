"""Which fault of the simulator shows which rule, when and how severely."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.support.rule_campaign import Strike


@dataclass(frozen=True, slots=True)
class Case:
    """A fault at a unit (``TR02``, or a point of it, ``TR02.kWh``) makes a rule ring, at the unit unless ``at`` names another.

    ``within_s`` is how long the plant takes to show it; without it, as long as the fault's effect says. ``priority`` is
    the most severe one that is reached; none where it does not matter.
    """

    rule: str
    fault: str
    target: str
    priority: int
    at: str = ""
    within_s: float | None = None

    @property
    def unit(self) -> str:
        """Unit whose alarm it is."""
        return self.at or self.target.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Faults that strike one building together, from ``strike_s`` on, and what follows from them elsewhere."""

    start: datetime
    lengths: Sequence[tuple[float, float]]
    cases: Sequence[Case]
    strike_s: float = 300.0
    more: Sequence[Strike] = ()
    """Strikes with times of their own; a case of the same fault and target takes its begin from here."""
    explained: Callable[[str, str], bool] = field(default=lambda _rule, _unit: False)
    """Whether a rule may ring at another unit as well: what the struck ones do to it."""

    def strikes(self) -> list[Strike]:
        """All strikes, one per fault and target."""
        timed = {(one.fault, one.target) for one in self.more}
        plain = dict.fromkeys((case.fault, case.target) for case in self.cases)
        return [*self.more, *[Strike(*one, from_s=self.strike_s) for one in plain if one not in timed]]

    def begin_of(self, case: Case) -> float:
        """When the fault of a case strikes, in seconds since the start."""
        return min(one.from_s for one in self.strikes() if (one.fault, one.target) == (case.fault, case.target))
