"""What the plant needs to be commanded safely: limits, interlocks, minimum times, times of the procedure.

All of it is data of the site (``commanding.toml``), by class and role; nothing here is a figure of one building.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Bound:
    """Points that something is said of: by class and role, or by name; no classes means every class."""

    roles: tuple[str, ...]
    classes: tuple[str, ...] = ()
    points: tuple[str, ...] = ()

    def means(self, point: str, role: str, brick_class: str) -> bool:
        """Whether a point of equipment of a class is meant."""
        if point in self.points:
            return True
        return role in self.roles and (not self.classes or brick_class in self.classes)


@dataclass(frozen=True, slots=True)
class Limit:
    """Values that a point may be given, besides its own range; ``also`` are single values outside it.

    Between ``low`` and ``high`` anybody may; further out to ``approved_low`` and ``approved_high`` a second person must
    agree. Units are the point's.
    """

    id: str
    bound: Bound
    low: float
    high: float
    approved_low: float | None
    approved_high: float | None
    also: tuple[float, ...]


class Edge(StrEnum):
    """When an interlock is asked: switching on (not 0), switching off (0), or any change."""

    ON = "on"
    OFF = "off"
    ANY = "any"

    def concerns(self, value: float) -> bool:
        """Whether writing a value is such a change."""
        return self is Edge.ANY or (value != 0.0) == (self is Edge.ON)


class Where(StrEnum):
    """Whose points a condition looks at: those of the equipment itself, or of every equipment of some classes."""

    SELF = "self"
    ANY_OF = "any_of"
    ALL_OF = "all_of"


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be so: a role, of the equipment itself or of others, between two values (included)."""

    where: Where
    role: str
    low: float | None = None
    high: float | None = None
    classes: tuple[str, ...] = ()

    def holds(self, value: float) -> bool:
        """Whether a value is as it must be."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Remain:
    """Of machines like this one as many must go on running as ``classes`` are served.

    Served is what runs by its ``role``, or stopped less than ``after_s`` ago: a pump outlasts its chiller.
    """

    role: str
    classes: tuple[str, ...]
    after_s: float


@dataclass(frozen=True, slots=True)
class Interlock:
    """What must be so before a point is switched. ``having`` narrows it to equipment that has such a point."""

    id: str
    bound: Bound
    edge: Edge
    text_zh: str
    text_en: str
    needs: tuple[Condition, ...] = ()
    remain: Remain | None = None
    having: str = ""


@dataclass(frozen=True, slots=True)
class MinimumTime:
    """How long a machine, proved by ``proof`` of its own, stays on before it is stopped, and off before it starts."""

    id: str
    bound: Bound
    proof: str
    on_s: float
    off_s: float


@dataclass(frozen=True, slots=True)
class Fallback:
    """What a point without priorities goes back to when nobody holds it any more."""

    bound: Bound
    value: float


@dataclass(frozen=True, slots=True)
class Times:
    """Times of the procedure, s, and bounds (the building's rules for commands)."""

    select_s: float = 30.0
    approval_s: float = 900.0
    request_s: float = 60.0
    """A request that was not begun within this time is not carried out any more."""
    read_back_s: float = 15.0
    """Longest time until what was written is read back; two scans of the point, where that is less."""
    watch_s: float = 60.0
    """How long a value is watched after it was proved."""
    between_writes_s: float = 5.0
    failure_hold_s: float = 60.0
    """How long automation leaves a point alone after a failure; twice as long after each further one."""
    failure_hold_max_s: float = 3_600.0
    override_s: float = 14_400.0
    extension_max_s: float = 86_400.0
    bulk_max: int = 50


@dataclass(frozen=True, slots=True)
class CommandPolicy:
    """All of it. ``remote_role`` at ``remote_value``: the machine's switch lets others command it."""

    limits: Sequence[Limit] = ()
    interlocks: Sequence[Interlock] = ()
    minimum_times: Sequence[MinimumTime] = ()
    fallbacks: Sequence[Fallback] = ()
    times: Times = field(default_factory=Times)
    remote_role: str = "LocRem"
    remote_value: float = 1.0
    alarm_priority: int = 3
    """Of the alarm that tells operators of a command that failed."""

    def fallback(self, point: str, role: str, brick_class: str) -> float | None:
        """What a point goes back to; none where nothing is said. A point by name comes before its class."""
        meant = [entry for entry in self.fallbacks if entry.bound.means(point, role, brick_class)]
        named = [entry for entry in meant if point in entry.bound.points]
        chosen = (named or meant)[-1:]
        return chosen[0].value if chosen else None
