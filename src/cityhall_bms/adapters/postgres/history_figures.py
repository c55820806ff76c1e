"""Figures of intervals, from rollups where they are complete and from samples elsewhere, also as known at a time."""

from collections.abc import AsyncIterator, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.counters import fetch_steps
from cityhall_bms.adapters.postgres.history_copy import EPOCH_2000_US, TIME_MAX_US, TIME_MIN_US, fetch_columns, moment
from cityhall_bms.adapters.postgres.history_past import recorded_later
from cityhall_bms.adapters.postgres.history_rollups import FIGURES, IMPORTS, fetch_kept_since
from cityhall_bms.adapters.postgres.history_rollups import QUERIES as ROLLUPS
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.counters import Steps, corrections
from cityhall_bms.historian.holds import HOLD_MAX_US, HOLD_MIN_US, HOLD_SCANS, Holds, Stretch
from cityhall_bms.historian.intervals import HOUR_US, INTERVALS_MAX, LEVELS, interval_edges, source_level
from cityhall_bms.historian.open_buckets import POINTS_PER_BLOCK, closes_through
from cityhall_bms.historian.rollups import Rollups, combine, rollup
from cityhall_bms.historian.summing import DAYS, bucket_edges, finest_of, smaller_level, summed
from cityhall_bms.ports.history import Aggregation, Window

QUERIES: Final = load("history_figures.sql")
RAW_SAMPLES_MAX: Final = 5_000_000
"""Samples that one question may read."""
PIECE_US: Final = 31 * 24 * HOUR_US
"""So much time is summed up from samples at once."""
PIECE_OF_MANY_US: Final = 24 * HOUR_US
SHORTEST_DAY_US: Final = 20 * HOUR_US
AHEAD_US: Final = 24 * HOUR_US
"""How far ahead of the present many points are asked for samples: what lies there comes from a broken clock."""

ALWAYS: Final = ("count", "good_us", "start")
"""Figures without which nobody knows whether anything is known."""
NEEDED: Final = {
    Aggregation.MEAN: ("mean", "low", "high"),
    Aggregation.MIN: ("low",),
    Aggregation.MAX: ("high",),
    Aggregation.FIRST: ("first", "low"),
    Aggregation.LAST: ("last", "low"),
    Aggregation.DELTA: ("first", "last"),
    Aggregation.COUNT: (),
}

Edges = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Settled:
    """Which stored rollups may be used: those closed by ``until``, outside of the unsettled stretches of time."""

    until: int
    begin: Edges
    end: Edges

    @classmethod
    def of(cls, until: int, dirty: Sequence[int], later: Sequence[int]) -> "Settled":
        """``dirty`` are hours that wait to be computed again; in ``later`` ones lies what was not known yet.

        A mark covers the hours that a sample is held into; what was recorded later may be held into others.
        """
        begin = np.array([*dirty, *later], np.int64)
        length = np.repeat([HOUR_US, HOUR_US + HOLD_MAX_US], [len(dirty), len(later)])
        return cls(until, np.sort(begin), np.sort(begin + length))

    def buckets(self, edges: Edges) -> NDArray[np.bool_]:
        """Tell which buckets are settled."""
        begun = np.searchsorted(self.begin, edges[1:], "left")
        over = np.searchsorted(self.end, edges[:-1], "right")
        settled: NDArray[np.bool_] = (edges[1:] <= self.until) & (begun == over)
        return settled


class FigureReader:
    """Answers about some points, in one transaction of the database.

    ``home`` is the zone of the daily rollup; nothing holds beyond ``present``; with ``known_at`` the answer is that of
    then (all times µs UTC). Only figures that ``aggregation`` needs are read, all of them without it.
    """

    def __init__(
        self,
        connection: asyncpg.Connection,
        points: Sequence[int],
        home: ZoneInfo,
        present: int,
        known_at: int | None = None,
        aggregation: Aggregation | None = None,
    ) -> None:
        self._needed = tuple(FIGURES) if aggregation is None else (*ALWAYS, *NEEDED[aggregation])
        self._connection = connection
        self._points = np.unique(np.array(points, np.int64))
        self._home = home
        self._known_at = TIME_MAX_US if known_at is None else known_at
        self._known_until = min(present, self._known_at)
        self.holds = Holds()
        self._settled = Settled.of(0, [], [])
        self._prepared = Window(0, 0)
        self._kept_since: dict[str, int] = {}

    @property
    def known_until(self) -> int:
        """Beyond this (µs UTC) nothing holds."""
        return self._known_until

    async def settled(self, edges: Edges) -> NDArray[np.bool_]:
        """Tell between which edges what was stored still stands."""
        await self._prepare(_span(edges))
        return self._settled.buckets(edges)

    async def rows(self, edges: Edges, zone: ZoneInfo) -> Rollups:
        """One row per point and interval between ``edges`` about which anything is known."""
        await self._prepare(Window(int(edges[0]), int(edges[-1])))
        calendar = edges if zone.key == self._home.key and _are_days(edges, zone) else None
        level = source_level(edges, calendar)
        if level is None:
            return await self._from_samples(None, edges)
        return combine(await self._level(level, bucket_edges(_span(edges), level, zone)), edges)

    async def figure(self, rows: Rollups, edges: Edges, aggregation: Aggregation) -> NDArray[np.float64]:
        """One figure per row between ``edges``; of counters what they counted, not the difference of their readings."""
        figures = rows.figure(aggregation)
        if aggregation is not Aggregation.DELTA or not len(rows):
            return figures
        closed = min(self._settled.until, closes_through(self._known_until, self._known_until))
        steps = await fetch_steps(self._connection, self._points.tolist(), _span(edges), self._known_at, closed)
        return figures + corrections(rows, edges, Steps.of(steps))

    def only(self, points: Sequence[int]) -> "FigureReader":
        """Ask about some of the points; what was found out of all of them serves."""
        part = copy(self)
        part._points = np.unique(np.array(points, np.int64))  # noqa: SLF001 - of its own class
        return part

    async def reaching(self, edges: Edges) -> Window:
        """Time of the samples that stand between edges."""
        await self._prepare(_span(edges))
        return self._reaching(edges)

    async def samples(self, window: Window) -> Samples:
        """Samples that stand, by point and time; ``RefusedError`` for too many."""
        points = self._points.tolist()
        if len(points) > 1:
            return await reading.of_points(self._connection, points, window, self._known_at)
        found = await reading.of_point(self._connection, points[0], window, RAW_SAMPLES_MAX + 1, self._known_at)
        if len(found) > RAW_SAMPLES_MAX:
            msg = f"that would read more than {RAW_SAMPLES_MAX} samples of one point: take a shorter time"
            raise RefusedError(msg)
        return found

    async def _prepare(self, window: Window) -> None:
        """Find out what may be used in a window; nothing to do within the one before."""
        if self._prepared.start <= window.start and window.end <= self._prepared.end:
            return
        self._prepared = window
        await self._connection.execute(QUERIES["by_index"])
        self.holds = await fetch_holds(self._connection, self._points.tolist(), self._known_at)
        closed = await self._connection.fetchval(ROLLUPS["closed_through"])
        if closed is None:
            return
        self._kept_since = await fetch_kept_since(self._connection)
        blocks = np.unique(self._points // POINTS_PER_BLOCK).tolist()
        times = moment(window.start - HOUR_US), moment(window.end)
        dirty = [row[0] for row in await self._connection.fetch(QUERIES["dirty_hours"], blocks, *times)]
        until = min(int(closed), self._known_until)
        self._settled = Settled.of(until, dirty, await self._recorded_later(window, until))

    async def _recorded_later(self, window: Window, until: int) -> list[int]:
        if self._known_at == TIME_MAX_US or until <= window.start:
            return []
        reach = Window(window.start - HOLD_MAX_US, min(window.end, until))
        return await recorded_later(self._connection, self._points.tolist(), reach, self._known_at)

    async def _level(self, level: str, edges: Edges) -> Rollups:
        """Rows of the buckets of a level: stored ones where they are settled, else summed up from smaller ones."""
        usable = self._settled.buckets(edges) & is_stored(self.holds, edges)
        usable &= edges[:-1] >= self._kept_since.get(level, TIME_MIN_US)
        parts = []
        for begin, end in _runs(usable):
            parts.append(await self._stored(level, _span(edges[begin : end + 1])))
        for begin, end in _runs(~usable):
            parts.append(await self._unsettled(level, edges[begin : end + 1]))
        return Rollups.merge(*parts) if parts else Rollups.empty()

    async def _unsettled(self, level: str, edges: Edges) -> Rollups:
        """Of what nothing is stored at any level the samples are read; else smaller rollups may still serve."""
        smaller = smaller_level(level, edges)
        direct = edges[:-1] >= self._settled.until
        if smaller is None:
            direct[:] = True
        elif level != DAYS:
            direct |= finest_of(self.holds, edges) > LEVELS[smaller]
        parts = [await self._from_samples(level, edges[begin : end + 1]) for begin, end in _runs(direct)]
        for begin, end in _runs(~direct):
            steps = edges[begin : end + 1]
            rows = await self._level(str(smaller), bucket_edges(_span(steps), str(smaller), self._home))
            parts.append(combine(rows, steps))
        return Rollups.merge(*parts) if parts else Rollups.empty()

    async def _stored(self, level: str, window: Window) -> Rollups:
        block, slot = np.divmod(self._points, POINTS_PER_BLOCK)
        found = await fetch_columns(
            self._connection,
            _statement("read_points", level, self._needed),
            moment(window.start),
            moment(window.end),
            self._points.tolist(),
            block.tolist(),
            (slot + 1).tolist(),
            np.unique(block).tolist(),
            types=("i4", "i8", *(FIGURES[name] for name in self._needed)),
        )
        point, bucket = found[0].astype(np.int64), found[1] + EPOCH_2000_US
        named = dict(zip(self._needed, found[2:], strict=True))
        named |= {name: named[name].astype(np.int64) for name in ("count", "good_us")}
        missing = np.full(len(point), np.nan)
        rows = Rollups(point, bucket, **{name: named.get(name, missing) for name in FIGURES})
        return Rollups.merge(rows.select((rows.count > 0) | (rows.good_us > 0) | ~np.isnan(rows.start)))

    async def _from_samples(self, level: str | None, edges: Edges) -> Rollups:
        parts = [self._sum(part, level, steps) async for part, steps in self._pieces(level, edges) if len(part)]
        return Rollups.merge(*parts) if parts else Rollups.empty()

    async def _pieces(self, level: str | None, edges: Edges) -> AsyncIterator[tuple[Samples, Edges]]:
        """Samples for each stretch of buckets that is summed up at once. Those of one point are read in one go."""
        if len(self._points) > 1:
            for steps in _pieces(edges, PIECE_OF_MANY_US):
                if steps[0] < self._known_until + AHEAD_US:
                    yield await self.samples(self._reaching(steps)), steps
            return
        found = await self.samples(self._reaching(edges))
        for steps in _pieces(edges, PIECE_US) if level else [edges]:
            window = self._reaching(steps)
            begin, end = np.searchsorted(found.at, [window.start, window.end])
            yield found.select(slice(int(begin), int(end))), steps

    def _reaching(self, edges: Edges) -> Window:
        return Window(self.holds.since(int(edges[0])), int(edges[-1]))

    def _sum(self, samples: Samples, level: str | None, edges: Edges) -> Rollups:
        if level is None:
            return rollup(samples, edges, self._known_until, self.holds)
        if level == DAYS:
            smaller = str(smaller_level(level, edges))
            return combine(self._sum(samples, smaller, bucket_edges(_span(edges), smaller, self._home)), edges)
        finest = finest_of(self.holds, edges)
        parts = [
            summed(samples, level, edges[begin : end + 1], self._known_until, self.holds, int(length))
            for length in np.unique(finest)
            for begin, end in _runs(finest == length)
        ]
        return Rollups.merge(*parts)


async def fetch_holds(connection: asyncpg.Connection, points: Sequence[int], known_at: int = TIME_MAX_US) -> Holds:
    """How long values of some points hold, by what was known of the points then."""
    stretches = [Stretch(*row) for row in await connection.fetch(IMPORTS["stretches"])]
    fastest = HOLD_MIN_US // HOLD_SCANS
    slow = await connection.fetch(QUERIES["slow_points"], fastest, list(points), moment(known_at))
    return Holds.of(stretches, [tuple(row) for row in slow])


def is_stored(holds: Holds, edges: Edges) -> NDArray[np.bool_]:
    """Tell which buckets are stored: of imported times only what is longer than their samples' interval.

    Days are summed from the shortest level there is; a zone whose midnights lie inside of its buckets has none.
    """
    stored = np.ones(len(edges) - 1, np.bool_)
    for stretch in holds.stretches:
        outside = (edges[1:] <= stretch.first) | (edges[:-1] >= stretch.until)
        uneven = edges % stretch.finest_us != 0
        stored &= outside | ~(uneven[1:] | uneven[:-1])
    return stored


def _statement(name: str, level: str, needed: Sequence[str]) -> str:
    columns = ", ".join(f'r."{column}"[w.slot]' for column in needed)
    return QUERIES[name].replace("rollup_LEVEL", f"rollup_{level}").replace("COLUMNS", columns)


def _are_days(edges: Edges, zone: ZoneInfo) -> bool:
    if edges[1] - edges[0] < SHORTEST_DAY_US:
        return False
    days = interval_edges(_span(edges), DAYS, zone) if len(edges) <= INTERVALS_MAX else edges
    return bool(np.isin(edges, days).all())


def _span(edges: Edges) -> Window:
    return Window(int(edges[0]), int(edges[-1]))


def _pieces(edges: Edges, length_us: int) -> Iterator[Edges]:
    """Neighbouring buckets in groups of about this length, one bucket at least."""
    number = (edges[:-1] - edges[0]) // length_us
    first = np.flatnonzero(np.diff(number, prepend=-1))
    for begin, end in zip(first.tolist(), [*first[1:].tolist(), len(edges) - 1], strict=True):
        yield edges[begin : end + 1]


def _runs(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end (excluded) of each run of chosen places."""
    change = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False]))))
    return list(zip(change[::2].tolist(), change[1::2].tolist(), strict=True))
