"""History in PostgreSQL or TimescaleDB: one set of queries for both."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import history_rollups as rollups
from cityhall_bms.adapters.postgres import raw_scans
from cityhall_bms.adapters.postgres.connection import open_pool, translated
from cityhall_bms.adapters.postgres.history_copy import fetch_latest, fetch_samples
from cityhall_bms.adapters.postgres.history_rollups import moment
from cityhall_bms.adapters.postgres.history_writer import HistoryWriter
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import HistoryUnavailableError, RefusedError
from cityhall_bms.historian.holds import Holds
from cityhall_bms.historian.intervals import HOUR_US, INTERVALS_MAX, LEVELS, interval_edges, source_level
from cityhall_bms.historian.latest import NEVER
from cityhall_bms.historian.open_buckets import POINTS_PER_BLOCK
from cityhall_bms.historian.rollups import Rollups, combine, coverage, interval_quality, rollup
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Aggregation, Latest, MissingBatches, Progress, Series, Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

QUERIES: Final = load("history.sql")
GAPS: Final = load("gaps.sql")
CONNECTIONS_MAX: Final = 8
RAW_SAMPLES_MAX: Final = 5_000_000
"""Samples that one question may read."""


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
                newest = await fetch_latest(connection, QUERIES["latest"], NEVER)
        return Latest(position, newest.point, newest.at, newest.value, newest.quality)

    async def samples(self, point_id: int, window: Window, limit: int) -> Series:
        """Samples of one point, oldest first; of one time the one recorded last."""
        arguments = (point_id, moment(window.start), moment(window.end), limit)
        with translated(HistoryUnavailableError):
            async with self._reading() as connection:
                samples = await fetch_samples(connection, QUERIES["samples"], *arguments)
        return Series(samples.at, samples.value, samples.quality)

    async def intervals(
        self, point_id: int, window: Window, interval: str, aggregation: Aggregation, time_zone: str
    ) -> Series:
        """One row per interval that overlaps the window, whole intervals; nothing holds beyond the present.

        ``RefusedError`` for an unknown interval, or for too many.
        """
        zone = ZoneInfo(time_zone)
        edges = interval_edges(window, interval, zone)
        with translated(HistoryUnavailableError):
            async with self._reading() as connection:
                rows = await self._figures(connection, point_id, edges, zone)
        return dense(rows, edges, aggregation)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[asyncpg.Connection]:
        """One moment of the database, however many queries ask it."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    async def _figures(
        self, connection: asyncpg.Connection, point_id: int, edges: NDArray[np.int64], zone: ZoneInfo
    ) -> Rollups:
        """Rows per interval: from the rollups where they are complete, from the samples elsewhere."""
        calendar = edges if zone.key == self._zone.key and _are_days(edges, zone) else None
        level = source_level(edges, calendar)
        small = edges if level is None else _small_edges(edges, level, zone)
        holds = await rollups.fetch_holds(connection, point_id)
        complete = np.zeros(len(small) - 1, np.bool_)
        if level:
            complete = await self._complete(connection, point_id, small) & is_stored(holds, small)
        parts = []
        if level and complete.any():
            rows = await rollups.read(connection, level, Window(int(small[0]), int(small[-1])), point_id)
            parts.append(rows.select(complete[np.searchsorted(small, rows.bucket)]))
        for begin, end in _runs(~complete):
            parts.append(await self._from_samples(connection, point_id, small[begin : end + 1], holds))
        rows = Rollups.merge(*parts) if parts else Rollups.empty()
        return rows if level is None else combine(rows, edges)

    async def _complete(
        self, connection: asyncpg.Connection, point_id: int, edges: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Tell which buckets are written and have no late samples waiting."""
        closed_through = await connection.fetchval(rollups.QUERIES["closed_through"])
        if closed_through is None:
            return np.zeros(len(edges) - 1, np.bool_)
        block = point_id // POINTS_PER_BLOCK
        window = (moment(int(edges[0]) - HOUR_US), moment(int(edges[-1])))
        dirty = [row[0] for row in await connection.fetch(rollups.QUERIES["dirty_hours"], block, *window)]
        complete = edges[1:] <= closed_through
        for hour in dirty:
            complete &= (edges[1:] <= hour) | (edges[:-1] >= hour + HOUR_US)
        return complete

    async def _from_samples(
        self, connection: asyncpg.Connection, point_id: int, edges: NDArray[np.int64], holds: Holds
    ) -> Rollups:
        begin, end = moment(holds.since(int(edges[0]))), moment(int(edges[-1]))
        samples = await fetch_samples(connection, QUERIES["samples"], point_id, begin, end, RAW_SAMPLES_MAX + 1)
        if len(samples) > RAW_SAMPLES_MAX:
            msg = f"that would read more than {RAW_SAMPLES_MAX} samples of one point: take a shorter time"
            raise RefusedError(msg)
        return rollup(samples, edges, known_until=self._clock.now(), holds=holds)


def dense(rows: Rollups, edges: NDArray[np.int64], aggregation: Aggregation) -> Series:
    """Every interval, also those of which nothing is known."""
    place = np.searchsorted(edges, rows.bucket)
    count = len(edges) - 1
    value = np.full(count, 0.0 if aggregation is Aggregation.COUNT else np.nan)
    value[place] = rows.figure(aggregation)
    share = np.zeros(count)
    share[place] = coverage(rows, np.diff(edges)[place])
    return Series(edges[:-1], value, interval_quality(value), share)


def is_stored(holds: Holds, edges: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which buckets are stored: of imported times only what is longer than their samples' interval.

    Days are summed from the shortest level there is; a zone whose midnights lie inside of its buckets has none.
    """
    stored = np.ones(len(edges) - 1, np.bool_)
    for stretch in holds.stretches:
        outside = (edges[1:] <= stretch.first) | (edges[:-1] >= stretch.until)
        uneven = edges % stretch.finest_us != 0
        stored &= outside | ~(uneven[1:] | uneven[:-1])
    return stored


def _are_days(edges: NDArray[np.int64], zone: ZoneInfo) -> bool:
    days = interval_edges(Window(int(edges[0]), int(edges[-1])), "1d", zone) if len(edges) <= INTERVALS_MAX else edges
    return bool(np.isin(edges, days).all())


def _small_edges(edges: NDArray[np.int64], level: str, zone: ZoneInfo) -> NDArray[np.int64]:
    if level == "1d":
        return interval_edges(Window(int(edges[0]), int(edges[-1])), "1d", zone)
    return np.arange(edges[0], edges[-1] + 1, LEVELS[level])


def _runs(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end (excluded) of each run of chosen places."""
    change = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False]))))
    return list(zip(change[::2].tolist(), change[1::2].tolist(), strict=True))
