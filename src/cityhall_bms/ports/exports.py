"""Exports: what somebody wants to take out of the house, and the record of what was taken."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.gaps import Gap
from cityhall_bms.ports.history import Aggregation, Window


class ExportFormat(StrEnum):
    """Form of the file."""

    CSV_LONG = "csv-long"
    """One row per sample or interval and point."""
    CSV_WIDE = "csv-wide"
    """One row per time, two columns per point."""
    XLSX = "xlsx"
    PARQUET = "parquet"


class ExportState(StrEnum):
    """Where an export is; the last four are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REMOVED = "removed"
    """It was done; its file is gone, its manifest stays."""


class ExportKind(StrEnum):
    """How the file leaves the house."""

    JOB = "job"
    STREAM = "stream"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class ExportPoint:
    """A point to export: its number, and what the file calls it; ``device`` is whose gaps are its gaps."""

    number: int
    name: str
    unit: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """The whole question: the same one gives the same bytes.

    ``interval`` empty = raw samples. ``known_at`` (µs UTC): only what was recorded by then counts.
    """

    site: str
    points: Sequence[ExportPoint]
    window: Window
    known_at: int
    time_zone: str
    interval: str = ""
    aggregation: Aggregation = Aggregation.MEAN
    format: ExportFormat = ExportFormat.CSV_LONG
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of an export as columns, by time and then in the order of the query's points.

    Times µs UTC; ``place`` is the index of the point in the query; ``value`` NaN where there is none; ``coverage``
    (0..1) only for intervals.
    """

    at: NDArray[np.int64]
    place: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    coverage: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a finished file is; ``made_by`` are the versions of the libraries whose form its bytes have."""

    name: str
    rows: int
    bytes: int
    sha256: str
    made_by: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Export:
    """One export, from being asked for to its end. Times µs UTC."""

    id: str
    kind: ExportKind
    actor: str
    asked_at: int
    query: ExportQuery
    context: Mapping[str, Any]
    """What was in force when it was asked for: fingerprint of the site, versions of rules and tariffs."""
    state: ExportState = ExportState.WAITING
    done_through: int | None = None
    """The file holds everything before this time."""
    rows: int = 0
    bytes: int = 0
    sha256: str | None = None
    reason: str = ""
    """Why it failed."""
    manifest: str | None = None
    ended_at: int | None = None

    @property
    def progress(self) -> float:
        """Share of the window that is done, 0..1."""
        if self.state in {ExportState.DONE, ExportState.REMOVED}:
            return 1.0
        window = self.query.window
        done = 0 if self.done_through is None else self.done_through - window.start
        return min(max(done / (window.end - window.start), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class PointCounts:
    """Samples of one point that an export holds, by severity; of intervals, those with a value are good."""

    good: int = 0
    uncertain: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class LogRange:
    """Events that an export rests on: positions, and the hash of the last one; zeros and empty when there is none."""

    first: int
    last: int
    last_hash: str


@dataclass(frozen=True, slots=True)
class Restated:
    """An event that says that the past was corrected."""

    position: int
    recorded_at: int
    type: str
    payload: Mapping[str, Any]


class ExportStore(Protocol):
    """Table of exports. Every method raises ``HistoryUnavailableError`` when it cannot be reached."""

    async def begin(self, export: Export) -> None:
        """Enter a new export. From then on nothing that is stored counts as recorded by its ``known_at``."""
        ...

    async def get(self, identity: str) -> Export:
        """One export; ``NotFoundError``."""
        ...

    async def page(self, limit: int, before: str | None) -> list[Export]:
        """Exports, the newest first, those before a given one; of a manifest only that there is one (``""``)."""
        ...

    async def started(self, identity: str) -> bool:
        """Mark it as running; false when it is over already."""
        ...

    async def advance(self, identity: str, done_through: int, rows: int, size: int) -> bool:
        """Note how far the file is safe on disk; false when the export was cancelled meanwhile."""
        ...

    async def keep_manifest(self, identity: str, facts: FileFacts, manifest: str) -> None:
        """Keep the signed manifest, before the event that names it."""
        ...

    async def end(self, identity: str, state: ExportState, now: int, reason: str = "") -> bool:
        """End it so; false when it was over already."""
        ...

    async def remove(self, identity: str) -> None:
        """Note that the file of a finished export is gone."""
        ...


class ExportEvidence(Protocol):
    """What a manifest says of the record besides the file. ``HistoryUnavailableError`` when it cannot be reached."""

    async def covered(self, query: ExportQuery) -> list[float]:
        """Share of the window, widened to whole steps, for which good samples stand, 0..1, of each point."""
        ...

    async def gaps(self, query: ExportQuery) -> list[Sequence[Gap]]:
        """Gaps of each point, its own and its device's."""
        ...

    async def events(self, query: ExportQuery) -> LogRange:
        """Events between the window's begin and ``known_at``."""
        ...

    async def restatements(self, query: ExportQuery, limit: int) -> tuple[int, list[Restated]]:
        """How many there are that concern the window and were made by ``known_at``, and the first of them."""
        ...


class StreamingExporter(Protocol):
    """History as a CSV file that is sent while it is made."""

    def csv(self, export: Export) -> AsyncIterator[bytes]:
        """Chunks of the file; the first one is asked for before anything is sent to the reader.

        The export is entered before the first chunk, and recorded with its manifest after the last.
        """
        ...


class ExportDesk(Protocol):
    """Where exports are asked for and collected. Every method raises ``HistoryUnavailableError``."""

    def new(self, query: ExportQuery, kind: ExportKind, actor: str) -> Export:
        """Give an export its identity; ``RefusedError`` when none such is made, ``MissingLibraryError`` here."""
        ...

    async def ask(self, export: Export) -> None:
        """Have a job made."""
        ...

    async def get(self, identity: str) -> Export:
        """One export; ``NotFoundError``."""
        ...

    async def page(self, limit: int, before: str | None) -> list[Export]:
        """Exports, the newest first, those before a given one; of a manifest only that there is one (``""``)."""
        ...

    def file_of(self, export: Export) -> Path:
        """Where the file of a job lies when it is done."""
        ...

    async def withdraw(self, identity: str) -> Export:
        """Cancel a job, or remove its file; ``NotFoundError``, and ``RefusedError`` for what is no job."""
        ...
