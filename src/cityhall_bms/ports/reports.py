"""Reports: what is asked about them, and where they are asked for and collected."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cityhall_bms.domain.reports import ReportFile, ReportRecord, ReportWish


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Reports, the newest first; ``next_place`` is where the next page begins."""

    reports: Sequence[ReportRecord]
    next_place: int | None


class ReportView(Protocol):
    """All reports as they stand. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def page(self, limit: int, before: int | None) -> ReportPage:
        """One page; ``before`` is the place that the page before gave."""
        ...

    async def waiting(self) -> Sequence[ReportRecord]:
        """Reports that are to be made, the oldest first."""
        ...


class ReportDesk(Protocol):
    """Where reports are asked for. ``EventLogUnavailableError`` when the log cannot be reached."""

    async def ask(self, wish: ReportWish, *, by: str) -> ReportRecord:
        """Have a report made; ``RefusedError`` for what none is made of, ``MissingLibraryError`` for its forms."""
        ...

    async def get(self, report: str) -> ReportRecord:
        """One report; ``NotFoundError``."""
        ...

    def file_of(self, report: ReportRecord, file: ReportFile) -> Path:
        """Where a file of a report lies; its manifest beside it."""
        ...
