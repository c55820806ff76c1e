"""A minute of points that are read together, summed up as a grid of scans and points: no sorting, no row per sample.

The scans of a set all have the same points. Where nothing else was heard of these points, a minute of the set is a
grid: a row per scan in order of time, a column per point. Its figures are those of :func:`~.rollups.rollup`, to the
last bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import AD_HOC
from cityhall_bms.domain.quality import is_good
from cityhall_bms.historian.columns import Samples, Scans
from cityhall_bms.historian.holds import Holds
from cityhall_bms.historian.latest import NEVER
from cityhall_bms.historian.rollups import Rollups


@dataclass(frozen=True, slots=True)
class Grid:
    """Scans of some sets (rows, in order of time) and their points (columns).

    ``at`` and ``recorded_at`` have a column per set; ``set_of`` says which one a point has.
    """

    point: NDArray[np.uint32]
    set_of: NDArray[np.int64]
    at: NDArray[np.int64]
    recorded_at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]

    def samples_at(self, row: NDArray[np.int64]) -> Samples:
        """One sample of every point: that of its row."""
        at, recorded_at = self.at[row, self.set_of], self.recorded_at[row, self.set_of]
        return Samples(self.point, at, recorded_at, _pick(self.value, row), _pick(self.quality, row))


@dataclass(frozen=True, slots=True)
class Held:
    """The last good sample before the grid of each column, and whether it was the last one at all."""

    at: NDArray[np.int64]
    recorded_at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    stands: NDArray[np.bool_]

    @classmethod
    def of(cls, point: NDArray[np.uint32], earlier: Samples) -> Self:
        """Find them among *ordered* samples, all of points of the grid."""
        order = np.argsort(point)
        column = order[np.searchsorted(point, earlier.point, sorter=order)]
        last = np.full(len(point), NEVER)
        last[column] = earlier.at  # of repeated columns the last assignment stands
        held = cls(
            np.full(len(point), NEVER),
            np.full(len(point), NEVER),
            np.full(len(point), np.nan),
            np.zeros(len(point), np.uint8),
            np.zeros(len(point), np.bool_),
        )
        good = is_good(earlier.quality) & np.isfinite(earlier.value)
        earlier, column = earlier.select(good), column[good]
        held.at[column], held.recorded_at[column] = earlier.at, earlier.recorded_at
        held.value[column], held.quality[column] = earlier.value, earlier.quality
        held.stands[:] = (held.at == last) & (last > NEVER)
        return held


def split(scans: Scans, busy: NDArray[np.uint32]) -> tuple[list[Grid], Scans]:
    """Give the grids that scans make, and the scans that make none.

    ``busy`` are points of which more was heard in the same time. The points of a set must be known to be those of its
    name.
    """
    order = np.lexsort((scans.at, scans.set_id))
    set_id, at = scans.set_id[order], scans.at[order]
    sets, head, count = np.unique(set_id, return_index=True, return_counts=True)
    repeated = (set_id[1:] == set_id[:-1]) & (at[1:] == at[:-1])
    fits = (sets != AD_HOC) & ~_shares_points(scans, order[head], busy)
    fits[np.searchsorted(sets, set_id[1:][repeated])] = False
    grids = [
        _gather(scans, order[head[chosen, np.newaxis] + np.arange(rows)].T)
        for rows, chosen in _alike(count, np.flatnonzero(fits))
    ]
    return grids, scans.select(~np.isin(scans.set_id, sets[fits]))


def _alike(count: NDArray[np.int64], sets: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Sets with as many scans as each other."""
    for rows in np.unique(count[sets]).tolist():
        yield rows, sets[count[sets] == rows]


def _shares_points(scans: Scans, head: NDArray[np.int64], busy: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which of the sets (by one scan of each) have a point that is ``busy``, ad hoc, or in another set as well."""
    named = np.flatnonzero(scans.set_id[head] != AD_HOC)
    members = scans.point[scans.places(head[named])]
    ad_hoc = scans.select(scans.set_id == AD_HOC).point
    points, times = np.unique(np.concatenate((members, np.unique(ad_hoc), np.unique(busy))), return_counts=True)
    shared = np.zeros(len(head), np.bool_)
    if (times > 1).any():
        owner = np.repeat(named, scans.length[head[named]])
        shared[owner[np.isin(members, points[times > 1])]] = True
    return shared


def _gather(scans: Scans, chosen: NDArray[np.int64]) -> Grid:
    """Grid of scans, by number: a row of them for each time, a column of them for each set."""
    begin, first = scans.begin, scans.places(chosen[0])
    set_of = np.repeat(np.arange(chosen.shape[1]), scans.length[chosen[0]])
    places = first + (begin[chosen] - begin[chosen[0]])[:, set_of]
    return Grid(
        scans.point[first],
        set_of,
        scans.at[chosen],
        scans.recorded_at[chosen],
        scans.value[places],
        scans.quality[places],
    )


def sum_minute(grid: Grid, held: Held, begin: int, end: int, holds: Holds) -> tuple[Rollups, Samples]:
    """Figures of the minute from ``begin`` to ``end`` (µs UTC), and what of its points still stands afterwards.

    All rows lie in the minute; a value in it stands for the rest of the minute at least (``HOLD_MIN_US``).
    """
    good = is_good(grid.quality) & np.isfinite(grid.value)
    stood = _Stood.until_first_scan(grid, held, begin, end, holds)
    return _figures(grid, good, stood, begin, end), _still_needed(grid, good, held, stood.ends >= end)


@dataclass(frozen=True, slots=True)
class _Stood:
    """What was carried into the minute: the value (NaN: none), how long it stood in it, and until when it could."""

    value: NDArray[np.float64]
    us: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def until_first_scan(cls, grid: Grid, held: Held, begin: int, end: int, holds: Holds) -> Self:
        known = held.at > NEVER
        ends = np.where(known, holds.ends(grid.point, np.where(known, held.at, begin)), NEVER)
        carried = ends > begin
        until = np.minimum(np.minimum(grid.at[0][grid.set_of], ends), end)
        us = np.where(carried & held.stands, np.maximum(until - begin, 0), 0)
        return cls(np.where(carried, held.value, np.nan), us, ends)


def _figures(grid: Grid, good: NDArray[np.bool_], stood: _Stood, begin: int, end: int) -> Rollups:
    count = good.sum(axis=0)
    sampled, stands, carried = count > 0, stood.us > 0, ~np.isnan(stood.value)
    first = np.where(sampled, _pick(grid.value, good.argmax(axis=0)), np.nan)
    value = _filled(grid.value, good, np.where(sampled, first, 0.0))
    ends = np.append(grid.at[1:], np.full((1, grid.at.shape[1]), end), axis=0)
    lasting = (ends - grid.at)[:, grid.set_of] * good

    low, high = np.where(sampled, value.min(axis=0), np.inf), np.where(sampled, value.max(axis=0), -np.inf)
    low, high = (
        np.fmin(low, np.where(stands, stood.value, np.inf)),
        np.fmax(high, np.where(stands, stood.value, -np.inf)),
    )
    known = sampled | stands
    low, high = np.where(known, low, np.nan) + 0.0, np.where(known, high, np.nan) + 0.0
    good_us = lasting.sum(axis=0) + stood.us
    area = _in_order(np.where(stands, stood.value - low, 0.0) * stood.us, (value - low) * lasting)
    mean = low + np.divide(area, good_us, out=np.full(len(area), np.nan), where=good_us > 0)
    step = np.where(carried & sampled, np.minimum(first - stood.value, 0.0), 0.0)
    return Rollups(
        point=grid.point.astype(np.int64),
        bucket=np.full(len(count), begin),
        count=count,
        good_us=good_us,
        mean=np.minimum(mean, high),
        low=low,
        high=high,
        start=stood.value,
        first=first,
        last=np.where(sampled, value[-1], np.nan),
        fall=_in_order(step, np.minimum(value[1:] - value[:-1], 0.0)),
    ).select(sampled | carried)


def _pick(rows: NDArray[Any], row: NDArray[np.int64]) -> NDArray[Any]:
    """Of every column the value in one row."""
    picked: NDArray[Any] = rows[row, np.arange(rows.shape[1])]
    return picked


def _filled(value: NDArray[np.float64], good: NDArray[np.bool_], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values with the good one before in place of each that is not good, and the first good one before it."""
    if good.all():
        return value
    value, missing = value.copy(), ~good
    np.copyto(value[0], first, where=missing[0])
    for row in range(1, len(value)):
        np.copyto(value[row], value[row - 1], where=missing[row])
    return value


def _in_order(total: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add rows up one after the other, as rollups do: numpy's own sum of few columns pairs them."""
    for row in rows:
        total += row
    return total


def _still_needed(grid: Grid, good: NDArray[np.bool_], held: Held, held_stands: NDArray[np.bool_]) -> Samples:
    """Of each point the last sample, and the last good one if it is another."""
    newest = len(good) - 1 - good[::-1].argmax(axis=0)
    sampled = good.any(axis=0)
    own = sampled & (newest < len(good) - 1)
    earlier = ~sampled & held_stands
    before = Samples(grid.point, held.at, held.recorded_at, held.value, held.quality).select(earlier)
    return Samples.join(
        [before, grid.samples_at(newest).select(own), grid.samples_at(np.full(len(newest), len(good) - 1))]
    )
