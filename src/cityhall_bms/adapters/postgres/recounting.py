"""Finds the steps of all counters anew, day by day; a historian of the same database may work meanwhile."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Self
from zoneinfo import ZoneInfo

import asyncpg

from cityhall_bms.adapters.postgres.connection import open_pool, translated
from cityhall_bms.adapters.postgres.history_rollups import IMPORTS
from cityhall_bms.adapters.postgres.history_writer import HistoryWriter
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.historian.intervals import DAY_US
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window

QUERIES: Final = load("counters.sql")
CONNECTIONS_MAX: Final = 2


class PostgresRecount:
    """For what was recorded before counters had steps, and after a meter's rating or rollover was corrected."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, time_zone: str) -> None:
        self._pool = pool
        self._writer = HistoryWriter(pool, clock, ZoneInfo(time_zone))

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, clock: Clock, time_zone: str) -> AsyncIterator[Self]:
        """Work with a pool of its own, on a migrated database."""
        pool = await open_pool(dsn, connections_max=CONNECTIONS_MAX, command_timeout_s=None)
        try:
            yield cls(pool, clock, time_zone)
        finally:
            pool.terminate()

    async def recount(self, on_day: Callable[[int, int], None]) -> int:
        """Steps that differ now; ``on_day`` hears of days done and of all days. May be cut off and called again."""
        changed = 0
        with translated(HistoryUnavailableError):
            begin = await self._pool.fetchval(QUERIES["oldest_hour"])
            closed = await self._pool.fetchval(QUERIES["closed_through"])
            days = range(begin // DAY_US, -(-closed // DAY_US)) if begin is not None else range(0)
            for done, day in enumerate(days, 1):
                changed += await self._day(Window(day * DAY_US, min((day + 1) * DAY_US, closed)), closed)
                on_day(done, len(days))
        return changed

    async def _day(self, window: Window, closed: int) -> int:
        async with self._writer.transaction([]) as (connection, memory):
            changed = await self._writer.rollups.recount(connection, window, closed)
            if changed:
                # A historian that runs may have waited for what is settled now.
                memory.version = await connection.fetchval(IMPORTS["note_change"])
        return changed
