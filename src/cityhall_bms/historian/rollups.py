"""What an interval amounts to: the arithmetic of rollups, over columns, without a clock or a store.

A good value holds until the next sample of its point, of whatever quality, and at most as long as ``Holds`` says.
Samples that are not good end the hold and feed no figure; missing is NaN, never zero (`docs/reference/history.md`).
"""

from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import Quality, is_good
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.holds import LIVE, Holds
from cityhall_bms.ports.history import Aggregation

FAR_FUTURE: Final = np.iinfo(np.int64).max // 2


@dataclass(frozen=True, slots=True)
class Rollups:
    """One row per point and bucket about which anything is known, sorted by point and bucket.

    ``good_us`` is the time for which a good value stood, ``mean`` the mean over it; ``low`` and ``high`` include the
    value carried in, ``first`` and ``last`` do not; ``start`` is the last good value before the bucket, if it is not
    older than the hold; ``fall`` (never above zero) sums the decreases between successive good samples.
    """

    point: NDArray[np.int64]
    bucket: NDArray[np.int64]
    count: NDArray[np.int64]
    good_us: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    start: NDArray[np.float64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    fall: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.point)

    def select(self, chosen: NDArray[Any] | slice) -> Self:
        """Give some of the rows."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def merge(cls, *parts: "Rollups") -> Self:
        """Join rows and sort them by point and bucket."""
        columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        order = np.lexsort((columns["bucket"], columns["point"]))
        return cls(**{name: column[order] for name, column in columns.items()})

    @classmethod
    def empty(cls) -> Self:
        """No rows."""
        numbers, figures = np.empty(0, np.int64), np.empty(0, np.float64)
        return cls(*(numbers,) * 4, *(figures,) * 7)

    def delta(self) -> NDArray[np.float64]:
        """Change of value: last good value against the one at the bucket's start, or against the first one in it."""
        reference = np.where(np.isnan(self.start), self.first, self.start)
        unchanged = np.where(self.good_us > 0, 0.0, np.nan)
        return np.where(self.count > 0, self.last - reference, unchanged)

    def figure(self, aggregation: Aggregation) -> NDArray[np.float64]:
        """One figure per row. Where a value only held, without a sample, it is first and last as well."""
        if aggregation is Aggregation.DELTA:
            return self.delta()
        if aggregation is Aggregation.COUNT:
            return self.count.astype(np.float64)
        if aggregation in {Aggregation.FIRST, Aggregation.LAST}:
            sampled = self.first if aggregation is Aggregation.FIRST else self.last
            return np.where(self.count > 0, sampled, self.low)
        return {Aggregation.MEAN: self.mean, Aggregation.MIN: self.low, Aggregation.MAX: self.high}[aggregation]


def rollup(samples: Samples, edges: NDArray[np.int64], known_until: int = FAR_FUTURE, holds: Holds = LIVE) -> Rollups:
    """Sum up *ordered* samples over the buckets between ascending ``edges``.

    ``samples`` must reach back to ``holds.since`` the first edge. Nothing holds beyond ``known_until`` (the present).
    """
    if not len(samples) or len(edges) < 2:
        return Rollups.empty()
    good = np.flatnonzero(is_good(samples.quality) & np.isfinite(samples.value))
    if not len(good):
        return Rollups.empty()
    at, point = samples.at[good], samples.point[good].astype(np.int64)
    ends = holds.ends(samples.point[good], at)
    pieces = _Pieces.cut(at, np.minimum(_next_of_point(at, point), ends - 1), edges)
    number = pieces.sample
    held_until = np.minimum(_next_of_point(samples.at, samples.point)[good], np.minimum(ends, known_until))
    begin = np.maximum(at[number], edges[pieces.bucket])
    end = np.minimum(held_until[number], edges[pieces.bucket + 1])
    return _reduce(point[number], pieces, samples.value[good][number], np.maximum(end - begin, 0), edges)


def _next_of_point(at: NDArray[np.int64], point: NDArray[Any]) -> NDArray[np.int64]:
    """Time of the next sample of the same point."""
    following = np.full(len(at), FAR_FUTURE, np.int64)
    following[:-1] = np.where(point[1:] == point[:-1], at[1:], FAR_FUTURE)
    return following


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Good samples, cut at the edges: each in its own bucket, and in those that it is carried into."""

    sample: NDArray[np.int64]
    bucket: NDArray[np.int64]
    own: NDArray[np.bool_]

    @classmethod
    def cut(cls, at: NDArray[np.int64], reach: NDArray[np.int64], edges: NDArray[np.int64]) -> Self:
        """A sample is carried into every bucket at whose start (``reach`` at latest) it is the last good one and holds.

        Within a point the pieces are in order of time, and a bucket's carried piece is its first one.
        """
        buckets = len(edges) - 1
        home = np.searchsorted(edges, at, "right") - 1
        inside = (home >= 0) & (home < buckets)
        last = np.searchsorted(edges[:-1], reach, "right") - 1
        first = np.where(inside, home, np.maximum(home + 1, 0))
        count = np.maximum(np.maximum(last, np.where(inside, home, -1)) - first + 1, 0)
        sample = np.repeat(np.arange(len(at)), count)
        step = np.arange(len(sample)) - np.repeat(np.cumsum(count) - count, count)
        return cls(sample, first[sample] + step, inside[sample] & (step == 0))


def _reduce(
    point: NDArray[np.int64],
    pieces: _Pieces,
    value: NDArray[np.float64],
    duration: NDArray[np.int64],
    edges: NDArray[np.int64],
) -> Rollups:
    if not len(point):
        return Rollups.empty()
    begins, group = _groups(point, pieces.bucket)
    ends = np.append(begins[1:], len(point))
    counts = pieces.own | (duration > 0)
    low = np.minimum.reduceat(np.where(counts, value, np.inf), begins)
    high = np.maximum.reduceat(np.where(counts, value, -np.inf), begins)
    known = np.logical_or.reduceat(counts, begins)
    # Plus zero: which of -0.0 and 0.0 is the lower one depends on the order in which they are compared.
    low, high = np.where(known, low, np.nan) + 0.0, np.where(known, high, np.nan) + 0.0
    good_us = np.add.reduceat(duration, begins)
    count = np.add.reduceat(pieces.own.astype(np.int64), begins)
    carried = ~pieces.own[begins]
    step = np.zeros(len(value))
    step[1:] = np.where(group[1:] == group[:-1], value[1:] - value[:-1], 0.0)
    return Rollups(
        point=point[begins],
        bucket=edges[pieces.bucket[begins]],
        count=count,
        good_us=good_us,
        mean=_mean(value, duration, begins, group, (low, high)),
        low=low,
        high=high,
        start=np.where(carried, value[begins], np.nan),
        first=np.where(count > 0, value[np.minimum(begins + carried, len(value) - 1)], np.nan),
        last=np.where(count > 0, value[ends - 1], np.nan),
        fall=_in_order(np.minimum(step, 0.0), group, len(begins)),
    )


def combine(rows: Rollups, edges: NDArray[np.int64]) -> Rollups:
    """Sum up rows of small buckets, sorted by point and bucket, over the larger ones between ``edges``.

    Every small bucket must lie in one large bucket; a small bucket without a row is one of which nothing is known.
    """
    parent = np.searchsorted(edges, rows.bucket, "right") - 1
    inside = (parent >= 0) & (parent < len(edges) - 1)
    rows, parent = rows.select(inside), parent[inside]
    if not len(rows):
        return Rollups.empty()
    begins, group = _groups(rows.point, parent)
    low = np.fmin.reduceat(rows.low, begins)
    high = np.fmax.reduceat(rows.high, begins)
    bucket = edges[parent[begins]]
    start = np.where(rows.bucket[begins] == bucket, rows.start[begins], np.nan)
    sampled = np.flatnonzero(rows.count > 0)
    first, last, fall = _across(rows.select(sampled), group[sampled], start)
    return Rollups(
        point=rows.point[begins],
        bucket=bucket,
        count=np.add.reduceat(rows.count, begins),
        good_us=np.add.reduceat(rows.good_us, begins),
        mean=_mean(rows.mean, rows.good_us, begins, group, (low, high)),
        low=low,
        high=high,
        start=start,
        first=first,
        last=last,
        fall=np.add.reduceat(rows.fall, begins) + fall,
    )


def _across(
    rows: Rollups, group: NDArray[np.int64], start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """First and last sample of each group, and the decreases that no row has seen: those over a gap between rows.

    The first sample of a group is compared with the value at the group's start.
    """
    first: NDArray[np.float64] = np.full(len(start), np.nan)
    last: NDArray[np.float64] = np.full(len(start), np.nan)
    # With repeated indices the last assignment stands.
    first[group[::-1]] = rows.first[::-1]
    last[group] = rows.last
    before = start[group]
    before[1:] = np.where(group[1:] == group[:-1], rows.last[:-1], before[1:])
    jump = np.where(np.isnan(rows.start) & ~np.isnan(before), np.minimum(rows.first - before, 0.0), 0.0)
    return first, last, np.bincount(group, weights=jump, minlength=len(start)).astype(np.float64)


def _groups(point: NDArray[np.int64], bucket: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Begin of each run of equal (point, bucket), and the number of its run for each row."""
    new = np.ones(len(point), np.bool_)
    new[1:] = (point[1:] != point[:-1]) | (bucket[1:] != bucket[:-1])
    return np.flatnonzero(new), np.cumsum(new) - 1


def _mean(
    value: NDArray[np.float64],
    duration: NDArray[np.int64],
    begins: NDArray[np.int64],
    group: NDArray[np.int64],
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Mean by time, summed from the lowest value up: exact for a constant, and precise for a large meter reading."""
    low, high = bounds
    total = np.add.reduceat(duration, begins)
    above = np.where(duration > 0, value - low[group], 0.0)
    area = _in_order(above * duration, group, len(begins))
    mean = low + np.divide(area, total, out=np.full(len(total), np.nan), where=total > 0)
    return np.asarray(np.minimum(mean, high), np.float64)


def _in_order(parts: NDArray[np.float64], group: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    """Sums added up one after the other in the order of time, so that samples in a grid give the same last bit."""
    return np.bincount(group, weights=parts, minlength=groups).astype(np.float64, copy=False)


def coverage(rows: Rollups, length_us: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each bucket that good values stood for, 0..1."""
    return np.asarray(rows.good_us / length_us, np.float64)


def interval_quality(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Good where there is a figure, else bad for want of data."""
    return np.where(np.isnan(values), Quality.BAD_NO_DATA, Quality.GOOD).astype(np.uint8)
