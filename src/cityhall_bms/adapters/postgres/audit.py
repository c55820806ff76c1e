"""The event log in PostgreSQL, searched as auditors do."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from cityhall_bms.adapters.csv_cells import BOM, guarded
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.event_log import stored_event
from cityhall_bms.adapters.postgres.past_view import QUERIES as PAST
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.audit import SERVICE_ACTORS
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent, canonical
from cityhall_bms.ports.audit import EventPage, EventSearch

QUERIES: Final = load("audit.sql")
SCANNED_MAX: Final = 200_000
"""Of a search for words, so many places of the log at a time: it reads them all."""
CSV_EVENTS_MAX: Final = 100_000
CSV_PAGE: Final = 1_000
CSV_HEAD: Final = ("position", "recorded_at", "actor", "type", "stream", "version", "payload", "hash")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresAuditRecord:
    """See :class:`~cityhall_bms.ports.audit.AuditRecord`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def search(self, what: EventSearch, limit: int, before: int | None) -> EventPage:
        """One page, the newest first."""
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction(readonly=True):
                await connection.execute(QUERIES["plan"])
                low = await _position(connection, what.start)
                high = await _last(connection, what, before)
                floor = max(low, high - SCANNED_MAX) if what.text is not None else low
                rows = await connection.fetch(QUERIES["search"], floor, high, *_conditions(what), limit + 1)
        found = [stored_event(row) for row in rows[:limit]]
        if len(rows) > limit:
            return EventPage(found, found[-1].position)
        return EventPage(found, floor + 1 if floor > low else None)

    async def csv(self, what: EventSearch) -> AsyncIterator[bytes]:
        """Everything that is found, page by page."""
        yield BOM + _line(CSV_HEAD)
        before, count = None, 0
        while count < CSV_EVENTS_MAX:
            page = await self.search(what, min(CSV_PAGE, CSV_EVENTS_MAX - count), before)
            yield b"".join(_line(_cells(event)) for event in page.events)
            before, count = page.next_place, count + len(page.events)
            if before is None:
                return


def _conditions(what: EventSearch) -> tuple[object, ...]:
    stream = what.stream or None
    return (
        list(what.types) or None,
        what.actor,
        stream,
        f"{stream[:-1]}0" if stream is not None and stream.endswith("/") else None,
        sorted(SERVICE_ACTORS) if what.people else None,
        what.text,
    )


async def _last(connection: asyncpg.Connection, what: EventSearch, before: int | None) -> int:
    """Newest place that the search may find."""
    ends = [await connection.fetchval(QUERIES["end"]) if what.end is None else await _position(connection, what.end)]
    if before is not None:
        ends.append(before - 1)
    return min(ends)


async def _position(connection: asyncpg.Connection, at: int | None) -> int:
    """Position of the newest event before a time: positions have the order of times."""
    if at is None:
        return 0
    position: int = await connection.fetchval(PAST["position_at"], at - 1)
    return position


def _cells(event: StoredEvent) -> tuple[str, ...]:
    at = (EPOCH + timedelta(microseconds=event.recorded_at)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    payload = canonical(dict(event.payload))
    return (
        str(event.position), at, event.actor, event.type, event.stream, str(event.version), payload, event.hash.hex(),
    )  # fmt: skip


def _line(cells: tuple[str, ...]) -> bytes:
    return (",".join(guarded(cell) for cell in cells) + "\r\n").encode()
