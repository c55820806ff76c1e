"""Reports in PostgreSQL: what was asked for, and what was made."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.reports import (
    REPORT_STREAMS,
    Language,
    ReportAsked,
    ReportFailed,
    ReportFormat,
    ReportKind,
    ReportMade,
    ReportRecord,
    ReportState,
    ReportWish,
    file_of,
)
from cityhall_bms.ports.reports import ReportPage

QUERIES: Final = load("reports.sql")
WAITING_MAX: Final = 100
TYPES: Final = frozenset({ReportAsked.__name__, ReportMade.__name__, ReportFailed.__name__})


class ReportsProjection:
    """Table ``report``."""

    name = "reports"
    tables = ("report",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was asked for, and what came of it."""
        for entry in entries:
            if not entry.stream.startswith(REPORT_STREAMS):
                continue
            match entry.event() if entry.type in TYPES else None:
                case ReportAsked() as asked:
                    await connection.execute(QUERIES["add"], *_asked(asked), entry.position)
                case ReportMade() as made:
                    files = json.dumps(made.files, ensure_ascii=False)
                    what = (ReportState.MADE.value, files, "", made.at, entry.version)
                    await connection.execute(QUERIES["end"], made.report, *what)
                case ReportFailed() as failed:
                    what = (ReportState.FAILED.value, "[]", failed.reason, failed.at, entry.version)
                    await connection.execute(QUERIES["end"], failed.report, *what)


class PostgresReportView:
    """What :class:`ReportsProjection` keeps: see :class:`~cityhall_bms.ports.reports.ReportView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, limit: int, before: int | None) -> ReportPage:
        """One page, the newest first."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], before, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return ReportPage([_record(row) for row in rows], rows[-1]["position"] if more else None)

    async def waiting(self) -> Sequence[ReportRecord]:
        """Reports that are to be made, the oldest first; :data:`WAITING_MAX` at most, the others come later."""
        with translated(EventLogUnavailableError):
            return [_record(row) for row in await self._pool.fetch(QUERIES["waiting"], WAITING_MAX)]


def _asked(event: ReportAsked) -> tuple[object, ...]:
    days = (date.fromisoformat(event.first), date.fromisoformat(event.until))
    how = (event.known_at, event.formats, event.language, event.provisional)
    return (event.report, event.kind, *days, *how, event.by, event.at, event.schedule)


def _record(row: asyncpg.Record) -> ReportRecord:
    wish = ReportWish(
        ReportKind(row["kind"]),
        row["first"],
        row["until"],
        row["known_at"],
        tuple(ReportFormat(form) for form in row["formats"]),
        Language(row["language"]),
        row["provisional"],
    )
    return ReportRecord(
        report=row["report"],
        wish=wish,
        by=row["asked_by"],
        asked_at=row["asked_at"],
        schedule=row["schedule"],
        state=ReportState(row["state"]),
        files=tuple(file_of(values) for values in json.loads(row["files"])),
        reason=row["reason"],
        ended_at=row["ended_at"],
        version=row["version"],
        position=row["position"],
    )
