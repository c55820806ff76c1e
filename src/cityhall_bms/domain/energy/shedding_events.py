"""What happens to load shedding, in the stream ``shedding``. Times are µs UTC; ``restore`` tells the way back."""

from dataclasses import dataclass, field
from typing import Final

from cityhall_bms.domain.events import Event, stored

SHEDDING_STREAM: Final = "shedding"


@dataclass(frozen=True, slots=True)
class SheddingEvent(Event):
    """Base of all of them; ``step`` is the step's name in the plan."""

    step: str
    restore: bool
    at: int


@stored
@dataclass(frozen=True, slots=True)
class SheddingProposed(SheddingEvent):
    """A step is due; a person decides. Forecast and limit are those it was decided by, kW."""

    forecast_kw: float
    limit_kw: float


@stored
@dataclass(frozen=True, slots=True)
class SheddingAnswered(SheddingEvent):
    """Somebody accepted or declined what was proposed."""

    accepted: bool
    by: str
    reason: str


@stored
@dataclass(frozen=True, slots=True)
class SheddingWithdrawn(SheddingEvent):
    """Nobody answered, and what was proposed is not due any more."""


@stored
@dataclass(frozen=True, slots=True)
class SheddingBegun(SheddingEvent):
    """A step is carried out: ``orders`` say what each point is to hold (none: the priority is given up)."""

    by: str
    orders: dict[str, float | None]
    before: dict[str, float | None] = field(default_factory=dict)
    """What each point held; none where nobody knows."""


@stored
@dataclass(frozen=True, slots=True)
class SheddingSettled(SheddingEvent):
    """How it went: which points follow, and why the others do not. A step that no point follows was not taken."""

    done: list[str]
    failed: dict[str, str]


@stored
@dataclass(frozen=True, slots=True)
class SheddingTurned(SheddingEvent):
    """Of a step in turns the next group rests; ``orders`` as above."""

    turn: int
    orders: dict[str, float | None]
    before: dict[str, float | None] = field(default_factory=dict)
