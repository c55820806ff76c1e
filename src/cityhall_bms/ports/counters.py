"""Counters as people ask about them: doubtful steps, consumption with estimates, and figures that changed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.counters import RestatedWhy, StepKind, StepState
from cityhall_bms.ports.history import Window


@dataclass(frozen=True, slots=True)
class CounterStep:
    """A step of a counter that does not count the difference of its readings; times µs UTC."""

    point: int
    before: int
    at: int
    kind: StepKind
    state: StepState
    from_value: float
    to_value: float
    counted: float


class Estimate(StrEnum):
    """How what was consumed in a silence is spread over the intervals that it lies in."""

    NONE = "none"
    LINEAR = "linear"
    """Evenly over the time of the silence."""
    WEEK_BEFORE = "week_before"
    """As in the same intervals a week before, to the same sum; evenly where nothing is known of those."""


@dataclass(frozen=True, slots=True)
class Consumption:
    """What a counter counted per interval, as columns; NaN where it is not known. ``at`` is the begin, µs UTC.

    ``estimated`` is the part of ``value`` that was estimated, NaN where none was; coverage never includes it.
    """

    at: NDArray[np.int64]
    value: NDArray[np.float64]
    estimated: NDArray[np.float64]
    coverage: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ToldFigures:
    """Figures of an interval; none where nothing was known."""

    count: int
    coverage: float
    mean: float | None
    delta: float | None


@dataclass(frozen=True, slots=True)
class Restatement:
    """A figure of a closed hour (``1h``) or day (``1d``) that changed; times µs UTC."""

    id: int
    restated_at: int
    why: RestatedWhy
    level: str
    begin: int
    end: int
    point: int
    old: ToldFigures
    new: ToldFigures


@dataclass(frozen=True, slots=True)
class RestatementFilter:
    """Which restatements: of a point, of intervals that overlap ``start`` (included) to ``end`` (excluded)."""

    point: int | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class RestatementExport:
    """What an auditor asks for: names and units of points by number, times in a zone, headings in a language."""

    which: RestatementFilter
    names: Mapping[int, str]
    units: Mapping[int, str]
    time_zone: str
    language: str = "zh"


class CounterView(Protocol):
    """Every method raises ``HistoryUnavailableError`` when history cannot be reached."""

    async def steps(self, point: int, window: Window, limit: int) -> Sequence[CounterStep]:
        """Steps of one counter in a window, oldest first."""
        ...

    async def waiting(self, limit: int, point: int | None = None) -> Sequence[CounterStep]:
        """Steps in quarantine, newest first."""
        ...

    async def consumption(
        self, point: int, window: Window, interval: str, estimate: Estimate, time_zone: str
    ) -> Consumption:
        """What was counted per interval; ``RefusedError`` for an unknown interval, or too many silences."""
        ...

    async def restatements(self, which: RestatementFilter, limit: int, before: int | None) -> Sequence[Restatement]:
        """Figures that changed, newest first, with numbers below ``before``."""
        ...

    def restatements_csv(self, request: RestatementExport) -> AsyncIterator[bytes]:
        """Chunks of a file of them (conventions: `docs/reference/csv.md`), newest first."""
        ...


class MeterDesk(Protocol):
    """What people say about meters; each word is an event, and history is computed again by it."""

    async def exchange(self, point: str, *, at: int, last_old: float, first_new: float, reason: str, by: str) -> None:
        """A meter was exchanged; ``RefusedError`` for a time to come."""
        ...

    async def decide(self, point: str, number: int, *, at: int, decision: str, reason: str, by: str) -> None:
        """Decide about the step that ends within the millisecond of ``at``; ``NotFoundError`` when there is none."""
        ...
