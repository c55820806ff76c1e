"""The rollup tables: 32 points a row, written as columns, read as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import restatements
from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.counters import Change, CounterBook
from cityhall_bms.adapters.postgres.history_copy import (
    EPOCH_2000_US,
    encode_rows,
    fetch_columns,
    moment,
    pg_time,
)
from cityhall_bms.adapters.postgres.restatements import DAYS, HOURS, Reason, Recomputed
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.counters import RestatedWhy
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.holds import HOLD_MIN_US, HOLD_SCANS, LIVE, Holds, Stretch
from cityhall_bms.historian.intervals import HOUR_US, LEVELS, MINUTE_US, floor_to, interval_edges, source_level
from cityhall_bms.historian.open_buckets import AHEAD_MAX_US, POINTS_PER_BLOCK, Closed, OpenBuckets, Touched
from cityhall_bms.historian.restatements import bucket_pairs, changed_points
from cityhall_bms.historian.rollups import Rollups, combine, rollup
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window

QUERIES: Final = load("history_rollups.sql")
HISTORY: Final = load("history.sql")
IMPORTS: Final = load("history_import.sql")
DEMAND: Final = load("demand_days.sql")
FIGURES: Final = {
    "count": "i4",
    "good_us": "i8",
    "mean": "f8",
    "low": "f8",
    "high": "f8",
    "start": "f8",
    "first": "f8",
    "last": "f8",
    "fall": "f8",
}
BLOCKS_PER_PASS: Final = 16
REZONE_DAYS: Final = 31
YEARS_SUMMED_US: Final = (31_536_000_000_000, 4_102_444_800_000_000)
"""1971 to 2099: samples with other times come from a broken clock; they are kept, and not summed up."""


def statement(name: str, level: str) -> str:
    """Statement on the table of one level."""
    return QUERIES[name].replace("rollup_LEVEL", f"rollup_{level}")


async def write(connection: asyncpg.Connection, level: str, rows: Rollups) -> None:
    """Add rows of buckets that were not written yet."""
    if not len(rows):
        return
    block, slot = np.divmod(rows.point, POINTS_PER_BLOCK)
    # Block by block: the rows that one point is asked for stand together.
    buckets, place = np.unique(rows.bucket, return_inverse=True)
    keys, row = np.unique(block * len(buckets) + place, return_inverse=True)
    columns: dict[str, tuple[str, NDArray[np.generic]]] = {
        "bucket": ("i8", pg_time(buckets[keys % len(buckets)])),
        "block": ("i4", keys // len(buckets)),
    }
    for name, element in FIGURES.items():
        empty = 0 if name in {"count", "good_us", "fall"} else np.nan
        values = np.full((len(keys), POINTS_PER_BLOCK), empty, np.dtype(element))
        values[row, slot] = getattr(rows, name)
        columns[name] = (element, values)
    await connection.copy_to_table(
        f"rollup_{level}", source=encode_rows(columns), columns=list(columns), format="binary"
    )


async def read(connection: asyncpg.Connection, level: str, window: Window, point: int | None = None) -> Rollups:
    """Rows of a level whose buckets begin in the window, of one point or of all."""
    arguments: list[object] = [moment(window.start), moment(window.end)]
    if point is None:
        return await _fetch(connection, statement("read_all", level), arguments)
    arguments += [point, point // POINTS_PER_BLOCK, point % POINTS_PER_BLOCK + 1]
    return await _fetch(connection, statement("read_point", level), arguments)


async def read_blocks(connection: asyncpg.Connection, level: str, window: Window, blocks: Sequence[int]) -> Rollups:
    """Rows of a level whose buckets begin in the window, of some blocks of points."""
    arguments: list[object] = [moment(window.start), moment(window.end), list(blocks)]
    return await _fetch(connection, statement("read_blocks", level), arguments)


async def _fetch(connection: asyncpg.Connection, query: str, arguments: Sequence[object]) -> Rollups:
    columns = await fetch_columns(connection, query, *arguments, types=("i4", "i8", *FIGURES.values()))
    columns[:4] = [column.astype(np.int64) for column in columns[:4]]
    columns[1] += EPOCH_2000_US
    return Rollups.merge(Rollups(*columns))


async def fetch_holds(connection: asyncpg.Connection, point: int | None = None) -> Holds:
    """How long values hold in this history: those of one point, or of all."""
    stretches = [Stretch(*row) for row in await connection.fetch(IMPORTS["stretches"])]
    slow = await connection.fetch(HISTORY["slow_points"], HOLD_MIN_US // HOLD_SCANS, point)
    return Holds.of(stretches, [tuple(row) for row in slow])


async def fetch_kept_since(connection: asyncpg.Connection) -> dict[str, int]:
    """Since when (µs UTC) the rows of a level are there, where older ones were let go of."""
    row = await connection.fetchrow(QUERIES["kept_since"])
    return {} if row is None else {"1m": row["minutes"], "15m": row["quarters"]}


@dataclass(frozen=True, slots=True)
class _Marked:
    """One hour that must be computed again for some blocks, and what is to be told of it; none of it: nothing."""

    window: Window
    blocks: list[int]
    reason: Reason | None

    @classmethod
    def of(cls, marks: Sequence[asyncpg.Record]) -> Self:
        """Marks of one hour: those that are told for the same reason as the first."""
        hour, why = int(marks[0]["hour"]), marks[0]["why"]
        chosen = [mark for mark in marks if mark["why"] == why]
        closed = max(mark["closed_through"] or 0 for mark in chosen)
        reason = None if why is None else Reason(RestatedWhy(why), closed)
        return cls(Window(hour, hour + HOUR_US), [mark["block"] for mark in chosen], reason)


class RollupWriter:
    """Writes buckets as they close, and again where samples came late. Belongs to the historian's transaction."""

    def __init__(self, zone: ZoneInfo, clock: Clock) -> None:
        self._zone = zone
        self._clock = clock
        self._holds = LIVE
        self._counters = CounterBook({})

    async def load(self, connection: asyncpg.Connection) -> OpenBuckets | None:
        """Open buckets as the scans give them; none in a new history."""
        self._holds = await fetch_holds(connection)
        state = await connection.fetchrow(QUERIES["state"])
        if state is None:
            self._counters = await CounterBook.load(connection)
            return None
        closed = int(state["closed_through"])
        self._counters = await CounterBook.load(connection, closed)
        if state["time_zone"] != self._zone.key:
            await self._rezone(connection, closed)
        return OpenBuckets(closed, await self._held(connection, closed), self._holds)

    def begin(self, closed_through: int) -> OpenBuckets:
        """Open buckets of a new history."""
        return OpenBuckets(closed_through, Samples.join([]), self._holds)

    async def _held(self, connection: asyncpg.Connection, closed: int) -> Samples:
        """Samples that are not summed up yet, or still stand; from long ago those of slow points only."""
        since, until = self._holds.since_without_slow(closed), closed + 2 * AHEAD_MAX_US
        samples = await reading.of_all(connection, Window(since, until))
        oldest, slow = self._holds.since(closed), self._holds.slow_point.tolist()
        if oldest >= since:
            return samples
        earlier = await reading.of_points(connection, slow, Window(oldest, since))
        return Samples.join([earlier, samples])

    async def mark(
        self, connection: asyncpg.Connection, touched: Touched, why: RestatedWhy | None = RestatedWhy.LATE_DATA
    ) -> None:
        """Note hours that must be computed from the scans, and why told figures will differ (none: they will not)."""
        sane = (touched.hour >= YEARS_SUMMED_US[0]) & (touched.hour < YEARS_SUMMED_US[1])
        if sane.any():
            hours, blocks = touched.hour[sane].tolist(), touched.block[sane].tolist()
            await connection.execute(QUERIES["mark_dirty"], hours, blocks, why.value if why else None)

    async def close(self, connection: asyncpg.Connection, buckets: OpenBuckets, through: int) -> None:
        """Write every bucket of every level that ends by then."""
        await self.write_closed(connection, buckets.closing(through))

    async def write_closed(self, connection: asyncpg.Connection, closed: Closed | None) -> None:
        """Write minutes that were summed up, and every bucket of the other levels that ends with them."""
        if closed is None:
            return
        await write(connection, "1m", closed.minutes)
        for level in ("15m", HOURS, DAYS):
            edges = self._edges(level, closed.before, closed.through)
            await write(connection, level, await self._summed(connection, level, edges))
        await self.keep_state(connection, closed.through)
        changes = await self._counters.closed(connection, closed.minutes, Window(closed.before, closed.through))
        await self._restate(connection, Reason(RestatedWhy.SETTLED, closed.before), [], changes)

    async def keep_state(self, connection: asyncpg.Connection, closed_through: int) -> None:
        """Note how far the buckets are closed."""
        await connection.execute(QUERIES["set_state"], closed_through, self._zone.key)

    async def count(self, connection: asyncpg.Connection, samples: Samples, window: Window) -> None:
        """Find the steps of counters in a window whose samples (sorted by point and time) were stored whole."""
        await self._counters.stored(connection, samples, window)

    async def recount(self, connection: asyncpg.Connection, window: Window, closed_through: int) -> int:
        """Find the steps of all counters in a window anew; gives how many differ, and restates what they change."""
        samples = await reading.of_points(connection, self._counters.points, window)
        changes = await self._counters.stored(connection, samples, window, anew=True)
        await self._restate(connection, Reason(RestatedWhy.SETTLED, closed_through), [], changes)
        return len(changes)

    async def recompute(self, connection: asyncpg.Connection, closed_through: int) -> bool:
        """Compute one marked hour again, for some of its blocks; false when no closed hour is marked."""
        marks = await connection.fetch(QUERIES["next_dirty"], moment(closed_through - HOUR_US + 1), BLOCKS_PER_PASS)
        if not marks:
            return False
        marked = _Marked.of(marks)
        window, blocks = marked.window, marked.blocks
        await connection.execute(QUERIES["clean"], moment(window.start), blocks)
        hour = await self._recompute_hour(connection, window, blocks)
        days = await self._recompute_days(connection, marked, closed_through)
        points = changed_points(hour.before, hour.after)
        points += await self._counters.spoken_of(connection, blocks, window)
        points += self._counters.take_left(blocks, window.start)
        changes = await self._counters.recomputed(connection, points, window, closed_through)
        if marked.reason is not None:
            await self._restate(connection, marked.reason, [hour, *days], changes)
        return True

    async def _recompute_hour(self, connection: asyncpg.Connection, window: Window, blocks: list[int]) -> Recomputed:
        hour = np.array([window.start, window.end])
        before = await read_blocks(connection, HOURS, window, blocks)
        samples = await reading.of_blocks(connection, blocks, Window(self._holds.since(window.start), window.end))
        minutes = np.arange(window.start, window.end + 1, MINUTE_US)
        rows = rollup(samples, minutes, holds=self._holds)
        await self.replace(connection, "1m", window, blocks, rows)
        for level in ("15m", HOURS):
            # Step by step as when they closed, so that the figures are the same to the last bit.
            rows = combine(rows, np.arange(window.start, window.end + 1, LEVELS[level]))
            await self.replace(connection, level, window, blocks, rows)
        return Recomputed(HOURS, hour, before, rows)

    async def _recompute_days(
        self, connection: asyncpg.Connection, marked: _Marked, closed_through: int
    ) -> list[Recomputed]:
        """Days that the hour lies in, each once: with the last of its hours that is marked."""
        edges = interval_edges(marked.window, DAYS, self._zone)
        found: list[Recomputed] = []
        for day in bucket_pairs(edges, closed_through):
            times, reason = [moment(at) for at in day], marked.reason
            told = (None, None) if reason is None else (reason.why.value, reason.closed_through)
            left = await connection.fetch(QUERIES["leave_day"], *times, marked.blocks, *told)
            blocks = sorted(set(marked.blocks) - {row["block"] for row in left})
            if blocks:
                found.append(await self._recompute_day(connection, np.array(day), blocks))
        return found

    async def _recompute_day(
        self, connection: asyncpg.Connection, day: NDArray[np.int64], blocks: list[int]
    ) -> Recomputed:
        window = Window(int(day[0]), int(day[1]))
        before = await read_blocks(connection, DAYS, window, blocks)
        rows = await self._summed(connection, DAYS, day, blocks)
        await self.replace(connection, DAYS, window, blocks, rows)
        return Recomputed(DAYS, day, before, rows)

    async def _restate(
        self, connection: asyncpg.Connection, reason: Reason, recomputed: Sequence[Recomputed], changes: list[Change]
    ) -> None:
        """Keep what was told and is no longer so; also of closed buckets in which only steps of counters changed."""
        parts = list(recomputed)
        for level in (HOURS, DAYS):
            for begin, end in restatements.buckets_of(changes, level, self._zone) if changes else ():
                if end > reason.closed_through:
                    continue
                edges = np.array([begin, end])
                known = {
                    point
                    for part in recomputed
                    if part.level == level and part.edges[0] == begin
                    for point in (*part.before.point.tolist(), *part.after.point.tolist())
                }
                points = {change.point for change in changes if begin <= change.at < end} - known
                if points:
                    blocks = sorted({point // POINTS_PER_BLOCK for point in points})
                    rows = await read_blocks(connection, level, Window(begin, end), blocks)
                    rows = rows.select(np.isin(rows.point, sorted(points)))
                    parts.append(Recomputed(level, edges, rows, rows))
        await restatements.keep(connection, self._clock, reason, parts, changes)

    async def replace(
        self, connection: asyncpg.Connection, level: str, window: Window, blocks: list[int], rows: Rollups
    ) -> None:
        """Write the rows of some blocks whose buckets begin in a window, in place of those that are there."""
        times = moment(window.start), moment(window.end)
        await connection.execute(statement("forget", level), *times, blocks)
        if level == DAYS:
            # What was found in the quarters of before does not stand any more.
            await connection.execute(DEMAND["forget"], *times, blocks)
        await write(connection, level, rows)

    async def _summed(
        self, connection: asyncpg.Connection, level: str, edges: NDArray[np.int64], blocks: list[int] | None = None
    ) -> Rollups:
        """Rows of a level between edges, summed up from the next smaller level that fits."""
        if len(edges) < 2:
            return Rollups.empty()
        smaller = {"15m": "1m", "1h": "15m"}.get(level) or source_level(edges) or "1m"
        arguments: list[object] = [moment(int(edges[0])), moment(int(edges[-1]))]
        name = "read_all" if blocks is None else "read_blocks"
        arguments += [] if blocks is None else [blocks]
        return combine(await _fetch(connection, statement(name, smaller), arguments), edges)

    def _edges(self, level: str, before: int, through: int) -> NDArray[np.int64]:
        """Edges of the buckets that end after ``before`` and by ``through``."""
        if level == "1d":
            edges = interval_edges(Window(before, through), "1d", self._zone)
            return edges[edges <= through]
        length = LEVELS[level]
        return np.arange(floor_to(before, length), floor_to(through, length) + 1, length)

    async def _rezone(self, connection: asyncpg.Connection, closed_through: int) -> None:
        """Make the daily rollup again, because the building's time zone was changed."""
        await connection.execute(statement("forget_all", "1d"))
        await connection.execute(DEMAND["forget_all"])
        begin = await connection.fetchval(statement("oldest", "1h"))
        edges = self._edges("1d", begin, closed_through) if begin is not None else np.empty(0, np.int64)
        for number in range(0, len(edges) - 1, REZONE_DAYS):
            part = edges[number : number + REZONE_DAYS + 1]
            await write(connection, "1d", await self._summed(connection, "1d", part))
        await self.keep_state(connection, closed_through)
