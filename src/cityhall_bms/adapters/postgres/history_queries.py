"""What screens and reports ask of history, each in one moment of the database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import demand_days
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.demand_days import KeptDays
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US
from cityhall_bms.adapters.postgres.history_figures import FigureReader
from cityhall_bms.adapters.postgres.history_past import newest
from cityhall_bms.domain.errors import HistoryUnavailableError, RefusedError
from cityhall_bms.domain.quality import BAD_FROM
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.demand import DEMAND_US, Search
from cityhall_bms.historian.intervals import HOUR_US, interval_edges, length_us, source_level
from cityhall_bms.historian.resampling import CALENDAR_US, extremes, fitting_interval, largest_triangles, parted
from cityhall_bms.historian.rollups import Rollups, coverage
from cityhall_bms.historian.states import Stood, by_value, constant, known_s, stood, while_true
from cityhall_bms.historian.summing import DAYS, bucket_edges
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Aggregation, Latest, Window
from cityhall_bms.ports.queries import Band, Condition, Demand, Durations, Line, Table

CELLS_MAX: Final = 500_000
"""Points times intervals of one question."""
DURATIONS_MAX: Final = 20_000
"""Intervals of a question about time in state: each may have 64 states."""
ROWS_APART_US: Final = 6 * HOUR_US
"""Stretches that are closer to each other are read from the samples in one go."""
STRETCHES_MAX: Final = 20
CANDIDATES_PER_VALUE: Final = 2

Edges = NDArray[np.int64]


class PostgresQueries:
    """See :class:`~cityhall_bms.ports.queries.HistoryQueries`; ``time_zone`` is that of the daily rollup."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, time_zone: str) -> None:
        self._pool = pool
        self._clock = clock
        self._home = ZoneInfo(time_zone)

    async def intervals_of(
        self,
        points: Sequence[int],
        window: Window,
        interval: str,
        aggregation: Aggregation,
        time_zone: str,
        known_at: int | None = None,
    ) -> Table:
        """Figures of many points at once; intervals of a minute and longer."""
        zone = ZoneInfo(time_zone)
        edges = _edges_of_many(points, window, interval, zone)
        async with self._reader(points, known_at, aggregation) as reader:
            rows = await reader.rows(edges, zone)
            figures = await reader.figure(rows, edges, aggregation)
        return _table(rows, figures, points, edges, aggregation)

    async def demand(
        self, points: Sequence[int], window: Window, interval: str, time_zone: str, known_at: int | None = None
    ) -> Demand:
        """Greatest mean of a quarter hour in each day or month, and when it was."""
        zone = ZoneInfo(time_zone)
        if length_us(interval) is not None:
            msg = "demand maxima are those of days or months: take interval 1d or 1mo"
            raise RefusedError(msg)
        edges = _edges_of_many(points, window, interval, zone)
        async with self._connection() as connection:
            reader = FigureReader(connection, points, self._home, self._clock.now(), known_at)
            days = interval_edges(Window(int(edges[0]), int(edges[-1])), "1d", zone)
            stands = known_at is None and zone.key == self._home.key
            kept = await _kept(connection, days, await reader.settled(days)) if stands else []
            search = Search(points, edges, await _days_to_search(reader, points, days, kept, zone))
            for part in kept:
                search.take_kept(part.points, part.day, part.peaks)
            while (wanted := search.next_day()) is not None:
                day, of = wanted
                end = int(days[np.searchsorted(days, day) + 1])
                search.take(await reader.only(of).rows(np.arange(day, end + 1, DEMAND_US), zone))
        return search.found()

    async def durations(
        self,
        point: int,
        window: Window,
        interval: str,
        condition: Condition | None,
        time_zone: str,
        known_at: int | None = None,
    ) -> Durations:
        """Time in each state, or for which a condition held; good time only."""
        zone = ZoneInfo(time_zone)
        edges = interval_edges(window, interval, zone)
        if len(edges) > DURATIONS_MAX:
            msg = f"that would be more than {DURATIONS_MAX} intervals: take longer ones or a shorter time"
            raise RefusedError(msg)
        async with self._reader([point], known_at) as reader:
            pieces = await self._stood(reader, edges, zone, condition)
        share = known_s(pieces, edges) * 1e6 / np.diff(edges)
        if condition is not None:
            return Durations(edges[:-1], (), while_true(pieces, edges, condition)[np.newaxis], share)
        values, seconds = by_value(pieces, edges)
        return Durations(edges[:-1], values, seconds, share)

    async def band(self, point: int, window: Window, buckets: int, time_zone: str, known_at: int | None = None) -> Band:
        """At most so many buckets that keep every spike."""
        zone = ZoneInfo(time_zone)
        interval, edges = fitting_interval(window, buckets, zone)
        async with self._reader([point], known_at) as reader:
            rows = await reader.rows(edges, zone)
        place, length = np.searchsorted(edges, rows.bucket), np.diff(edges)
        share = np.zeros(len(length))
        share[place] = coverage(rows, length[place])

        def column(name: Aggregation) -> NDArray[np.float64]:
            values = np.full(len(length), np.nan)
            values[place] = rows.figure(name)
            return values

        return Band(
            interval=interval,
            at=edges[:-1],
            low=column(Aggregation.MIN),
            high=column(Aggregation.MAX),
            first=column(Aggregation.FIRST),
            last=column(Aggregation.LAST),
            mean=column(Aggregation.MEAN),
            coverage=share,
        )

    async def line(self, point: int, window: Window, values: int, time_zone: str, known_at: int | None = None) -> Line:
        """At most so many values, by Largest-Triangle-Three-Buckets."""
        zone = ZoneInfo(time_zone)
        interval, coarse = fitting_interval(window, CANDIDATES_PER_VALUE * values, zone)
        level = DAYS if interval in CALENDAR_US and zone.key == self._home.key else source_level(coarse) or ""
        async with self._reader([point], known_at) as reader:
            if not level:
                return _line(await reader.samples(window), window, values)
            edges = bucket_edges(Window(int(coarse[0]), int(coarse[-1])), level, zone)
            rows = await reader.rows(edges, zone)
        at, value = extremes(rows)
        chosen = largest_triangles(at, value, values)
        return Line(level, *parted(at[chosen], value[chosen], _gaps(rows, edges)))

    async def standing(self, at: int, known_at: int | None = None) -> Latest:
        """Newest sample of every point by a time; its position is 0."""
        async with self._connection() as connection:
            found = await newest(connection, at, TIME_MAX_US if known_at is None else known_at)
        return Latest(0, found.point, found.at, found.value, found.quality)

    async def _stood(self, reader: FigureReader, edges: Edges, zone: ZoneInfo, condition: Condition | None) -> Stood:
        """Where a rollup says it already, samples are not read."""
        level = source_level(edges)
        if level is None:
            return await self._stood_in(reader, edges)
        small = bucket_edges(Window(int(edges[0]), int(edges[-1])), level, zone)
        rows = await reader.rows(small, zone)
        clear = constant(rows, condition)
        parts = [Stood(rows.bucket[clear], rows.low[clear], rows.good_us[clear])]
        unclear = rows.bucket[~clear]
        for stretch in _stretches(unclear, small):
            part = await self._stood_in(reader, stretch)
            wanted = np.isin(part.at, unclear)
            parts.append(Stood(part.at[wanted], part.value[wanted], part.duration[wanted]))
        return Stood.join(*parts)

    async def _stood_in(self, reader: FigureReader, edges: Edges) -> Stood:
        samples = await reader.samples(await reader.reaching(edges))
        return stood(samples, edges, reader.known_until, reader.holds)

    @asynccontextmanager
    async def _reader(
        self, points: Sequence[int], known_at: int | None, aggregation: Aggregation | None = None
    ) -> AsyncIterator[FigureReader]:
        async with self._connection() as connection:
            yield FigureReader(connection, points, self._home, self._clock.now(), known_at, aggregation)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        with translated(HistoryUnavailableError):
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection


async def _kept(connection: asyncpg.Connection, days: Edges, settled: NDArray[np.bool_]) -> list[KeptDays]:
    """Days whose greatest quarters are kept, and stand."""
    found = await demand_days.read(connection, Window(int(days[0]), int(days[-1])))
    return [part.select(np.isin(part.day, days[:-1][settled])) for part in found]


async def _days_to_search(
    reader: FigureReader, points: Sequence[int], days: Edges, kept: Sequence[KeptDays], zone: ZoneInfo
) -> Rollups:
    """Daily rollups of what is not kept: some days, and points that were not among those kept of the others."""
    by = np.full(len(days) - 1, -1)
    for number, part in enumerate(kept):
        by[np.isin(days[:-1], part.day)] = number
    rows: list[Rollups] = []
    for begin, end in pairwise([0, *(np.flatnonzero(np.diff(by)) + 1).tolist(), len(by)]):
        among = set(kept[by[begin]].points.tolist()) if by[begin] >= 0 else set()
        missing = [point for point in points if point not in among]
        if missing:
            rows.append(await reader.only(missing).rows(days[begin : end + 1], zone))
    return Rollups.merge(*rows) if rows else Rollups.empty()


def _edges_of_many(points: Sequence[int], window: Window, interval: str, zone: ZoneInfo) -> Edges:
    edges = interval_edges(window, interval, zone)
    if source_level(edges) is None:
        msg = f"interval '{interval}' is too short for many points: take a minute or longer"
        raise RefusedError(msg)
    if len(points) * (len(edges) - 1) > CELLS_MAX:
        msg = f"that would be more than {CELLS_MAX} figures: take longer intervals, a shorter time or fewer points"
        raise RefusedError(msg)
    return edges


def _table(
    rows: Rollups, figures: NDArray[np.float64], points: Sequence[int], edges: Edges, aggregation: Aggregation
) -> Table:
    """Points may be asked for in any order."""
    wanted = np.array(points, np.int64)
    known = np.unique(wanted)
    shape = len(known), len(edges) - 1
    value = np.full(shape, 0.0 if aggregation is Aggregation.COUNT else np.nan)
    share = np.zeros(shape)
    place = np.searchsorted(known, rows.point), np.searchsorted(edges, rows.bucket)
    value[place] = figures
    share[place] = coverage(rows, np.diff(edges)[place[1]])
    order = np.searchsorted(known, wanted)
    return Table(edges[:-1], value[order], share[order])


def _stretches(begins: Edges, small: Edges) -> list[Edges]:
    """Edges of the buckets that begin then, in a few pieces: each is read from the samples in one go."""
    if not len(begins):
        return []
    apart = np.diff(begins, append=begins[-1])
    longest = np.sort(apart)[-STRETCHES_MAX:]
    cuts = np.flatnonzero((apart > ROWS_APART_US) & (apart >= longest[0]))[:STRETCHES_MAX] + 1
    parts = np.split(np.searchsorted(small, begins), cuts)
    return [small[part[0] : part[-1] + 2] for part in parts]


def _line(samples: Samples, window: Window, values: int) -> Line:
    inside = (samples.at >= window.start) & (samples.at < window.end)
    samples = samples.select(inside)
    good = (samples.quality < BAD_FROM) & np.isfinite(samples.value)
    at, value = samples.at[good], samples.value[good]
    chosen = largest_triangles(at, value, values)
    return Line("", *parted(at[chosen], value[chosen], samples.at[~good]))


def _gaps(rows: Rollups, edges: Edges) -> Edges:
    known = np.isin(edges[:-1], rows.bucket[~np.isnan(rows.low)])
    gaps: Edges = edges[:-1][~known]
    return gaps
