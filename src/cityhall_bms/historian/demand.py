"""Demand maxima: the greatest mean of a quarter hour, found without summing up every quarter of a year.

Of powers the greatest quarter of every day is kept. What is not kept is searched: no mean of a quarter is above the
greatest value of its day, so the days of a period are taken by their greatest value, and the search is over when none
of those left can beat what was found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.historian.intervals import MINUTE_US
from cityhall_bms.historian.rollups import Rollups
from cityhall_bms.ports.queries import Demand

DEMAND_US: Final = 15 * MINUTE_US
"""Length of a demand interval."""
POWER_UNITS: Final = frozenset({"W", "kW"})
"""Units of what demand is asked of: of their points the greatest quarters of days are kept."""
NONE: Final = -np.inf


@dataclass(frozen=True, slots=True)
class Peaks:
    """Greatest quarters: mean (NaN where nothing is known), begin (µs UTC), and time for which good values stood."""

    value: NDArray[np.float64]
    when: NDArray[np.int64]
    good_us: NDArray[np.int64]


def peaks_of(quarters: Rollups, points: NDArray[np.int64]) -> Peaks:
    """Greatest of the quarters of each point (ascending); of equal ones the earliest."""
    known = quarters.select(~np.isnan(quarters.mean))
    order = np.lexsort((known.bucket, -known.mean, known.point))
    found, first = np.unique(known.point[order], return_index=True)
    best = known.select(order[first])
    place = np.searchsorted(points, found)
    value, when, good = np.full(len(points), np.nan), np.zeros(len(points), np.int64), np.zeros(len(points), np.int64)
    value[place], when[place], good[place] = best.mean, best.bucket, best.good_us
    return Peaks(value, when, good)


class Search:
    """Of each point the greatest mean in each period between ``edges``; ``rows`` are its days."""

    def __init__(self, points: Sequence[int], edges: NDArray[np.int64], days: Rollups) -> None:
        self._edges = edges
        self._place = {point: place for place, point in enumerate(dict.fromkeys(points))}
        self._points = list(points)
        self._best = np.full((len(self._place), len(edges) - 1), NONE)
        self._when = np.zeros(self._best.shape, np.int64)
        self._covered = np.zeros(self._best.shape)
        self._left = _by_greatest(self._place, days, edges)

    def next_day(self) -> tuple[int, list[int]] | None:
        """Day (its begin, µs UTC) that most points wait for, and those points; none when nothing is left to find."""
        waiting: dict[int, list[int]] = {}
        for (point, period), days in list(self._left.items()):
            place = self._place[point], period
            # Of equal quarters the earliest counts, wherever it was found.
            if not days or (-days[-1][0], days[-1][1]) >= (-self._best[place], self._when[place]):
                del self._left[point, period]
                continue
            waiting.setdefault(days[-1][1], []).append(point)
        if not waiting:
            return None
        day = max(waiting, key=lambda begin: (len(waiting[begin]), -begin))
        for point in waiting[day]:
            self._left[point, self._period(day)].pop()
        return day, waiting[day]

    def take(self, quarters: Rollups) -> None:
        """Take the quarters of some points in."""
        row = np.array([self._place[point] for point in quarters.point.tolist()], np.int64)
        period = np.searchsorted(self._edges, quarters.bucket, "right") - 1
        mean = np.where(np.isnan(quarters.mean), NONE, quarters.mean)
        better = np.flatnonzero(self._beats(mean, quarters.bucket, (row, period)))
        # The greatest last, of equal ones the earliest: with repeated indices the last assignment stands.
        better = better[np.lexsort((-quarters.bucket[better], mean[better]))]
        key = row[better], period[better]
        self._best[key], self._when[key] = mean[better], quarters.bucket[better]
        self._covered[key] = quarters.good_us[better] / DEMAND_US

    def take_kept(self, points: NDArray[np.int64], days: NDArray[np.int64], peaks: Peaks) -> None:
        """Take days in (rows, ascending) whose greatest quarters are kept of some points (columns)."""
        column = np.flatnonzero(np.isin(points, self._points))
        row = np.array([self._place[point] for point in points[column].tolist()], np.int64)
        period = np.searchsorted(self._edges, days, "right") - 1
        for number in np.unique(period).tolist():
            inside = period == number
            value, when = peaks.value[inside][:, column], peaks.when[inside][:, column]
            # The first of equal ones is the earliest.
            best = np.where(np.isnan(value), NONE, value).argmax(axis=0), np.arange(len(column))
            better = np.flatnonzero(self._beats(value[best], when[best], (row, number)))
            self._best[row[better], number] = value[best][better]
            self._when[row[better], number] = when[best][better]
            self._covered[row[better], number] = peaks.good_us[inside][:, column][best][better] / DEMAND_US

    def found(self) -> Demand:
        """What was found, in the order of the points."""
        rows = [self._place[point] for point in self._points]
        best = self._best[rows]
        value = np.where(best == NONE, np.nan, best)
        return Demand(self._edges[:-1], value, self._when[rows], self._covered[rows])

    def _beats(
        self, value: NDArray[np.float64], when: NDArray[np.int64], place: tuple[NDArray[np.int64], Any]
    ) -> NDArray[np.bool_]:
        best: NDArray[np.float64] = self._best[place]
        earlier: NDArray[np.bool_] = (value > best) | ((value == best) & (best > NONE) & (when < self._when[place]))
        return earlier

    def _period(self, day: int) -> int:
        return int(np.searchsorted(self._edges, day, "right")) - 1


def _by_greatest(
    points: dict[int, int], days: Rollups, edges: NDArray[np.int64]
) -> dict[tuple[int, int], list[tuple[float, int]]]:
    """Greatest value and begin of every day, by point and period, the greatest last (of equal ones the earliest)."""
    left: dict[tuple[int, int], list[tuple[float, int]]] = {}
    known = days.select(~np.isnan(days.high))
    period = np.searchsorted(edges, known.bucket, "right") - 1
    for place in np.lexsort((-known.bucket, known.high)).tolist():
        key = int(known.point[place]), int(period[place])
        if key[0] in points:
            left.setdefault(key, []).append((float(known.high[place]), int(known.bucket[place])))
    return left
