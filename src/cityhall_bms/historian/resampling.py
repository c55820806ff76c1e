"""A long time on a small screen: which interval fits, and which values look like all of them."""

from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.historian.intervals import HOUR_US, interval_edges, length_us
from cityhall_bms.historian.rollups import Rollups
from cityhall_bms.ports.history import Window

SCREEN_INTERVALS: Final = (
    "1s", "5s", "10s", "15s", "30s", "1m", "5m", "10m", "15m", "30m", "1h", "2h", "3h", "4h", "6h", "8h", "12h", "1d",
    "1mo",
)  # fmt: skip
CALENDAR_US: Final = {"1d": 23 * HOUR_US, "1mo": 28 * 24 * HOUR_US}
"""Shortest of them; close enough to tell beforehand that there would be too many."""


def fitting_interval(window: Window, buckets: int, zone: ZoneInfo) -> tuple[str, NDArray[np.int64]]:
    """Shortest interval of which at most so many overlap the window, and its edges; ``RefusedError`` if none is."""
    for interval in SCREEN_INTERVALS:
        length = length_us(interval) or CALENDAR_US[interval]
        if (window.end - window.start) / length > 2 * buckets:
            continue
        edges = interval_edges(window, interval, zone)
        if len(edges) - 1 <= buckets:
            return interval, edges
    msg = f"that time has more than {buckets} months: ask for more buckets, or a shorter time"
    raise RefusedError(msg)


def extremes(rows: Rollups) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Least and greatest value of every row, in order of time, each at its bucket's begin; the same one once.

    Which came first is not known; the one that is nearer to the value before comes first.
    """
    known = np.flatnonzero(~np.isnan(rows.low))
    low, high, at = rows.low[known], rows.high[known], rows.bucket[known]
    middle = (low + high) / 2
    falling = np.append(np.False_, middle[1:] < middle[:-1])
    values = np.stack((np.where(falling, high, low), np.where(falling, low, high)), axis=1)
    keep = np.stack((np.ones(len(known), np.bool_), low != high), axis=1).reshape(-1)
    return np.repeat(at, 2)[keep], values.reshape(-1)[keep]


def largest_triangles(at: NDArray[np.int64], value: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Places of ``count`` (3 or more) values that look like all: Largest-Triangle-Three-Buckets.

    The first and the last value stay; of each bucket between them the one that makes the largest triangle with the
    value chosen before and the mean of the next bucket (S. Steinarsson, *Downsampling Time Series for Visual
    Representation*, 2013).
    """
    total = len(at)
    if total <= count:
        return np.arange(total)
    x = (at - at[0]).astype(np.float64)
    edges = 1 + (np.arange(count - 1) * (total - 2)) // (count - 2)
    starts = edges[:-1]
    sizes = np.diff(edges)
    mean_x = np.append(np.add.reduceat(x[1:-1], starts - 1) / sizes, x[-1])
    mean_y = np.append(np.add.reduceat(value[1:-1], starts - 1) / sizes, value[-1])
    chosen = np.zeros(count, np.intp)
    chosen[-1] = total - 1
    for bucket, (begin, size) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
        left = chosen[bucket]
        part = slice(begin, begin + size)
        area = np.abs(
            (x[left] - mean_x[bucket + 1]) * (value[part] - value[left])
            - (x[left] - x[part]) * (mean_y[bucket + 1] - value[left])
        )
        chosen[bucket + 1] = begin + int(area.argmax())
    return chosen


def parted(
    at: NDArray[np.int64], value: NDArray[np.float64], gaps: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Put a NaN between two values where a gap begins (µs UTC, ascending), once for each pair of values."""
    place = np.searchsorted(at, gaps, "right")
    place, first = np.unique(place, return_index=True)
    inner = (place > 0) & (place < len(at))
    return np.insert(at, place[inner], gaps[first[inner]]), np.insert(value, place[inner], np.nan)
