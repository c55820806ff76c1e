"""Meters of every kind, read from history: sampled ones from rollups, virtual ones from what they are made of."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.combining import combined
from cityhall_bms.domain.energy.manual import spread_periods
from cityhall_bms.domain.energy.meters import PointSource
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.intervals import interval_edges
from cityhall_bms.ports.counters import CounterView, Estimate
from cityhall_bms.ports.energy_readings import ReadingView
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import HistoryQueries

CELLS_MAX: Final = 5_000_000
"""Meters times intervals of one question: 140 meters' quarter hours of a year."""
CELLS_AT_ONCE: Final = 400_000
"""As many are read from history in one go."""
ROUNDING: Final = 1e-9
ESTIMATED_MAX: Final = 300
"""Counters whose silences one question may spread: each of them is read by itself."""

Edges = NDArray[np.int64]
Values = NDArray[np.float64]


class HistoryMeterReader:
    """See :class:`~cityhall_bms.ports.energy.MeterReader`."""

    def __init__(
        self,
        site: Site,
        ids: Mapping[str, int],
        queries: HistoryQueries,
        counters: CounterView,
        readings: ReadingView,
    ) -> None:
        self._metering = site.metering
        self._ids = ids
        self._zone = ZoneInfo(site.time_zone)
        self._queries = queries
        self._counters = counters
        self._readings = readings

    async def amounts(
        self,
        meters: Sequence[str],
        window: Window,
        interval: str,
        *,
        estimate: Estimate = Estimate.NONE,
        known_at: int | None = None,
    ) -> Amounts:
        """Amounts of meters (rows, in the order asked) in the intervals of a window."""
        wanted = [self._metering.leaves(name) for name in meters]
        leaves = list(dict.fromkeys(leaf for factors in wanted for leaf in factors))
        edges = interval_edges(window, interval, self._zone)
        if len(leaves) * (len(edges) - 1) > CELLS_MAX:
            msg = f"that would be more than {CELLS_MAX} figures: take longer intervals, a shorter time or fewer meters"
            raise RefusedError(msg)
        if estimate is not Estimate.NONE and known_at is not None:
            msg = "estimates are made from the record of the present: leave out 'estimate' or 'as_known_at'"
            raise RefusedError(msg)
        read = _unknown(edges, len(leaves))
        sources = {row: source for row, leaf in enumerate(leaves) if (source := self._point(leaf)) is not None}
        points = {row: self._ids[source.point] for row, source in sources.items()}
        await self._measured(read, points, edges, interval, known_at)
        if estimate is not Estimate.NONE:
            await self._estimated(read, points, edges, interval, estimate)
        for row, source in sources.items():
            read.value[row] *= source.factor
            read.estimated[row] *= source.factor
        entered = {row: leaf for row, leaf in enumerate(leaves) if row not in points}
        await self._entered(read, entered, edges, known_at, estimate=estimate is not Estimate.NONE)
        return combined(read, leaves, wanted)

    async def _measured(
        self, read: Amounts, points: Mapping[int, int], edges: Edges, interval: str, known_at: int | None
    ) -> None:
        rows, numbers = list(points), list(points.values())
        if not rows:
            return
        for first, last in pairwise(_cuts(len(edges) - 1, len(rows))):
            part = Window(int(edges[first]), int(edges[last]))
            table = await self._queries.intervals_of(
                numbers, part, interval, Aggregation.DELTA, self._zone.key, known_at
            )
            read.value[rows, first:last] = table.value
            read.coverage[rows, first:last] = table.coverage
        await self._forget_held(read, points, edges, interval, known_at)

    async def _forget_held(
        self, read: Amounts, points: Mapping[int, int], edges: Edges, interval: str, known_at: int | None
    ) -> None:
        """Make unknown what only looks like zero.

        A counter that falls silent holds its last reading for a while; an interval in which nothing came, and over
        which it was not held to the end, would have counted nothing.
        """
        held = (read.value == 0.0) & (read.coverage < 1.0)
        rows = [row for row in points if held[row].any()]
        if not rows:
            return
        numbers = [points[row] for row in rows]
        for first, last in pairwise(_cuts(len(edges) - 1, len(rows))):
            part = Window(int(edges[first]), int(edges[last]))
            heard = await self._queries.intervals_of(
                numbers, part, interval, Aggregation.COUNT, self._zone.key, known_at
            )
            value = read.value[rows, first:last]
            read.value[rows, first:last] = np.where(held[rows, first:last] & (heard.value == 0.0), np.nan, value)

    async def _estimated(
        self, read: Amounts, points: Mapping[int, int], edges: Edges, interval: str, estimate: Estimate
    ) -> None:
        """Spread silences; where all of the time is covered there are none."""
        silent = {row: point for row, point in points.items() if (read.coverage[row] < 1.0 - ROUNDING).any()}
        if len(silent) > ESTIMATED_MAX:
            msg = f"that would be estimates of {len(silent)} counters: ask for {ESTIMATED_MAX} at most"
            raise RefusedError(msg)
        window = Window(int(edges[0]), int(edges[-1]))
        for row, point in silent.items():
            found = await self._counters.consumption(point, window, interval, estimate, self._zone.key)
            unknown = np.isnan(read.value[row]) & np.isnan(found.estimated)
            read.value[row] = np.where(unknown, np.nan, found.value)
            read.estimated[row] = np.nan_to_num(found.estimated)
            read.coverage[row] = found.coverage

    async def _entered(
        self, read: Amounts, meters: Mapping[int, str], edges: Edges, known_at: int | None, *, estimate: bool
    ) -> None:
        """What people entered: whole periods, and parts of them only as estimates."""
        if not meters:
            return
        window = Window(int(edges[0]), int(edges[-1]))
        found = await self._readings.amounts(list(meters.values()), window, known_at)
        for row, meter in meters.items():
            value, estimated, coverage = spread_periods(found[meter], edges, estimate=estimate)
            read.value[row], read.estimated[row], read.coverage[row] = value, estimated, coverage

    def _point(self, meter: str) -> PointSource | None:
        source = self._metering.meters[meter].source
        return source if isinstance(source, PointSource) else None


def _unknown(edges: Edges, rows: int) -> Amounts:
    shape = rows, len(edges) - 1
    return Amounts(edges[:-1], int(edges[-1]), np.full(shape, np.nan), np.zeros(shape), np.zeros(shape))


def _cuts(intervals: int, rows: int) -> list[int]:
    """Where a long question is cut into those that history answers in one go."""
    step = max(1, CELLS_AT_ONCE // rows)
    return [*range(0, intervals, step), intervals]
