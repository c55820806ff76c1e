"""Newest entries of the record, to be signed."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import GENESIS_HASH
from cityhall_bms.domain.integrity import ChainHead, GapsSeal, digest_of_raws

QUERIES: Final = load("verify.sql")
SEALS: Final = load("batch_seals.sql")
GAPS: Final = load("gaps.sql")
RAWS: Final = load("raw_scans.sql")


class PostgresRecordHeads:
    """See :class:`~cityhall_bms.ports.integrity.RecordHeads`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def first_event_at(self) -> int | None:
        """When the first event was recorded."""
        with translated(EventLogUnavailableError):
            first: int | None = await self._pool.fetchval(QUERIES["first_event_at"])
        return first

    async def last_event_before(self, time: int) -> tuple[int, bytes]:
        """Position and hash of the last event before a time."""
        with translated(EventLogUnavailableError):
            row = await self._pool.fetchrow(QUERIES["last_event_before"], time)
        return (row["position"], bytes(row["hash"])) if row else (0, GENESIS_HASH)

    async def chains(self) -> Mapping[str, ChainHead]:
        """Newest seal of every source."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(SEALS["chains"])
        return {row["source"]: ChainHead(row["number"], bytes(row["hash"])) for row in rows if row["number"]}

    async def seal_gaps(self, day: date) -> GapsSeal:
        """Seal every gap that is over with a day."""
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(GAPS["mark"], day)
                return await sealed_gaps(connection, day)

    async def seal_raws(self, day: date) -> dict[str, list[Any]]:
        """Seal every packed raw scan with a day."""
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(RAWS["mark"], day)
                return await sealed_raws(connection, day)


async def sealed_raws(connection: asyncpg.Connection, day: date) -> dict[str, list[Any]]:
    """Per hour (µs UTC) number and digest of the raw scans of a day's seal, as they stand now."""
    hours: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for row in await connection.fetch(RAWS["sealed"], day):
        hours[str(row["hour"])].append((row["device"], row["digest"]))
    return {hour: digest_of_raws(scans) for hour, scans in hours.items()}


async def sealed_gaps(connection: asyncpg.Connection, day: date) -> GapsSeal:
    """Seal of the gaps of a day, as they stand now."""
    return GapsSeal.of([tuple(row) for row in await connection.fetch(GAPS["sealed"], day)])
