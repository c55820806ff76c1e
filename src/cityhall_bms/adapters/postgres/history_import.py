"""Years of history into the tables of the historian, a local day per transaction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np

from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.batch_seals import Place
from cityhall_bms.adapters.postgres.connection import open_pool, translated
from cityhall_bms.adapters.postgres.history_copy import moment
from cityhall_bms.adapters.postgres.history_rollups import HISTORY, IMPORTS, fetch_holds
from cityhall_bms.adapters.postgres.history_writer import HistoryWriter, Memory, write_latest, write_scans
from cityhall_bms.adapters.postgres.known_through import scans_after
from cityhall_bms.domain.errors import HistoryUnavailableError, RefusedError
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.holds import Holds, Stretch
from cityhall_bms.historian.importing import (
    DayRollups,
    last_scans,
    needed_after,
    rollups_of,
    samples_of,
    scans_of,
    stretch_of,
    unsettled,
)
from cityhall_bms.historian.intervals import DAY_US, HOUR_US, floor_to
from cityhall_bms.historian.open_buckets import POINTS_PER_BLOCK, closes_through
from cityhall_bms.historian.sealing import seal_scans
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan

CONNECTIONS_MAX: Final = 2


class PostgresImport:
    """Writes one file at a time; a historian of the same database may work meanwhile (both wait for one lock)."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, time_zone: str) -> None:
        self._pool = pool
        self._clock = clock
        self._writer = HistoryWriter(pool, clock, ZoneInfo(time_zone))
        self._holds = Holds()
        self._carried: tuple[int, Samples] | None = None
        """Number of the last day stored, and what the next one must know of it."""

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, clock: Clock, time_zone: str) -> AsyncIterator[Self]:
        """Import with a pool of its own, on a migrated database."""
        pool = await open_pool(dsn, connections_max=CONNECTIONS_MAX, command_timeout_s=None)
        try:
            yield cls(pool, clock, time_zone)
        finally:
            pool.terminate()

    async def begin(self, plan: ImportPlan) -> int:
        """Claim the file's time in history; gives how many days are stored. ``RefusedError`` when it cannot be had."""
        with translated(HistoryUnavailableError):
            async with self._writer.transaction([]) as (connection, memory):
                stored = await self._days_stored(connection, plan)
                if not stored:
                    await self._claim(connection, memory, plan)
                self._holds = await fetch_holds(connection)
        return stored

    async def store(self, plan: ImportPlan, number: int, day: DayOfSamples) -> None:
        """Write a day: scans, newest values, rollups and progress in one transaction."""
        with translated(HistoryUnavailableError):
            samples = await asyncio.to_thread(samples_of, day, await self._carried_into(plan, number))
            await self._write(plan, number, day, samples)
        self._carried = number, needed_after(samples, plan.day(number), self._holds)

    async def finish(self, plan: ImportPlan) -> int:
        """Compute again the hours that the file shares with others; gives the samples stored of the file."""
        with translated(HistoryUnavailableError):
            while await self._writer.recompute():
                pass
            samples: int = await self._pool.fetchval(IMPORTS["samples_stored"], plan.source)
        return samples

    async def _claim(self, connection: asyncpg.Connection, memory: Memory, plan: ImportPlan) -> None:
        now, stretch = self._clock.now(), stretch_of(plan)
        window = moment(stretch.first), moment(stretch.until)
        if stretch.until > closes_through(now, now):
            msg = f"the file reaches to {window[1]:%Y-%m-%d %H:%M} UTC: history takes what is over only"
            raise RefusedError(msg)
        other = await connection.fetchrow(IMPORTS["overlapping"], plan.source, *window)
        if other is not None:
            msg = f"{_text(other['first'])} to {_text(other['until'])} was imported already, from {other['source']}"
            raise RefusedError(msg)
        sampled = await connection.fetchval(IMPORTS["sampled"], *window)
        if sampled is not None:
            msg = f"history already has samples of that time, as of {_text(sampled)}: they would mix"
            raise RefusedError(msg)
        await connection.execute(IMPORTS["open"], plan.source, *window, stretch.interval_us, stretch.finest_us)
        await self._close(connection, memory, stretch)
        await connection.execute(IMPORTS["note_change"])

    async def _close(self, connection: asyncpg.Connection, memory: Memory, stretch: Stretch) -> None:
        """Close every bucket that the file reaches into, so that its rows are complete as they are written."""
        now = self._clock.now()
        through = min(floor_to(stretch.until + stretch.hold_us, HOUR_US) + HOUR_US, closes_through(now, now))
        if memory.open is None:
            memory.open = self._writer.rollups.begin(through)
            await self._writer.rollups.keep_state(connection, through)
        await self._writer.rollups.close(connection, memory.open, through)

    async def _carried_into(self, plan: ImportPlan, number: int) -> Samples:
        """Samples before a day whose values still stand in it, sorted by point and time."""
        if self._carried is not None and self._carried[0] == number - 1:
            return self._carried[1]
        begin = plan.day(number).start
        window = Window(self._holds.since(floor_to(begin, HOUR_US)), begin)
        async with self._pool.acquire() as connection:
            return await reading.of_all(connection, window)

    async def _write(self, plan: ImportPlan, number: int, day: DayOfSamples, samples: Samples) -> None:
        window, stretch = plan.day(number), stretch_of(plan)
        rows = await asyncio.to_thread(rollups_of, samples, window, stretch.finest_us, self._holds)
        days = range(window.start // DAY_US, (window.end + stretch.hold_us) // DAY_US + 1)
        async with self._writer.transaction(days) as (connection, memory):
            if await self._days_stored(connection, plan) >= number:
                return
            shared = await connection.fetchval(IMPORTS["sampled"], moment(window.start), moment(window.end))
            made = scans_after(memory.known_through, scans_of(day, plan.sets))
            scans, new = memory.sets.settle(made)
            await write_scans(connection, scans, new)
            times = np.unique(scans.recorded_at).tolist()
            await memory.seals.seal(
                connection, [Place(plan.source, 0, number, time) for time in times], seal_scans(scans)
            )
            newest = last_scans(scans, int(day.at[-1]))
            await write_latest(connection, memory.latest, memory.latest.take(newest))
            await self._write_rollups(connection, rows, day)
            await self._writer.rollups.count(connection, samples, window)
            touched = unsettled(plan, number, stretch.hold_us, shared=shared is not None)
            await self._writer.rollups.mark(connection, touched, why=None)
            await connection.execute(HISTORY["move_progress"], [plan.source], [0], [number])
            await connection.execute(IMPORTS["count_samples"], plan.source, day.value.size)
            memory.version = await connection.fetchval(IMPORTS["note_change"])

    async def _write_rollups(self, connection: asyncpg.Connection, parts: list[DayRollups], day: DayOfSamples) -> None:
        blocks = np.unique(day.point.astype(np.int64) // POINTS_PER_BLOCK).tolist()
        for part in parts:
            await self._writer.rollups.replace(connection, part.level, part.window, blocks, part.rows)

    async def _days_stored(self, connection: asyncpg.Connection, plan: ImportPlan) -> int:
        stored: int | None = await connection.fetchval(IMPORTS["days_stored"], plan.source)
        return stored or 0


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
