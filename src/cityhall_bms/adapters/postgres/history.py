"""History in PostgreSQL or TimescaleDB: one set of queries for both."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import raw_scans
from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.connection import open_pool, translated
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US
from cityhall_bms.adapters.postgres.history_figures import FigureReader
from cityhall_bms.adapters.postgres.history_latest import fetch_newest
from cityhall_bms.adapters.postgres.history_queries import PostgresQueries
from cityhall_bms.adapters.postgres.history_writer import HistoryWriter
from cityhall_bms.adapters.postgres.lease import Fence
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.historian.intervals import interval_edges
from cityhall_bms.historian.rollups import Rollups, coverage, interval_quality
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Aggregation, Latest, MissingBatches, Progress, Series, Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

QUERIES: Final = load("history.sql")
GAPS: Final = load("gaps.sql")
CONNECTIONS_MAX: Final = 8


class PostgresHistory:
    """History of one building, whose ``time_zone`` (IANA) its days follow; see :class:`~cityhall_bms.ports.history`.

    What devices sent is kept for ``raw_days`` days; not at all if that is 0.
    """

    def __init__(
        self, pool: asyncpg.Pool, clock: Clock, time_zone: str, raw_days: int = raw_scans.DAYS_DEFAULT
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._raw_days = raw_days
        self._writer = HistoryWriter(pool, clock, self._zone, raw_days)
        self.queries = PostgresQueries(pool, clock, time_zone)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, dsn: str, clock: Clock, time_zone: str, raw_days: int = raw_scans.DAYS_DEFAULT
    ) -> AsyncIterator[Self]:
        """History with a pool of its own, on a migrated database."""
        pool = await open_pool(dsn, connections_max=CONNECTIONS_MAX)
        try:
            yield cls(pool, clock, time_zone, raw_days)
        finally:
            pool.terminate()

    @property
    def samples_stored(self) -> int:
        """Samples this process has committed."""
        return self._writer.samples_stored

    @property
    def batches_skipped(self) -> int:
        """Batches this process was given that were stored already."""
        return self._writer.batches_skipped

    async def progress(self) -> Progress:
        """Where a historian must go on."""
        with translated(HistoryUnavailableError):
            async with self._reading() as connection:
                position = await connection.fetchval("SELECT position FROM ingest_position")
                runs = await connection.fetch(QUERIES["newest_runs"])
        return Progress(position, {row["source"]: (row["epoch"], row["sequence"]) for row in runs})

    def write_behind(self, fence: Fence) -> None:
        """Write nothing any more once the lease of this fence was taken over; ``LeaseLostError`` says so."""
        self._writer.fence = fence

    async def store(self, batches: Sequence[LoggedBatch]) -> None:
        """Write the scans of new batches and the progress in one transaction."""
        with translated(HistoryUnavailableError):
            await self._writer.store(batches)

    async def recompute(self) -> bool:
        """Work off an hour that late samples fell into; false when nothing is left."""
        with translated(HistoryUnavailableError):
            return await self._writer.recompute()

    async def prepare(self, days: int) -> None:
        """Make room for the scans of today and the coming days."""
        with translated(HistoryUnavailableError):
            await self._writer.prepare(days)

    async def tidy(self) -> bool:
        """Pack what devices sent in an hour that is over, and let go of what is too old; false when nothing is left."""
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                return await raw_scans.tidy(connection, self._clock.now(), self._raw_days)

    async def gap_due(self, found_before: int) -> MissingBatches | None:
        """Oldest gap found before then, still open and not reported."""
        with translated(HistoryUnavailableError):
            row = await self._pool.fetchrow(QUERIES["gaps_due"], found_before)
        return MissingBatches(*row) if row else None

    async def gap_reported(self, gap: MissingBatches) -> None:
        """Remember that a gap is in the event log. What of it was filled meanwhile stays filled."""
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(QUERIES["lock"])
                key = (gap.source, gap.epoch, gap.first, gap.last)
                await connection.execute(GAPS["log_loss"], *key, self._clock.now())
                await connection.execute(QUERIES["gap_reported"], *key)
                await connection.execute(QUERIES["count_loss"], gap.source, gap.epoch)

    async def latest(self) -> Latest:
        """Newest sample of every point."""
        with translated(HistoryUnavailableError):
            async with self._reading() as connection:
                position = await connection.fetchval("SELECT position FROM ingest_position")
                newest = await fetch_newest(connection)
        return Latest(position, newest.point, newest.at, newest.value, newest.quality)

    async def samples(self, point_id: int, window: Window, limit: int, known_at: int | None = None) -> Series:
        """Samples of one point, oldest first; of one time the one recorded last, by ``known_at`` if it is given."""
        with translated(HistoryUnavailableError):
            async with self._reading() as connection:
                known = TIME_MAX_US if known_at is None else known_at
                samples = await reading.of_point(connection, point_id, window, limit, known)
        return Series(samples.at, samples.value, samples.quality)

    async def intervals(
        self,
        point_id: int,
        window: Window,
        interval: str,
        aggregation: Aggregation,
        time_zone: str,
        known_at: int | None = None,
    ) -> Series:
        """One row per interval that overlaps the window, whole intervals; nothing holds beyond the present.

        With ``known_at`` (µs UTC) what was recorded later does not count, and nothing holds beyond it.
        ``RefusedError`` for an unknown interval, or for too many.
        """
        zone = ZoneInfo(time_zone)
        edges = interval_edges(window, interval, zone)
        with translated(HistoryUnavailableError):
            async with self._reading() as connection:
                reader = self._about(connection, point_id, known_at, aggregation)
                rows = await reader.rows(edges, zone)
                figures = await reader.figure(rows, edges, aggregation)
        return dense(rows, figures, edges, aggregation)

    def _about(
        self, connection: asyncpg.Connection, point: int, known_at: int | None, aggregation: Aggregation
    ) -> FigureReader:
        return FigureReader(connection, [point], self._zone, self._clock.now(), known_at, aggregation)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[asyncpg.Connection]:
        """One moment of the database, however many queries ask it."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection


def dense(rows: Rollups, figures: NDArray[np.float64], edges: NDArray[np.int64], aggregation: Aggregation) -> Series:
    """Every interval, also those of which nothing is known."""
    place = np.searchsorted(edges, rows.bucket)
    count = len(edges) - 1
    value = np.full(count, 0.0 if aggregation is Aggregation.COUNT else np.nan)
    value[place] = figures
    share = np.zeros(count)
    share[place] = coverage(rows, np.diff(edges)[place])
    return Series(edges[:-1], value, interval_quality(value), share)
