"""The record of indoor air in PostgreSQL: see :class:`~cityhall_bms.ports.air_record.AirRecord`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.air_record import AIR_STREAM, AirActionNoted, AirEntryWithdrawn, AirInspected, AirSampled
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.ports.air_record import AirEntry, AirEntryFilter, AirEntryPage, EntryKind

QUERIES: Final = load("air_record.sql")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
PLACE_MAX: Final = 2**63 - 1
TYPES: Final = frozenset(cls.__name__ for cls in (AirSampled, AirInspected, AirActionNoted, AirEntryWithdrawn))


class AirRecordProjection:
    """Table ``air_entry``."""

    name = "air_record"
    tables = ("air_entry",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was written down."""
        for entry in entries:
            if entry.stream != AIR_STREAM or entry.type not in TYPES:
                continue
            if entry.type == AirEntryWithdrawn.__name__:
                await _withdraw(connection, entry)
            else:
                await connection.execute(QUERIES["add"], entry.position, entry.recorded_at, *_columns(entry.event()))


class PostgresAirRecord:
    """What :class:`AirRecordProjection` keeps."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, which: AirEntryFilter, limit: int, before: int | None = None) -> AirEntryPage:
        """One page, the newest first."""
        asked = (which.kind, which.start, which.end, which.withdrawn, which.known_at, before, limit + 1)
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], *asked)
        more, rows = len(rows) > limit, rows[:limit]
        return AirEntryPage([_entry(row) for row in rows], rows[-1]["position"] if more else None)

    async def get(self, position: int) -> AirEntry | None:
        """One entry, or none."""
        if not 0 < position <= PLACE_MAX:
            return None
        with translated(EventLogUnavailableError):
            row = await self._pool.fetchrow(QUERIES["get"], position)
        return None if row is None else _entry(row)


def _columns(event: Event) -> tuple[object, ...]:
    """Kind, place, name, value, unit, moment, method, report, note and author of an entry."""
    match event:
        case AirSampled() as e:
            return (EntryKind.SAMPLE, e.place, e.name, e.value, e.unit, e.sampled_at, e.method, e.report, "", e.by)
        case AirInspected() as e:
            return (EntryKind.INSPECTION, "", e.kind, None, "", _day_us(e.day), "", e.report, e.note, e.by)
        case AirActionNoted() as e:
            return (EntryKind.ACTION, e.equipment, e.role, None, "", e.moment, "", "", e.action, e.by)
    raise AssertionError(event)


async def _withdraw(connection: asyncpg.Connection, entry: StoredEvent) -> None:
    event = entry.event()
    if isinstance(event, AirEntryWithdrawn):
        await connection.execute(QUERIES["withdraw"], event.entry, entry.recorded_at, event.by, event.reason)


def _day_us(day: str) -> int:
    """A day as the moment at which it begins in UTC: only its date is ever shown."""
    return (datetime.combine(date.fromisoformat(day), time(), UTC) - EPOCH) // timedelta(microseconds=1)


def _entry(row: asyncpg.Record) -> AirEntry:
    return AirEntry(**dict(row) | {"kind": EntryKind(row["kind"])})
