"""What a counter counted per interval, silences spread over the intervals that they lie in."""

from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.counters import SPANS_US, by_point, fetch_standing
from cityhall_bms.adapters.postgres.history_figures import FigureReader
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.estimates import Silence, a_week_before, spread
from cityhall_bms.historian.intervals import MINUTE_US
from cityhall_bms.historian.rollups import Rollups, coverage
from cityhall_bms.ports.counters import Consumption, Estimate
from cityhall_bms.ports.history import Aggregation, Window

SILENCES_MAX: Final = 200
SAMPLES_AT_ONCE: Final = 1_000
Edges = NDArray[np.int64]


class ConsumptionReader:
    """Answers about one counter, in one transaction of the database."""

    def __init__(self, connection: asyncpg.Connection, point: int, home: ZoneInfo, present: int) -> None:
        self._connection = connection
        self._point = point
        self._home = home
        self._present = present

    async def read(self, edges: Edges, zone: ZoneInfo, estimate: Estimate) -> Consumption:
        """What was counted in the intervals between ``edges``."""
        rows, value = await self._measured(edges, zone)
        share = np.zeros(len(edges) - 1)
        place = np.searchsorted(edges, rows.bucket)
        share[place] = coverage(rows, np.diff(edges)[place])
        estimated = np.full(len(value), np.nan)
        if estimate is not Estimate.NONE:
            shape = await self._shape(edges, zone) if estimate is Estimate.WEEK_BEFORE else None
            estimated = spread(edges, await self._silences(rows, edges, zone), shape)
            value = np.where(np.isnan(estimated), value, np.nan_to_num(value) + estimated)
        return Consumption(edges[:-1], value, estimated, share)

    async def _measured(self, edges: Edges, zone: ZoneInfo) -> tuple[Rollups, NDArray[np.float64]]:
        reader = FigureReader(self._connection, [self._point], self._home, self._present)
        rows = await reader.rows(edges, zone)
        value = np.full(len(edges) - 1, np.nan)
        value[np.searchsorted(edges, rows.bucket)] = await reader.figure(rows, edges, Aggregation.DELTA)
        return rows, value

    async def _shape(self, edges: Edges, zone: ZoneInfo) -> NDArray[np.float64]:
        _, value = await self._measured(a_week_before(edges, zone), zone)
        return value

    async def _silences(self, rows: Rollups, edges: Edges, zone: ZoneInfo) -> list[Silence]:
        """Silences that end in an interval and begin before it, and the one that lasts to beyond the last."""
        resumed = np.flatnonzero(np.isnan(rows.start) & (rows.count > 0))
        if len(resumed) > SILENCES_MAX:
            msg = f"the counter was silent more than {SILENCES_MAX} times: take a shorter time"
            raise RefusedError(msg)
        begins = [Window(int(rows.bucket[row]), self._end(edges, int(rows.bucket[row]))) for row in resumed]
        if not await self._holds(int(edges[-1]), zone):
            begins.append(Window(int(edges[-1]), self._present))
        found = [await self._silence(window) for window in begins]
        return [silence for silence in found if silence is not None]

    async def _holds(self, at: int, zone: ZoneInfo) -> bool:
        """Whether a sample from before a moment still stands then: the next one ends no silence."""
        reader = FigureReader(self._connection, [self._point], self._home, self._present)
        after = await reader.rows(np.array([at, at + MINUTE_US]), zone)
        return bool(np.isfinite(after.start).any())

    def _end(self, edges: Edges, begin: int) -> int:
        return int(edges[np.searchsorted(edges, begin) + 1])

    async def _silence(self, window: Window) -> Silence | None:
        """The silence that ends with the first good sample of a window; none where there is none before, or behind."""
        after, before = await self._first(window), await self._last_before(window.start)
        if after is None or before is None:
            return None
        begin, end = int(before.at[-1]), int(after.at[0])
        amount = float(after.value[0] - before.value[-1])
        steps = await fetch_standing(self._connection, [self._point], Window(end, end + 1))
        amount += sum(item.step.correction for item in steps[self._point])
        return Silence(begin, end, amount)

    async def _first(self, window: Window) -> Samples | None:
        start = window.start
        while start < window.end:
            part = await reading.of_point(self._connection, self._point, Window(start, window.end), SAMPLES_AT_ONCE)
            good = by_point(part, [self._point])[self._point]
            if len(good):
                return good
            start = int(part.at[-1]) + 1 if len(part) == SAMPLES_AT_ONCE else window.end
        return None

    async def _last_before(self, end: int) -> Samples | None:
        for span in SPANS_US:
            part = await reading.of_points(self._connection, [self._point], Window(end - span, end))
            good = by_point(part, [self._point])[self._point]
            if len(good):
                return good
        return None
