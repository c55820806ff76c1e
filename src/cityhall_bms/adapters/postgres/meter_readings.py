"""Readings that people enter, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.energy.manual import PeriodAmount
from cityhall_bms.domain.energy.readings import (
    READING_STREAMS,
    Document,
    Reading,
    ReadingApproved,
    ReadingEntered,
    ReadingRejected,
    ReadingState,
)
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.energy_readings import ReadingFilter, ReadingPage
from cityhall_bms.ports.history import Window

QUERIES: Final = load("meter_readings.sql")
TYPES: Final = frozenset({ReadingEntered.__name__, ReadingApproved.__name__, ReadingRejected.__name__})


class MeterReadingsProjection:
    """Table ``meter_reading``."""

    name = "meter_readings"
    tables = ("meter_reading",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was entered, approved and rejected."""
        for entry in entries:
            if not entry.stream.startswith(READING_STREAMS):
                continue
            match entry.event() if entry.type in TYPES else None:
                case ReadingEntered() as event:
                    await connection.execute(QUERIES["enter"], *_entered(event), entry.position)
                case ReadingApproved() as event:
                    decided = (event.by, event.at, event.comment, entry.recorded_at)
                    await connection.execute(QUERIES["approve"], event.meter, event.number, *decided)
                    await connection.execute(QUERIES["supersede"], event.meter, event.number, entry.recorded_at)
                case ReadingRejected() as event:
                    what = (event.meter, event.number, event.by, event.at, event.reason)
                    await connection.execute(QUERIES["reject"], *what)


class PostgresMeterReadings:
    """What :class:`MeterReadingsProjection` keeps: see :class:`~cityhall_bms.ports.energy_readings.ReadingView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, which: ReadingFilter, limit: int, before: int | None) -> ReadingPage:
        """One page, the newest first."""
        state = None if which.state is None else which.state.value
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], which.meter, state, before, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return ReadingPage([_reading(row) for row in rows], rows[-1]["entered_position"] if more else None)

    async def get(self, meter: str, number: int) -> Reading | None:
        """One reading, or none."""
        if "\x00" in meter:
            return None
        with translated(EventLogUnavailableError):
            row = await self._pool.fetchrow(QUERIES["get"], meter, number)
        return None if row is None else _reading(row)

    async def amounts(
        self, meters: Sequence[str], window: Window, known_at: int | None = None
    ) -> Mapping[str, Sequence[PeriodAmount]]:
        """Approved amounts that share time with a window."""
        known = TIME_MAX_US if known_at is None else known_at
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["counting"], list(meters), window.start, window.end, known)
        found: dict[str, list[PeriodAmount]] = {meter: [] for meter in meters}
        for row in rows:
            found[row["meter"]].append(PeriodAmount(row["begin"], row["until"], row["amount"]))
        return found


def _entered(event: ReadingEntered) -> tuple[object, ...]:
    document = (event.document_sha256, event.document_name, event.document_type, event.document_bytes)
    period = (event.meter, event.number, event.begin, event.until, event.amount)
    return (*period, event.note, event.corrects, event.source, *document, event.by, event.at)


def _reading(row: asyncpg.Record) -> Reading:
    document = None
    if row["document_sha256"]:
        document = Document(row["document_sha256"], row["document_name"], row["document_type"], row["document_bytes"])
    return Reading(
        meter=row["meter"],
        number=row["number"],
        begin=row["begin"],
        until=row["until"],
        amount=row["amount"],
        state=ReadingState(row["state"]),
        entered_by=row["entered_by"],
        entered_at=row["entered_at"],
        note=row["note"],
        corrects=row["corrects"],
        source=row["source"],
        document=document,
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        comment=row["comment"],
    )
