"""The historian's transaction: scans, latest values, rollups and progress move together or not at all."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres.batch_seals import SealMemory
from cityhall_bms.adapters.postgres.gaps import write_gaps
from cityhall_bms.adapters.postgres.history_copy import (
    SCAN_COLUMNS,
    SIGNATURE,
    TIME_MAX_US,
    TIME_MIN_US,
    TRAILER,
    encode_rows,
    encode_scans,
    fetch_latest,
)
from cityhall_bms.adapters.postgres.history_rollups import HISTORY, IMPORTS, YEARS_SUMMED_US, RollupWriter
from cityhall_bms.adapters.postgres.history_sets import PointSets
from cityhall_bms.adapters.postgres.known_through import STATE, batches_after
from cityhall_bms.adapters.postgres.lease import Fence
from cityhall_bms.adapters.postgres.raw_scans import DAYS_DEFAULT, write_raws
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.counters import RestatedWhy
from cityhall_bms.historian.admission import Admission, Gap, admit
from cityhall_bms.historian.columns import Scans
from cityhall_bms.historian.holds import HOLD_MAX_US
from cityhall_bms.historian.intervals import DAY_US, EPOCH, HOUR_US
from cityhall_bms.historian.latest import NEVER, POINTS_PER_BLOCK, LatestTable
from cityhall_bms.historian.open_buckets import Closed, OpenBuckets, Touched, closes_through
from cityhall_bms.historian.sealing import TimeSeal, seal_scans
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.telemetry_log import LoggedBatch

QUERIES: Final = HISTORY
COLD: Final = load("cold.sql")
RESTATED: Final = "redecode"


@dataclass(slots=True)
class Memory:
    """What the writer knows of the database. Thrown away on any failure: the database is right."""

    version: int
    sets: PointSets
    seals: SealMemory
    latest: LatestTable
    open: OpenBuckets | None
    days: set[int]
    known_through: int = NEVER
    """Latest time that was exported as known; what is stored now is recorded later."""


@dataclass(frozen=True, slots=True)
class _Summed:
    """What some scans came to: minutes that were over before them, hours they are late for, minutes over since.

    ``seals``, by the time that scans were recorded at.
    """

    earlier: Closed | None
    touched: Touched
    now: Closed | None
    seals: Mapping[int, TimeSeal]


def _sum_up(buckets: OpenBuckets, scans: Scans, times: tuple[int, int, int]) -> _Summed:
    oldest, newest, now = times
    seals = seal_scans(scans)
    # First what was over before these batches: after a night of silence they are not "far ahead".
    earlier = buckets.closing(closes_through(oldest, now))
    touched = buckets.absorb(scans, min(newest, now))
    return _Summed(earlier, touched, buckets.closing(closes_through(newest, now)), seals)


class HistoryWriter:
    """Stores batches exactly once. One per process; a second process waits for the lock and then notices the first."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, zone: ZoneInfo, raw_days: int = DAYS_DEFAULT) -> None:
        self._pool = pool
        self._clock = clock
        self._raw_days = raw_days
        self.rollups = RollupWriter(zone, clock)
        self._memory: Memory | None = None
        self.fence: Fence | None = None
        """Of the historian's lease, without which nothing is written; none for whoever needs no lease."""
        self.samples_stored = 0
        self.batches_skipped = 0

    async def store(self, logged: Sequence[LoggedBatch]) -> None:
        """Write what is new of these batches; the position moves to that of the last one."""
        if not logged:
            return
        batches = [entry.batch for entry in logged]
        async with self.transaction(_days_of(batches)) as (connection, memory):
            batches = batches_after(memory.known_through, batches)
            admission = await self._admit(connection, batches)
            await write_raws(connection, admission.batches, self._clock.now(), self._raw_days)
            scans = _cleaned(admission.batches)
            seals = await self._write(connection, memory, scans) if len(scans) else {}
            await memory.seals.seal_batches(connection, admission.batches, seals)
            await self._move(connection, memory, admission, logged[-1].position)
        self.samples_stored += len(scans.point)
        self.batches_skipped += len(batches) - len(admission.batches)

    async def restate(self, scans: Sequence[Readings], recorded_at: int) -> None:
        """Add corrected scans; the log's position stays, and whoever follows the log notices the change."""
        batch = SampleBatch.gather(RESTATED, recorded_at, 0, recorded_at, scans)
        async with self.transaction(_days_of([batch])) as (connection, memory):
            [batch] = batches_after(memory.known_through, [batch])
            settled, new = memory.sets.settle(_cleaned([batch]))
            await write_scans(connection, settled, new)
            await memory.seals.seal_batches(connection, [batch], seal_scans(settled))
            await write_latest(connection, memory.latest, memory.latest.take(settled))
            if memory.open is not None:
                touched = memory.open.absorb(settled, self._clock.now())
                await self.rollups.mark(connection, touched, RestatedWhy.REDECODE)
            memory.version = await connection.fetchval(IMPORTS["note_change"])

    async def recompute(self) -> bool:
        """Compute one hour again that late samples fell into; false when there is none."""
        async with self.transaction([]) as (connection, memory):
            return memory.open is not None and await self.rollups.recompute(connection, memory.open.closed_through)

    async def prepare(self, days: int) -> None:
        """Make room for today and the coming days."""
        today = self._clock.now() // DAY_US
        async with self._pool.acquire() as connection:
            await _create_days(connection, range(today, today + days + 1))

    @asynccontextmanager
    async def transaction(self, days: Sequence[int]) -> AsyncIterator[tuple[asyncpg.Connection, Memory]]:
        """History for one writer alone, with room for these days (since 1970, UTC), and what is known of it."""
        memory, self._memory = self._memory, None
        async with self._fresh_on_failure() as connection:
            missing = [day for day in days if memory is None or day not in memory.days]
            # Outside of the transaction: attaching a partition holds a lock that others would wait for.
            await _create_days(connection, missing)
            async with connection.transaction():
                await connection.execute(QUERIES["lock"])
                if self.fence is not None:
                    await self.fence.check(connection)
                await self._touch(connection, days)
                version, known_through = await connection.fetchrow(STATE)
                if memory is None or memory.version != version:
                    memory = await self._load(connection, version)
                    # What somebody changed meanwhile may be that a day's room was given back.
                    await _create_days(connection, days)
                memory.days.update(days)
                memory.known_through = known_through
                yield connection, memory
            # Only now: what was not committed must not be remembered.
            self._memory = memory

    async def _touch(self, connection: asyncpg.Connection, days: Sequence[int]) -> None:
        """Days that are in the cold form, or on their way to it, must be packed again for what comes now."""
        today = self._clock.now() // DAY_US
        old = [_date(day) for day in days if day < today]
        if old:
            await connection.execute(COLD["touch"], old)

    @asynccontextmanager
    async def _fresh_on_failure(self) -> AsyncIterator[asyncpg.Connection]:
        """Connection that nobody gets again after a failure: one cut off inside a COPY may look alive to the pool."""
        async with self._pool.acquire() as connection:
            try:
                yield connection
            except BaseException:
                connection.terminate()
                raise

    async def _load(self, connection: asyncpg.Connection, version: int) -> Memory:
        sets = {row["set_id"]: row["point_ids"] for row in await connection.fetch(QUERIES["sets"])}
        seals = await SealMemory.load(connection)
        latest = LatestTable(await fetch_latest(connection, QUERIES["latest"], NEVER))
        return Memory(version, PointSets(sets), seals, latest, await self.rollups.load(connection), set())

    async def _admit(self, connection: asyncpg.Connection, batches: Sequence[SampleBatch]) -> Admission:
        known = {(row["source"], row["epoch"]): row["sequence"] for row in await connection.fetch(QUERIES["progress"])}
        before = {Gap(*row) for row in await connection.fetch(QUERIES["gaps"])}
        admission = admit(known, before, batches)
        await self._note_gaps(connection, before, admission.gaps, batches)
        await write_gaps(connection, admission.batches, known)
        return admission

    async def _note_gaps(
        self, connection: asyncpg.Connection, before: set[Gap], after: frozenset[Gap], batches: Sequence[SampleBatch]
    ) -> None:
        """Keep the open gaps; what remains of a gap that was partly filled was found, and told, when the whole was."""
        made = {(batch.source, batch.epoch, batch.sequence): batch.recorded_at for batch in batches}
        filled = {
            gap: await connection.fetchrow(QUERIES["close_gap"], gap.source, gap.epoch, gap.first)
            for gap in sorted(before - after)
        }
        for gap in sorted(after - before):
            origin = next((row for whole, row in filled.items() if _holds(whole, gap)), None)
            found_at, reported, since, until = origin or (None, False, None, None)
            since = made.get((gap.source, gap.epoch, gap.first - 1), since)
            until = made.get((gap.source, gap.epoch, gap.last + 1), until)
            key = (gap.source, gap.epoch, gap.first, gap.last)
            await connection.execute(QUERIES["open_gap"], *key, found_at, self._clock.now(), reported, since, until)

    async def _write(self, connection: asyncpg.Connection, memory: Memory, scans: Scans) -> Mapping[int, TimeSeal]:
        """Write scans and what follows from them; gives their seals, by the time they were recorded at."""
        settled, new = memory.sets.settle(scans)
        summing = await self._begin_summing(connection, memory, settled)
        await write_scans(connection, settled, new)
        await write_latest(connection, memory.latest, memory.latest.take(settled))
        summed = await summing
        await self.rollups.write_closed(connection, summed.earlier)
        await self.rollups.mark(connection, summed.touched)
        await self.rollups.write_closed(connection, summed.now)
        return summed.seals

    async def _begin_summing(
        self, connection: asyncpg.Connection, memory: Memory, scans: Scans
    ) -> asyncio.Future["_Summed"]:
        """Sum up and seal on another core while the database takes in the scans."""
        now = self._clock.now()
        recorded = np.clip(scans.recorded_at, *YEARS_SUMMED_US)
        times = (int(recorded.min()), int(recorded.max()), now)
        if memory.open is None:
            begin = max(times[0], times[1] - HOUR_US)
            memory.open = self.rollups.begin(closes_through(begin, now))
            await self.rollups.keep_state(connection, memory.open.closed_through)
        return asyncio.get_running_loop().run_in_executor(None, _sum_up, memory.open, scans, times)

    async def _move(self, connection: asyncpg.Connection, memory: Memory, admission: Admission, position: int) -> None:
        moved = sorted((source, epoch, sequence) for (source, epoch), sequence in admission.sequences.items())
        if moved:
            await connection.execute(QUERIES["move_progress"], *(list(column) for column in zip(*moved, strict=True)))
        memory.version = await connection.fetchval(QUERIES["move_position"], position)


def _holds(whole: Gap, part: Gap) -> bool:
    same_run = (whole.source, whole.epoch) == (part.source, part.epoch)
    return same_run and whole.first <= part.first and part.last <= whole.last


def _cleaned(batches: Sequence[SampleBatch]) -> Scans:
    """Scans that have samples, with times that a database can hold."""
    scans = Scans.gather(batches)
    filled = scans.length > 0
    return replace(
        scans,
        set_id=scans.set_id[filled],
        at=np.clip(scans.at[filled], TIME_MIN_US, TIME_MAX_US - 1),
        recorded_at=np.clip(scans.recorded_at[filled], TIME_MIN_US, TIME_MAX_US),
        length=scans.length[filled],
    )


def _days_of(batches: Sequence[SampleBatch]) -> list[int]:
    """UTC days that samples lie in or are held into, since 1970."""
    at = np.concatenate([batch.scan_observed_at for batch in batches])
    at = np.clip(at, TIME_MIN_US, TIME_MAX_US)
    days: list[int] = np.unique(np.concatenate((at, at + HOLD_MAX_US)) // DAY_US).tolist()
    return days


async def _create_days(connection: asyncpg.Connection, days: Sequence[int]) -> None:
    if days:
        dates = [_date(day) for day in days]
        await connection.execute(QUERIES["create_days"], dates)


def _date(day: int) -> date:
    return min(EPOCH.date() + timedelta(days=day), date.max) if day * DAY_US <= TIME_MAX_US else date.max


async def write_scans(connection: asyncpg.Connection, settled: Scans, new: Mapping[int, NDArray[np.uint32]]) -> None:
    """Add scans whose sets are settled, and the sets that are new with them."""
    for number, points in new.items():
        await connection.execute(QUERIES["add_set"], number, points.tolist())
        await connection.execute(QUERIES["add_members"], number, points.tolist())
    source = _copy_source(encode_scans(settled))
    await connection.copy_to_table("scan", source=source, columns=SCAN_COLUMNS, format="binary")


async def _copy_source(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    yield SIGNATURE
    for part in parts:
        yield part
    yield TRAILER


async def write_latest(connection: asyncpg.Connection, latest: LatestTable, blocks: NDArray[np.int64]) -> None:
    """Write the newest samples of some blocks of points."""
    if not len(blocks):
        return
    columns: dict[str, tuple[str, NDArray[np.generic]]] = {"block": ("i4", blocks)}
    names = (("observed_at", "i8", latest.at), ("recorded_at", "i8", latest.recorded_at))
    for name, element, column in (*names, ("value", "f8", latest.value), ("quality", "i2", latest.quality)):
        columns[name] = (element, column.reshape(-1, POINTS_PER_BLOCK)[blocks])
    await connection.execute(QUERIES["forget_latest"], blocks.tolist())
    await connection.copy_to_table("latest", source=encode_rows(columns), columns=list(columns), format="binary")
