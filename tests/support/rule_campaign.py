"""Rules over the simulated building while faults strike it: no protocol between, and time moved by hand."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

import numpy as np
from tests.support.graded_building import site_of

from cityhall_bms.adapters.site_files.calendars import shipped_schedules
from cityhall_bms.domain.calendars import Schedules
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Site
from cityhall_bms.rules.binding import Binding, bind
from cityhall_bms.rules.engine import Change, Columns, Engine, EngineState
from cityhall_bms.rules.model import Rule
from cityhall_simulators.description import Building, load_building
from cityhall_simulators.runtime import City

SEED = 5


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault at a unit, named shortly (``LVP01``); seconds since the start of the campaign."""

    fault: str
    target: str | None = None
    from_s: float = 0.0
    to_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class Heard:
    """A change of an alarm: ``at_s`` since the start of the campaign, the unit named shortly."""

    at_s: float
    rule: str
    unit: str
    kind: Change
    priority: int


@dataclass
class Outcome:
    """All that was heard, and how rules answered at the end."""

    heard: list[Heard] = field(default_factory=list)
    state: EngineState | None = None
    binding: Binding | None = None

    def rung(self, rule: str, unit: str) -> list[Heard]:
        """Beginnings and changes of priority of one alarm, in order."""
        return [one for one in self.heard if (one.rule, one.unit) == (rule, unit) and one.kind is not Change.RETURNED]

    def returned(self, rule: str, unit: str) -> list[Heard]:
        """Ends of one alarm."""
        return [one for one in self.heard if (one.rule, one.unit) == (rule, unit) and one.kind is Change.RETURNED]

    def pairs(self) -> set[tuple[str, str]]:
        """Rules and units that rang."""
        return {(one.rule, one.unit) for one in self.heard if one.kind is Change.RAISED}


@cache
def building() -> Building:
    """The whole building."""
    return load_building("full")


@cache
def site() -> Site:
    """The whole building as a site with the shipped schedules."""
    return replace(site_of(building()), schedules=Schedules("Asia/Taipei", (), shipped_schedules()))


def steps(*stretches: tuple[float, float]) -> Iterator[float]:
    """Steps of one length until a second since the start, then of another: ``(until_s, step_s)``."""
    elapsed_s = 0.0
    for until_s, step_s in stretches:
        while elapsed_s < until_s:
            elapsed_s += step_s
            yield step_s


def play(
    start: datetime,
    lengths: Iterable[float],
    strikes: Sequence[Strike],
    rules: Iterable[Rule],
    *,
    watch: Callable[[City, float], None] = lambda _city, _at: None,
) -> Outcome:
    """Run the building and the rules over it; ``start`` is local time."""
    city = City(building(), SEED, start)
    ids = {point.name: point.index for point in building().points}
    binding = bind(rules, site(), ids)
    engine = Engine(binding, counted_max_s=7_200.0)
    outcome = Outcome(state=engine.start(), binding=binding)
    waiting, going, elapsed_s = list(strikes), [], 0.0
    for step_s in lengths:
        for strike in [one for one in waiting if one.from_s <= elapsed_s]:
            waiting.remove(strike)
            going.append(strike)
            city.fault_on(strike.fault, strike.target, str(elapsed_s))
        for strike in [one for one in going if one.to_s <= elapsed_s]:
            going.remove(strike)
            city.fault_off(strike.fault, strike.target)
        elapsed_s += step_s
        city.advance(city.local + timedelta(seconds=step_s), step_s)
        watch(city, elapsed_s)
        _tick(engine, outcome, city, elapsed_s)
    return outcome


def _tick(engine: Engine, outcome: Outcome, city: City, elapsed_s: float) -> None:
    at = int(city.local.timestamp() * 1e6)
    shown = city.shown[engine.binding.point_ids]
    bad = city.bad[engine.binding.point_ids]
    columns = Columns(
        shown,
        np.where(bad, Quality.BAD_NO_DATA, Quality.GOOD).astype(np.uint8),
        np.full(len(shown), at, np.int64),
    )
    assert outcome.state is not None
    step = engine.step(outcome.state, at, columns)
    assert not step.failures, step.failures
    outcome.state = step.state
    for one in step.proposals:
        unit = one.subject.equipment.rsplit(".", 1)[-1]
        outcome.heard.append(Heard(elapsed_s, one.rule.id, unit, one.kind, one.priority))
