"""Readings that people enter: what is asked about them, what people do, and where proofs are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from cityhall_bms.domain.energy.manual import PeriodAmount
from cityhall_bms.domain.energy.reading_file import FileProblem
from cityhall_bms.domain.energy.readings import Document, Reading, ReadingState
from cityhall_bms.ports.history import Window


@dataclass(frozen=True, slots=True)
class ReadingFilter:
    """Which readings: of a meter, in a state."""

    meter: str = ""
    state: ReadingState | None = None


@dataclass(frozen=True, slots=True)
class ReadingPage:
    """Readings, the newest first; ``next_place`` is where the next page begins."""

    readings: Sequence[Reading]
    next_place: int | None


@dataclass(frozen=True, slots=True)
class ReadingWish:
    """What somebody wants to enter: days are included, the amount is in the unit of the meter's commodity."""

    meter: str
    first_day: date
    last_day: date
    amount: float
    note: str = ""
    corrects: int = 0
    document: Document | None = None


class RowOutcome(StrEnum):
    """What a row of a file comes to."""

    ENTERED = "entered"
    CORRECTS = "corrects"
    """It differs from an approved one of the same period: it is entered as its correction."""
    UNCHANGED = "unchanged"
    """It stands already."""


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One row of a file; ``before`` is the amount that it corrects."""

    line: int
    outcome: RowOutcome
    reading: Reading
    before: float | None = None


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What a file comes to; with any problem nothing of it was entered."""

    source: str
    rows: Sequence[ImportedRow]
    problems: Sequence[FileProblem]


class ReadingView(Protocol):
    """All readings as they stand. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def page(self, which: ReadingFilter, limit: int, before: int | None) -> ReadingPage:
        """One page; ``before`` is the place that the page before gave."""
        ...

    async def get(self, meter: str, number: int) -> Reading | None:
        """One reading, or none."""
        ...

    async def amounts(
        self, meters: Sequence[str], window: Window, known_at: int | None = None
    ) -> Mapping[str, Sequence[PeriodAmount]]:
        """Approved amounts that share time with a window; with ``known_at`` (µs UTC) those of then."""
        ...


class ReadingDesk(Protocol):
    """What people do about readings.

    ``RefusedError`` for what makes no sense, ``NotFoundError`` for meters and readings that nobody knows.
    """

    async def enter(self, wish: ReadingWish, *, by: str) -> Reading:
        """Enter an amount; it waits for somebody else."""
        ...

    async def approve(self, readings: Sequence[tuple[str, int]], *, by: str, comment: str = "") -> Sequence[Reading]:
        """Approve entries by meter and number, all or none."""
        ...

    async def reject(self, meter: str, number: int, *, by: str, reason: str) -> Reading:
        """Reject an entry, or withdraw one's own."""
        ...

    async def enter_file(self, text: str, *, by: str, dry_run: bool) -> ImportOutcome:
        """Enter the rows of a CSV file, all or none; the same file twice adds nothing."""
        ...


class DocumentStore(Protocol):
    """Files that prove amounts, by their content. ``RefusedError`` for what is none of the types that are kept."""

    async def keep(self, name: str, data: bytes) -> Document:
        """Have a file on disk, once."""
        ...

    async def read(self, sha256: str) -> tuple[str, bytes]:
        """Type and bytes; ``NotFoundError`` when there is none, or when it is no longer what it was."""
        ...
