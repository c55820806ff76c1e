"""Turns the scans of a day that is over into their cold form, and gives back their room.

Safe to interrupt and to repeat at any statement: until the last step a day is in both forms, which reads the same; and
that step is taken only if no scan came since packing began (the historian marks such a day).
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

import asyncpg
import numpy as np
import structlog
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres.cold_reading import CHANCE, samples_of, times_of
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.history_copy import day_begin, day_of, fetch_samples, fetch_scans, moment
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.adapters.postgres.verify_samples import seal_check
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.historian.cold import pack_samples, pack_times, pack_values, unpack_values
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.intervals import DAY_US, MINUTE_US
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.keeping import FOR_EVER, Retention

log = structlog.get_logger(__name__)

QUERIES: Final = load("cold.sql")
LOCK: Final = load("history.sql")["lock"]
VALUES_AT_ONCE: Final = 2_000_000
"""Values of a set that are taken into memory at a time: some 50 MB."""
POINTS_PER_BLOCK: Final = 32
SETTLED_US: Final = 10 * MINUTE_US
"""How long a packed day keeps its scans: readers that began before they were packed still need them."""
LOCK_WAIT_MAX: Final = "300ms"
"""For longer the day's scans stay, rather than have everybody wait behind a long export."""


class ColdPacker:
    """See :class:`~cityhall_bms.ports.keeping.KeepingStore`.

    Several may run on one database: what one has packed, another packs to the same.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._doubtful: set[date] = set()
        self._sound: set[date] = set()
        """Days found as they were sealed, since they were packed last."""

    async def next_day(self, before: date) -> date | None:
        """Oldest day before another with scans outside of the cold form."""
        with translated(HistoryUnavailableError):
            day: date | None = await self._pool.fetchval(QUERIES["next_day"], before)
        return day

    async def pack(self, day: date, now: int) -> bool:
        """Pack a day; false when scans came meanwhile, so that it must be packed again."""
        self._sound.discard(day)
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                async with connection.transaction():
                    await connection.execute(LOCK)
                    await connection.execute(QUERIES["begin"], day)
                for row in await connection.fetch(QUERIES["sets_of_day"], *_window(day)):
                    await _pack_set(connection, day, row["set_id"], row["points"])
                for row in await connection.fetch(QUERIES["chance_blocks"], *_window(day)):
                    await _pack_chance(connection, day, row["block"])
                async with connection.transaction():
                    await connection.execute(LOCK)
                    return await connection.fetchval(QUERIES["finish"], day, now) is not None

    async def empty_one(self, now: int) -> date | None:
        """Give back the room of a day that was packed a while ago; none when there is no such day, or it is in use.

        A day whose samples are not as they were sealed keeps its scans: they are evidence.
        """
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                arguments = (now - SETTLED_US, sorted(self._doubtful))
                day: date | None = await connection.fetchval(QUERIES["to_empty"], *arguments)
                if day is None:
                    return None
                if day not in self._sound and not await self._is_sound(connection, day):
                    return None
                return day if await _empty(connection, day, now) else None

    async def _is_sound(self, connection: asyncpg.Connection, day: date) -> bool:
        """Compare a day with its seals; once, however often its room is asked for in vain."""
        fault = await seal_check(connection, Window(day_begin(day), day_begin(day) + DAY_US))
        if fault is not None:
            log.error("history_day_not_as_sealed", day=day.isoformat(), wrong=fault.wrong, place=fault.place)
        (self._sound if fault is None else self._doubtful).add(day)
        return fault is None

    async def to_let_go(self, retention: Retention, now: int) -> date | None:
        """Day before which samples would go now; none when nothing would."""
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                summed: date | None = await connection.fetchval(QUERIES["summed_up_to"])
                due = () if summed is None else _classes(retention, day_of(now), summed)
                ends = [
                    end
                    for end, points, chosen in due
                    if await connection.fetchval(QUERIES["points_expire"], end, retention.archived, points, chosen)
                ]
        return max(ends, default=None)

    async def expire(self, retention: Retention, now: int) -> int:
        """Let go of what was kept long enough: samples once they are summed up, and archived if that is asked."""
        today = day_of(now)
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(LOCK)
                summed: date | None = await connection.fetchval(QUERIES["summed_up_to"])
                if summed is None:
                    return 0
                gone = await _expire_samples(connection, retention, (today, summed), now)
                for name, days in (("minutes", retention.minutes), ("quarters", retention.quarters)):
                    if days != FOR_EVER:
                        end = min(today - timedelta(days=days), summed)
                        gone += _rows(await connection.execute(QUERIES[f"expire_{name}"], end))
                        await connection.execute(QUERIES[f"note_{name}"], end)
        return gone


async def _empty(connection: asyncpg.Connection, day: date, now: int) -> bool:
    """Take away the scans of a day; false when scans came since it was packed, or somebody is reading."""
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT_MAX}'")
            await connection.execute(LOCK)
            await connection.execute("LOCK TABLE scan IN ACCESS EXCLUSIVE MODE")
            if await connection.fetchval(QUERIES["empty"], day, now) is None:
                return False
            await connection.execute(QUERIES["drop_day"], day)
            # Whoever remembers that there is room for this day must look again.
            await connection.execute(QUERIES["note_change"])
    except asyncpg.LockNotAvailableError:
        return False
    return True


def _window(day: date) -> tuple[object, object]:
    begin = day_begin(day)
    return moment(begin), moment(begin + DAY_US)


async def _expire_samples(
    connection: asyncpg.Connection, retention: Retention, ends: tuple[date, date], now: int
) -> int:
    gone, latest = 0, None
    for end, points, chosen in _classes(retention, *ends):
        latest = end if latest is None else max(latest, end)
        gone += _rows(await connection.execute(QUERIES["expire_points"], end, retention.archived, points, chosen))
    if gone and latest is not None:
        await connection.execute(QUERIES["note_expired"], latest, now, retention.archived)
        await connection.execute(QUERIES["expire_times"], latest)
    return gone


def _classes(retention: Retention, today: date, summed: date) -> Iterator[tuple[date, list[int], bool]]:
    """Day before which the samples of a class of points go: of those named, or of all others."""
    special = dict(retention.samples_of or {})
    named = [point for points in special.values() for point in points]
    for days, points, chosen in [(retention.samples, named, False), *((d, list(p), True) for d, p in special.items())]:
        if days != FOR_EVER:
            yield min(today - timedelta(days=days), summed), points, chosen


def _rows(status: str) -> int:
    """Rows that a statement changed, by the word that the server gives."""
    return int(status.rsplit(" ", 1)[-1])


async def _pack_set(connection: asyncpg.Connection, day: date, set_id: int, points: int) -> None:
    """Pack the scans of a set, some of its points at a time; one transaction, so that its rows fit each other."""
    async with connection.transaction(isolation="repeatable_read"):
        rows = await connection.fetchval(QUERIES["count_of_set"], set_id, *_window(day))
        names = await connection.fetchval(QUERIES["points_of_set"], set_id)
        before = (await times_of(connection, {(set_id, day)})).get((set_id, day))
        step = max(VALUES_AT_ONCE // max(rows, 1), 1)
        for first in range(1, points + 1, step):
            last = min(first + step - 1, points)
            arguments = (set_id, *_window(day), first, last, bytes(last - first + 1))
            scans = await fetch_scans(connection, QUERIES["scans_of_set"], last - first + 1, *arguments)
            await _keep_set(connection, (day, set_id, names[first - 1 : last]), before, scans)


Times = tuple[NDArray[np.int64], NDArray[np.int64]]
"""When something was observed, and recorded."""

Scanned = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]
"""Times of scans, and per scan a row of values and one of qualities."""


async def _keep_set(
    connection: asyncpg.Connection, place: tuple[date, int, list[int]], before: Times | None, scans: Scanned
) -> None:
    day, set_id, points = place
    if before is not None:
        found = await connection.fetch(QUERIES["points"], day, day, points)
        packed = {row["point_id"]: row["data"] for row in found if row["set_id"] == set_id}
        scans = _joined(before, [unpack_values(packed[point]) for point in points], scans)
    at, recorded_at, value, quality = scans
    data = await asyncio.to_thread(_packed_columns, value, quality)
    await connection.execute(QUERIES["keep_times"], set_id, day, len(at), pack_times(at, recorded_at))
    await connection.execute(QUERIES["keep_points"], day, set_id, points, [len(at)] * len(points), data)


def _packed_columns(value: NDArray[np.float64], quality: NDArray[np.uint8]) -> list[bytes]:
    return [pack_values(value[:, place], quality[:, place]) for place in range(value.shape[1])]


def _joined(before: Times, columns: Sequence[tuple[NDArray[np.float64], NDArray[np.uint8]]], scans: Scanned) -> Scanned:
    """Scans that came after a day was packed, with those that are packed already; by time."""
    old = ~_repeated(before, (scans[0], scans[1]))
    at, recorded_at = (np.concatenate((column[old], new)) for column, new in zip(before, scans[:2], strict=True))
    value = np.concatenate((np.stack([column for column, _ in columns], 1)[old], scans[2]))
    quality = np.concatenate((np.stack([column for _, column in columns], 1)[old], scans[3]))
    order = np.lexsort((recorded_at, at))
    return at[order], recorded_at[order], value[order], quality[order]


def _repeated(packed: Sequence[NDArray[np.int64]], fresh: Sequence[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Which packed rows are among the scans too.

    What was observed and recorded at the same time came in one batch, which is stored whole and dropped whole.
    """
    known = set(zip(*(column.tolist() for column in fresh), strict=True))
    rows = zip(*(column.tolist() for column in packed), strict=True)
    return np.fromiter((row in known for row in rows), np.bool_, len(packed[0]))


async def _pack_chance(connection: asyncpg.Connection, day: date, block: int) -> None:
    """Pack what chance selections hold of the points of a block."""
    points = list(range(block * POINTS_PER_BLOCK, (block + 1) * POINTS_PER_BLOCK))
    async with connection.transaction(isolation="repeatable_read"):
        samples = await fetch_samples(connection, QUERIES["chance_samples"], *_window(day), points)
        rows = await connection.fetch(QUERIES["points"], day, day, points)
        old = Samples.join([samples_of(row, {}) for row in rows if row["set_id"] == CHANCE])
        if len(old):
            keys = ((part.point.astype(np.int64), part.at, part.recorded_at) for part in (old, samples))
            samples = Samples.join([old.select(~_repeated(*keys)), samples])
        numbers, counts, data = await asyncio.to_thread(_packed_points, samples)
        await connection.execute(QUERIES["keep_points"], day, CHANCE, numbers, counts, data)


def _packed_points(samples: Samples) -> tuple[list[int], list[int], list[bytes]]:
    samples = samples.select(np.lexsort((samples.recorded_at, samples.at, samples.point)))
    numbers, first = np.unique(samples.point, return_index=True)
    ends = np.append(first[1:], len(samples))
    data = [
        pack_samples(samples.at[a:b], samples.recorded_at[a:b], samples.value[a:b], samples.quality[a:b])
        for a, b in zip(first.tolist(), ends.tolist(), strict=True)
    ]
    return numbers.tolist(), (ends - first).tolist(), data
