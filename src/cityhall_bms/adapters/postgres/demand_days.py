"""The greatest quarter hour of every day that is over: kept of powers, and made again when a day is summed up anew.

A row is taken away in the transaction that replaces a day's rollups, and made by upkeep within a minute. Until then,
and of points that are not kept, the day is searched: what is answered is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.history_copy import EPOCH_2000_US, fetch_arrays, moment
from cityhall_bms.adapters.postgres.history_figures import QUERIES as FIGURES
from cityhall_bms.adapters.postgres.history_figures import FigureReader, Settled
from cityhall_bms.adapters.postgres.history_rollups import QUERIES as ROLLUPS
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.batch import point_set_id
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.historian.demand import DEMAND_US, Peaks, peaks_of
from cityhall_bms.historian.intervals import HOUR_US, interval_edges
from cityhall_bms.historian.open_buckets import POINTS_PER_BLOCK
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window

QUERIES: Final = load("demand_days.sql")
LOCK: Final = load("history.sql")["lock"]
PRECISION: Final = 1e-9
"""Means may differ in their last bits by the order in which they were summed."""


@dataclass(frozen=True, slots=True)
class KeptDays:
    """Days that are kept of the same points (ascending): a row per day, a column per point."""

    points: NDArray[np.int64]
    day: NDArray[np.int64]
    """Begin of each day, µs UTC, ascending."""
    peaks: Peaks

    def select(self, chosen: NDArray[np.bool_]) -> Self:
        """Give some of the days."""
        peaks = Peaks(self.peaks.value[chosen], self.peaks.when[chosen], self.peaks.good_us[chosen])
        return replace(self, day=self.day[chosen], peaks=peaks)


async def read(connection: asyncpg.Connection, window: Window) -> list[KeptDays]:
    """Days that begin in a window, by the points that they are kept of."""
    times = moment(window.start), moment(window.end)
    found: list[KeptDays] = []
    for row in await connection.fetch(QUERIES["sets"], *times):
        points = np.array(row["point_ids"], np.int64)
        day, (value, quarter, good_us) = await fetch_arrays(
            connection, QUERIES["read"], row["set_id"], *times, elements=("f8", "i2", "i8"), length=len(points)
        )
        day += EPOCH_2000_US
        peaks = Peaks(value, day[:, np.newaxis] + quarter.astype(np.int64) * DEMAND_US, good_us)
        found.append(KeptDays(points, day, peaks))
    return found


async def changed(connection: asyncpg.Connection, day: Window, zone: ZoneInfo) -> tuple[int, int | None]:
    """How many figures are kept of a day of the building, and the first point of which what is kept is not so.

    Nothing may wait to be computed again in the day, and nothing of it may have been let go of.
    """
    count = 0
    for part in await read(connection, day):
        expected = await _found(connection, part.points, day, zone, day.end)
        known = ~np.isnan(expected.value)
        same = np.isclose(part.peaks.value[0], expected.value, rtol=PRECISION, atol=PRECISION, equal_nan=True)
        same &= ~known | (part.peaks.when[0] == expected.when) & (part.peaks.good_us[0] == expected.good_us)
        count += int(known.sum())
        if not same.all():
            return count, int(part.points[np.argmin(same)])
    return count, None


async def _found(
    connection: asyncpg.Connection, points: NDArray[np.int64], day: Window, zone: ZoneInfo, present: int
) -> Peaks:
    """Greatest quarters of a day that is over, from what the queries themselves read."""
    reader = FigureReader(connection, points.tolist(), zone, present)
    quarters = await reader.rows(np.arange(day.start, day.end + 1, DEMAND_US), zone)
    return peaks_of(quarters, points)


class DemandDays:
    """Keeps the days of some points, the newest first; see :class:`~cityhall_bms.ports.keeping.DemandStore`."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, time_zone: str, points: Sequence[int]) -> None:
        self._pool = pool
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._points = np.unique(np.array(points, np.int64))

    async def keep_one(self) -> int | None:
        """Find the quarters of one more day (its begin, µs UTC, is given); none when every day that is over is kept."""
        if not len(self._points):
            return None
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                if await self._missing(connection) is None:
                    return None
                async with connection.transaction():
                    # Nobody sums a day up anew between our reading and our writing.
                    await connection.execute(LOCK)
                    day = await self._missing(connection)
                    if day is not None:
                        await self._keep(connection, day)
        return None if day is None else day.start

    async def _missing(self, connection: asyncpg.Connection) -> Window | None:
        """Newest day that is over and summed up, and not kept."""
        closed = await connection.fetchval(ROLLUPS["closed_through"])
        blocks = np.unique(self._points // POINTS_PER_BLOCK).tolist()
        oldest = await connection.fetchval(QUERIES["oldest"], blocks)
        if closed is None or oldest is None or oldest >= closed:
            return None
        edges = interval_edges(Window(oldest, closed), "1d", self._zone)
        times = moment(oldest - HOUR_US), moment(closed)
        dirty = [row["hour"] for row in await connection.fetch(FIGURES["dirty_hours"], blocks, *times)]
        kept = [row["day"] for row in await connection.fetch(QUERIES["days"])]
        missing = np.flatnonzero(Settled.of(closed, dirty, []).buckets(edges) & ~np.isin(edges[:-1], kept))
        if not len(missing):
            return None
        return Window(int(edges[missing[-1]]), int(edges[missing[-1] + 1]))

    async def _keep(self, connection: asyncpg.Connection, day: Window) -> None:
        peaks = await _found(connection, self._points, day, self._zone, self._clock.now())
        number = point_set_id(self._points.astype(np.uint32))
        await connection.execute(QUERIES["add_set"], number, self._points.tolist())
        quarter = np.where(np.isnan(peaks.value), 0, (peaks.when - day.start) // DEMAND_US)
        columns = peaks.value.tolist(), quarter.tolist(), peaks.good_us.tolist()
        await connection.execute(QUERIES["add"], moment(day.start), number, *columns)
