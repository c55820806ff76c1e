"""Checks rollups: what is stored is what the samples give.

Of every UTC day one hour is computed again, another one each day, or every hour when that is asked for; days of the
building from their hours, and the greatest quarters that are kept of them. Hours that wait to be computed again are
left alone, and days whose samples were let go.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import demand_days
from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.history_copy import moment
from cityhall_bms.adapters.postgres.history_rollups import fetch_holds, fetch_kept_since, read_blocks
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.adapters.postgres.verify_log import Progress
from cityhall_bms.domain.integrity import RETENTION_STREAM
from cityhall_bms.domain.verification import Checked, Fault, Part, Wrong
from cityhall_bms.historian.holds import Holds
from cityhall_bms.historian.intervals import DAY_US, HOUR_US, LEVELS, interval_edges, source_level
from cityhall_bms.historian.rollups import FAR_FUTURE, Rollups, combine
from cityhall_bms.historian.summing import finest_of, summed
from cityhall_bms.ports.history import Window

QUERIES: Final = load("verify.sql")
BLOCKS_AT_ONCE: Final = 64
"""Blocks of 32 points whose samples of an hour are taken into memory at a time."""
HOURS: Final = 24
PRECISION: Final = 1e-9
"""Means may differ in their last bits by the order in which they were summed."""
EXACT: Final = ("count", "good_us", "low", "high", "start", "first", "last")
CLOSE: Final = ("mean", "fall")


async def check_rollups(
    connection: asyncpg.Connection,
    window: Window,
    progress: Progress,
    *,
    every_hour: bool,
    kept_since: Mapping[str, int] = MappingProxyType({}),
) -> Checked:
    """Compute again what is stored of hours and days within a window.

    ``kept_since`` (µs UTC, by level): figures from before it may have been let go of.
    """
    state = await connection.fetchrow(QUERIES["rollups_closed"])
    if state is None:
        return Checked(Part.ROLLUPS, 0)
    let_go_before = await connection.fetchval(QUERIES["let_go_before"], RETENTION_STREAM) or 0
    days = [row["day"] for row in await connection.fetch(QUERIES["rollup_days"])]
    closed = min(int(state["closed_through"]), window.end)
    check = _RollupCheck(connection, await fetch_holds(connection), ZoneInfo(state["time_zone"]))
    check.kept_since = kept_since or await fetch_kept_since(connection)
    check.samples_since = let_go_before * DAY_US
    check.blocks = [row["block"] for row in await connection.fetch(QUERIES["rollup_blocks"])]
    fault: Fault | None = None
    for done, day in enumerate(days):
        if day >= let_go_before:
            for hour in _hours(day, every_hour=every_hour):
                if fault is None and hour >= window.start and hour + HOUR_US <= closed:
                    fault = await check.hour(hour)
        if fault is None:
            fault = await check.local_days(Window(max(day * DAY_US, window.start), min((day + 1) * DAY_US, closed)))
        if fault is not None:
            break
        progress(done + 1, len(days))
    return Checked(Part.ROLLUPS, check.count, fault)


def _hours(day: int, *, every_hour: bool) -> Iterator[int]:
    chosen = range(HOURS) if every_hour else (day % HOURS,)
    return (day * DAY_US + hour * HOUR_US for hour in chosen)


class _RollupCheck:
    def __init__(self, connection: asyncpg.Connection, holds: Holds, zone: ZoneInfo) -> None:
        self._connection = connection
        self._holds = holds
        self._zone = zone
        self.blocks: Sequence[int] = ()
        self.kept_since: Mapping[str, int] = {}
        self.samples_since = 0
        """Since when (µs UTC) samples are there, where older ones were let go of."""
        self.count = 0

    async def hour(self, hour: int) -> Fault | None:
        """Compare the minutes, quarters and hour of all points."""
        for first in range(0, len(self.blocks), BLOCKS_AT_ONCE):
            fault = await self._blocks_of_hour(hour, self.blocks[first : first + BLOCKS_AT_ONCE])
            if fault is not None:
                return fault
        return None

    async def _blocks_of_hour(self, hour: int, blocks: Sequence[int]) -> Fault | None:
        window = Window(hour, hour + HOUR_US)
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            blocks = await self._settled(blocks, window)
            samples = await reading.of_blocks(self._connection, blocks, Window(self._holds.since(hour), window.end))
            found = {level: await read_blocks(self._connection, level, window, blocks) for level in LEVELS}
        finest = int(finest_of(self._holds, np.array([window.start, window.end]))[0])
        for level, length in LEVELS.items():
            if length < finest or hour < self.kept_since.get(level, hour):
                continue
            edges = np.arange(window.start, window.end + 1, length)
            expected = summed(samples, level, edges, FAR_FUTURE, self._holds, finest)
            self.count += len(expected)
            fault = _compare(level, found[level], expected)
            if fault is not None:
                return fault
        return None

    async def local_days(self, window: Window) -> Fault | None:
        """Compare the days of the building that end in a window with what they are summed from."""
        if window.end <= window.start:
            return None
        edges = interval_edges(Window(window.start - 2 * DAY_US, window.end + 1), "1d", self._zone)
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if window.start < end <= window.end:
                fault = await self._local_day(Window(begin, end)) or await self._kept_demand(Window(begin, end))
                if fault is not None:
                    return fault
        return None

    async def _kept_demand(self, day: Window) -> Fault | None:
        """Compare the greatest quarters that are kept of a day of the building with its quarters."""
        if day.start < max(self.kept_since.get("15m", 0), self.samples_since):
            return None
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            if await self._settled(self.blocks, day) != list(self.blocks):
                return None
            count, point = await demand_days.changed(self._connection, day, self._zone)
        self.count += count
        if point is None:
            return None
        return Fault(Part.ROLLUPS, Wrong.ROLLUP_CHANGED, f"demand point {point}", day.start)

    async def _local_day(self, day: Window) -> Fault | None:
        edges = np.array([day.start, day.end])
        for first in range(0, len(self.blocks), BLOCKS_AT_ONCE):
            async with self._connection.transaction(isolation="repeatable_read", readonly=True):
                blocks = await self._settled(self.blocks[first : first + BLOCKS_AT_ONCE], day)
                smaller = source_level(edges) or "1m"
                parts = await read_blocks(self._connection, smaller, day, blocks)
                found = await read_blocks(self._connection, "1d", day, blocks)
            expected = combine(parts, edges)
            self.count += len(expected)
            fault = _compare("1d", found, expected)
            if fault is not None:
                return fault
        return None

    async def _settled(self, blocks: Sequence[int], window: Window) -> list[int]:
        """Blocks of which nothing waits to be computed again in a window."""
        times = (moment(window.start), moment(window.end))
        dirty = {row["block"] for row in await self._connection.fetch(QUERIES["dirty_blocks"], *times)}
        return [block for block in blocks if block not in dirty]


def _compare(level: str, found: Rollups, expected: Rollups) -> Fault | None:
    """Find the first figure, by time, that is not as it should be."""
    faults: list[Fault] = []
    for rows, others, wrong in ((expected, found, Wrong.ROLLUP_MISSING), (found, expected, Wrong.ROLLUP_ADDED)):
        alone = ~np.isin(_keys(rows), _keys(others))
        faults += _first(level, wrong, rows, alone)
    both = found.select(np.isin(_keys(found), _keys(expected)))
    wanted = expected.select(np.isin(_keys(expected), _keys(found)))
    same = np.ones(len(both), np.bool_)
    for name in EXACT:
        one, other = getattr(both, name), getattr(wanted, name)
        same &= (one == other) | (np.isnan(one) & np.isnan(other))
    for name in CLOSE:
        one, other = getattr(both, name), getattr(wanted, name)
        same &= np.isclose(one, other, rtol=PRECISION, atol=PRECISION, equal_nan=True)
    faults += _first(level, Wrong.ROLLUP_CHANGED, both, ~same)
    return min(faults, key=lambda fault: fault.at or 0, default=None)


def _first(level: str, wrong: Wrong, rows: Rollups, chosen: NDArray[np.bool_]) -> list[Fault]:
    places = np.flatnonzero(chosen)
    if not len(places):
        return []
    first = places[np.argmin(rows.bucket[places])]
    return [Fault(Part.ROLLUPS, wrong, f"{level} point {rows.point[first]}", int(rows.bucket[first]))]


def _keys(rows: Rollups) -> NDArray[np.int64]:
    """One number per point and bucket, whose buckets lie within some days."""
    begin = rows.bucket // DAY_US * DAY_US
    return (rows.point << 32) | ((rows.bucket - begin) // 1_000_000 + (begin // DAY_US % 4096) * 86_400)
