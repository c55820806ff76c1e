"""The record of indoor air: what is asked about it, and what people write down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from cityhall_bms.domain.air_record import InspectionKind


class EntryKind(StrEnum):
    """What an entry is about."""

    SAMPLE = "sample"
    INSPECTION = "inspection"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class AirEntry:
    """One entry; ``position`` of its event is its number. Times µs UTC; what does not belong to its kind is empty."""

    position: int
    recorded_at: int
    kind: EntryKind
    place: str
    name: str
    value: float | None
    unit: str
    moment: int
    method: str
    report: str
    note: str
    by: str
    withdrawn_at: int | None
    withdrawn_by: str
    withdrawn_why: str


@dataclass(frozen=True, slots=True)
class AirEntryFilter:
    """Which entries: of a kind, about moments from ``start`` (included) to ``end`` (excluded), as known at a time.

    ``withdrawn`` asks for withdrawn ones too; with ``known_at`` those count that were withdrawn later.
    """

    kind: EntryKind
    start: int | None = None
    end: int | None = None
    withdrawn: bool = False
    known_at: int | None = None


@dataclass(frozen=True, slots=True)
class AirEntryPage:
    """Entries, the newest first; ``next_place`` is where the next page begins."""

    entries: Sequence[AirEntry]
    next_place: int | None


class AirRecord(Protocol):
    """All entries. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def page(self, which: AirEntryFilter, limit: int, before: int | None = None) -> AirEntryPage:
        """One page; ``before`` is the place that the page before gave."""
        ...

    async def get(self, position: int) -> AirEntry | None:
        """One entry, or none."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """A laboratory's figure for one place; ``taken_at`` µs UTC."""

    place: str
    name: str
    value: float
    taken_at: int
    method: str = ""
    report: str = ""


class AirDesk(Protocol):
    """What people write down; each gives the number of the entry.

    ``RefusedError`` for what makes no sense, ``NotFoundError`` for places, limits and entries that nobody knows.
    """

    async def sample(self, sample: Sample, *, by: str) -> int:
        """A sample was counted."""
        ...

    async def inspection(self, kind: InspectionKind, day: date, *, by: str, report: str, note: str) -> int:
        """The building was inspected or tested."""
        ...

    async def action(self, equipment: str, role: str, moment: int, action: str, *, by: str) -> int:
        """Something was done about an exceedance."""
        ...

    async def withdraw(self, entry: int, *, by: str, reason: str) -> int:
        """An entry was wrong."""
        ...
