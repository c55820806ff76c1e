"""Events about counters: meters exchanged, doubtful steps decided, figures that changed after they were told."""

from dataclasses import dataclass, field
from typing import Any

from cityhall_bms.domain.events import Event, stored


@stored
@dataclass(frozen=True, slots=True)
class MeterExchanged(Event):
    """A meter was exchanged at ``at`` (µs UTC): the old one's last reading, and the new one's first."""

    point: str
    at: int
    last_old: float
    first_new: float
    reason: str


@stored
@dataclass(frozen=True, slots=True)
class CounterDecided(Event):
    """Somebody decided what a counter's step counts (:class:`~cityhall_bms.domain.counters.Decision`).

    ``at`` (µs UTC) is the time of the sample that the step ends with.
    """

    point: str
    at: int
    decision: str
    reason: str


@stored
@dataclass(frozen=True, slots=True)
class FiguresRestated(Event):
    """Figures of closed hours and days changed (:class:`~cityhall_bms.domain.counters.RestatedWhy`); times µs UTC.

    All of them are in the record of restatements, those of this event up to number ``through``. ``names`` and
    ``examples`` (old and new count, mean and delta) are some of them, the greatest changes first. Events that were told
    together cover the same numbers, each those of its reason.
    """

    why: str
    first: int
    until: int
    hours: int
    days: int
    points: int
    names: list[str]
    through: int
    examples: list[dict[str, Any]] = field(default_factory=list)
    after: int = 0
    digest: str = ""
    """SHA-256 (hex) over all figures with numbers above ``after`` up to ``through``; empty in older events."""
