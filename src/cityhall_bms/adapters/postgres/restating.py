"""Corrects history in PostgreSQL; a historian of the same database may work meanwhile (both wait for one lock)."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self
from zoneinfo import ZoneInfo

import asyncpg

from cityhall_bms.adapters.postgres import raw_scans, samples
from cityhall_bms.adapters.postgres.connection import open_pool, translated
from cityhall_bms.adapters.postgres.history_copy import moment
from cityhall_bms.adapters.postgres.history_writer import HistoryWriter
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.domain.site import Encoding
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.restating import Holding, Standing

QUERIES: Final = load("restating.sql")
CONNECTIONS_MAX: Final = 2


class PostgresRestatement:
    """See :class:`~cityhall_bms.ports.restating.RestatementStore`."""

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

    async def hours(self, device: str, window: Window) -> Sequence[Window]:
        """Hours, cut at the window, of which something is kept that the device sent."""
        async with self._reading() as connection:
            return await raw_scans.hours_of(connection, device, window)

    async def sent(self, device: str, hour: Window) -> Sequence[tuple[int, bytes]]:
        """What the device sent in one of these hours."""
        async with self._reading() as connection:
            return await raw_scans.scans_of(connection, device, hour)

    async def standing(self, points: Sequence[int], hour: Window) -> Standing:
        """Samples of these points that stand in an hour."""
        async with self._reading() as connection:
            found = await samples.of_points(connection, points, hour)
        return Standing(found.point, found.at, found.value, found.recorded_at)

    async def held(self, points: Sequence[int], at: int) -> Mapping[int, Holding]:
        """How devices held these points then."""
        async with self._reading() as connection:
            rows = await connection.fetch(QUERIES["held"], list(points), moment(at))
        return {row["point_id"]: (row["address"], Encoding(**json.loads(row["encoding"]))) for row in rows}

    async def restate(self, scans: Sequence[Readings], recorded_at: int) -> None:
        """Add samples that stand from now on."""
        with translated(HistoryUnavailableError):
            await self._writer.restate(scans, recorded_at)

    async def settle(self) -> None:
        """Compute again every rollup that restated samples fell into."""
        with translated(HistoryUnavailableError):
            while await self._writer.recompute():
                pass

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[asyncpg.Connection]:
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                yield connection
