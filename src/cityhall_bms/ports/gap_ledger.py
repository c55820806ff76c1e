"""The gap ledger, as people ask it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.gaps import Gap, GapCause


@dataclass(frozen=True, slots=True)
class GapFilter:
    """Which gaps. Times are µs UTC; a gap counts if it overlaps ``start`` (included) to ``end`` (excluded).

    A ``point`` is meant by gaps of its own, and by those of its ``point_device`` as a whole or of everything.
    """

    device: str | None = None
    cause: GapCause | None = None
    point: int | None = None
    point_device: str = ""
    start: int | None = None
    end: int | None = None
    open_only: bool = False


@dataclass(frozen=True, slots=True)
class GapPage:
    """Gaps, the newest first; ``next_cursor`` is none on the last page."""

    gaps: Sequence[Gap]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class GapExport:
    """What an auditor asks for: ``names`` of points by number, times in a zone, headings in a language."""

    which: GapFilter
    names: Mapping[int, str]
    time_zone: str
    language: str = "zh"


class GapLedger(Protocol):
    """Every poll that gave no value. ``HistoryUnavailableError`` when it cannot be reached."""

    async def page(self, which: GapFilter, limit: int, cursor: str | None) -> GapPage:
        """Some gaps; ``RefusedError`` for a cursor that is none."""
        ...

    def csv(self, request: GapExport) -> AsyncIterator[bytes]:
        """Chunks of the file, the newest gap first."""
        ...
