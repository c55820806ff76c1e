"""History: every scan ever measured, and what follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.ports.telemetry_log import LoggedBatch


class Aggregation(StrEnum):
    """How the samples of an interval become one figure."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    DELTA = "delta"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far history has followed the telemetry log."""

    position: int
    sources: Mapping[str, tuple[int, int]]
    """Last (epoch, sequence) stored of each source."""


@dataclass(frozen=True, slots=True)
class Series:
    """Columns of one point: samples, or one row per interval. Times µs UTC; NaN where there is no value."""

    at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    coverage: NDArray[np.float64] | None = None
    """Share of each interval that good samples stand for, 0..1; none for raw samples."""


@dataclass(frozen=True, slots=True)
class Latest:
    """Newest sample of each point, as columns."""

    position: int
    """Telemetry position that these values reflect."""
    point: NDArray[np.uint32]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Window:
    """From (included) to (excluded), µs UTC."""

    start: int
    end: int


class HistoryStore(Protocol):
    """Where scans go. Every method raises ``HistoryUnavailableError`` when it cannot be reached."""

    async def progress(self) -> Progress:
        """Where a historian must go on."""
        ...

    async def store(self, batches: Sequence[LoggedBatch]) -> None:
        """Write the scans of new batches and the progress in one transaction.

        Batches that are stored already are skipped, so that a repeated call changes nothing.
        """
        ...

    async def latest(self) -> Latest:
        """Newest sample of every point."""
        ...

    async def samples(self, point_id: int, window: Window, limit: int, known_at: int | None = None) -> Series:
        """Samples of one point, oldest first; of one time the one recorded last.

        With ``known_at`` (µs UTC) only what was recorded by then counts: the answer of that moment.
        """
        ...

    async def intervals(
        self,
        point_id: int,
        window: Window,
        interval: str,
        aggregation: Aggregation,
        time_zone: str,
        known_at: int | None = None,
    ) -> Series:
        """One row per interval (``15s``, ``1m``, ``15m``, ``1h``, ``1d``, ``1mo``), aligned in the building's zone.

        With ``known_at`` (µs UTC) as the record was then: to the bit what would have been answered.
        """
        ...


@dataclass(frozen=True, slots=True)
class MissingBatches:
    """Sequences ``first`` to ``last`` of a collector run that never arrived; ``reported`` = gaps told before it."""

    source: str
    epoch: int
    first: int
    last: int
    reported: int


class HistorianStore(HistoryStore, Protocol):
    """What the historian needs besides. Every method raises ``HistoryUnavailableError``."""

    @property
    def samples_stored(self) -> int:
        """Samples that this process has committed."""
        ...

    async def gap_due(self, found_before: int) -> MissingBatches | None:
        """Oldest gap that was found before then (µs UTC), is still open and was not reported."""
        ...

    async def gap_reported(self, gap: MissingBatches) -> None:
        """Remember that a gap is in the event log."""
        ...

    async def recompute(self) -> bool:
        """Work off a bounded part of what late samples left to do; false when nothing is left."""
        ...

    async def tidy(self) -> bool:
        """Pack a bounded part of what devices sent, and let go of what is too old; false when nothing is left."""
        ...

    async def prepare(self, days: int) -> None:
        """Make room for the scans of today and the coming days."""
        ...
