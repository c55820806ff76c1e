"""Questions about the past that screens and reports ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.ports.history import Aggregation, HistoryStore, Latest, Window


@dataclass(frozen=True, slots=True)
class Table:
    """One figure per point (rows, in the order asked) and interval (columns). NaN where there is none."""

    at: NDArray[np.int64]
    """Begin of each interval, µs UTC."""
    value: NDArray[np.float64]
    coverage: NDArray[np.float64]
    """Share of each interval that good samples stand for, 0..1."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Values of which the time is asked: any of ``states``, or those between ``above`` and ``below`` (excluded)."""

    states: tuple[float, ...] = ()
    above: float | None = None
    below: float | None = None

    def holds(self, value: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which values fulfil it."""
        if self.states:
            return np.isin(value, self.states)
        fulfilled = np.ones(len(value), np.bool_)
        if self.above is not None:
            fulfilled &= value > self.above
        if self.below is not None:
            fulfilled &= value < self.below
        return fulfilled


@dataclass(frozen=True, slots=True)
class Durations:
    """For how long (s) a point's good values stood in each interval: by value, or as long as a condition held.

    Rows of ``seconds`` are the ``values``, ascending, or one row where there was a condition.
    """

    at: NDArray[np.int64]
    values: tuple[float, ...]
    seconds: NDArray[np.float64]
    coverage: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Demand:
    """Greatest mean of a quarter hour per point (rows) and period (columns); NaN where nothing is known."""

    at: NDArray[np.int64]
    value: NDArray[np.float64]
    when: NDArray[np.int64]
    """Begin of the quarter, µs UTC."""
    coverage: NDArray[np.float64]
    """Share of that quarter that good samples stand for."""


@dataclass(frozen=True, slots=True)
class Band:
    """Buckets of one point: least, greatest, first, last value and mean of each; NaN where nothing is known."""

    interval: str
    at: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    mean: NDArray[np.float64]
    coverage: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """Some of a point's values that look like all of them; a NaN between two parts a line from another.

    ``interval`` is empty where they are samples; else each value stood in the interval that begins then.
    """

    interval: str
    at: NDArray[np.int64]
    value: NDArray[np.float64]


class HistoryQueries(Protocol):
    """Every method raises ``HistoryUnavailableError``; with ``known_at`` (µs UTC) the record as it was then.

    ``RefusedError`` for an unknown interval, and for what would cost too much.
    """

    async def intervals_of(
        self,
        points: Sequence[int],
        window: Window,
        interval: str,
        aggregation: Aggregation,
        time_zone: str,
        known_at: int | None = None,
    ) -> Table:
        """Figures of many points at once; intervals of a minute and longer."""
        ...

    async def demand(
        self, points: Sequence[int], window: Window, interval: str, time_zone: str, known_at: int | None = None
    ) -> Demand:
        """Greatest mean of a quarter hour in each day or month, and when it was."""
        ...

    async def durations(
        self,
        point: int,
        window: Window,
        interval: str,
        condition: Condition | None,
        time_zone: str,
        known_at: int | None = None,
    ) -> Durations:
        """Time in each state, or for which a condition held; good time only."""
        ...

    async def band(self, point: int, window: Window, buckets: int, time_zone: str, known_at: int | None = None) -> Band:
        """At most so many buckets that keep every spike."""
        ...

    async def line(self, point: int, window: Window, values: int, time_zone: str, known_at: int | None = None) -> Line:
        """At most so many values, by Largest-Triangle-Three-Buckets (Steinarsson, 2013)."""
        ...

    async def standing(self, at: int, known_at: int | None = None) -> Latest:
        """Newest sample of every point by a time; its position is 0."""
        ...


class QueryableHistory(HistoryStore, Protocol):
    """History that also answers such questions."""

    @property
    def queries(self) -> HistoryQueries:
        """Who answers them."""
        ...
