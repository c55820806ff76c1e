"""What of stored samples is sealed: one digest for everything that was recorded at one time.

The digest is over facts, not over rows: distinct samples sorted by time, point, quality and value, whatever scans or
cold blocks they are kept in, or both at a time. It is SHA-256 of, little-endian (`docs/reference/integrity.md`)::

    "samples 1" | u64 samples | u64 times
    i64 time[times] | u32 samples_of_time[times]
    u32 point[samples] | u8 quality[samples] | f64 value[samples]

Times are µs UTC; every NaN counts as the same one.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.historian.columns import Samples, Scans

FORMAT: Final = b"samples 1"
_COUNTS: Final = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class TimeSeal:
    """All samples recorded at one time: how many, the time they span (µs UTC, both included), and their digest."""

    recorded_at: int
    first: int
    last: int
    samples: int
    digest: bytes


def seal_of_nothing(recorded_at: int) -> TimeSeal:
    """Give the seal of a time at which no sample was recorded."""
    return TimeSeal(recorded_at, recorded_at, recorded_at, 0, hashlib.sha256(FORMAT + _COUNTS.pack(0, 0)).digest())


def seal_scans(scans: Scans) -> dict[int, TimeSeal]:
    """Seals of scans, by the time they were recorded at."""
    filled = scans.length > 0
    columns = (scans.recorded_at[filled], scans.at[filled], scans.length[filled])
    return _seal(*columns, scans.point, scans.value, scans.quality)


def seal_samples(samples: Samples) -> dict[int, TimeSeal]:
    """Seals of samples, by the time they were recorded at; the same as of the scans they came in."""
    if not len(samples):
        return {}
    starts = _starts(samples.recorded_at, samples.at)
    begin = np.flatnonzero(starts)
    length = np.diff(np.append(begin, len(samples)))
    return _seal(samples.recorded_at[begin], samples.at[begin], length, samples.point, samples.value, samples.quality)


def _seal(
    recorded_at: NDArray[np.int64],
    at: NDArray[np.int64],
    length: NDArray[np.int64],
    point: NDArray[np.uint32],
    value: NDArray[np.float64],
    quality: NDArray[np.uint8],
) -> dict[int, TimeSeal]:
    """Seals of runs of samples that have both times in common."""
    if not len(length):
        return {}
    unknown = np.isnan(value)
    if unknown.any():
        value = np.where(unknown, np.nan, value)
    order = _order_of_runs(recorded_at, at)
    if order is not None:
        places = _places(length, order)
        recorded_at, at, length = recorded_at[order], at[order], length[order]
        point, value, quality = point[places], value[places], quality[places]
    first_run = np.flatnonzero(_starts(recorded_at, at))
    recorded_at, at, length = recorded_at[first_run], at[first_run], np.add.reduceat(length, first_run)
    order, tied = _order_within(length, point, value, quality)
    if order is not None:
        point, value, quality = point[order], value[order], quality[order]
    if tied:
        kept = _distinct(length, point, value, quality)
        length = np.add.reduceat(kept, np.cumsum(length) - length, dtype=np.int64)
        point, value, quality = point[kept], value[kept], quality[kept]
    return _digests(recorded_at, at, length, point.astype("<u4", copy=False), value.astype("<f8", copy=False), quality)


def _digests(
    recorded_at: NDArray[np.int64],
    at: NDArray[np.int64],
    length: NDArray[np.int64],
    point: NDArray[np.uint32],
    value: NDArray[np.float64],
    quality: NDArray[np.uint8],
) -> dict[int, TimeSeal]:
    begin = np.flatnonzero(_starts(recorded_at))
    end = np.append(begin[1:], len(recorded_at))
    ends = np.append(0, np.cumsum(length))
    times, lengths = at.astype("<i8"), length.astype("<u4")
    seals: dict[int, TimeSeal] = {}
    for number, first, last in zip(recorded_at[begin].tolist(), begin.tolist(), end.tolist(), strict=True):
        runs, chosen = slice(first, last), slice(int(ends[first]), int(ends[last]))
        samples = chosen.stop - chosen.start
        digest = hashlib.sha256(FORMAT + _COUNTS.pack(samples, last - first))
        for column in (times[runs], lengths[runs], point[chosen], quality[chosen], value[chosen]):
            digest.update(column.data)
        seals[number] = TimeSeal(number, int(at[first]), int(at[last - 1]), samples, digest.digest())
    return seals


def _starts(*columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Where any of the columns differs from the place before."""
    starts = np.ones(len(columns[0]), np.bool_)
    starts[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return starts


def _order_of_runs(recorded_at: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.intp] | None:
    """Order by both times; none where they are in order already."""
    later = recorded_at[1:] > recorded_at[:-1]
    if (later | ((recorded_at[1:] == recorded_at[:-1]) & (at[1:] >= at[:-1]))).all():
        return None
    return np.lexsort((at, recorded_at))


def _places(length: NDArray[np.int64], order: NDArray[np.intp]) -> NDArray[np.int64]:
    """Places of all samples when runs of these lengths are put into an order."""
    begin = np.cumsum(length) - length
    sorted_length = length[order]
    shift = begin[order] - (np.cumsum(sorted_length) - sorted_length)
    places: NDArray[np.int64] = np.repeat(shift, sorted_length) + np.arange(int(length.sum()))
    return places


def _order_within(
    length: NDArray[np.int64], point: NDArray[np.uint32], value: NDArray[np.float64], quality: NDArray[np.uint8]
) -> tuple[NDArray[np.intp] | None, bool]:
    """Order of samples by run, point, quality and value, and whether a run has a point twice.

    None where every run's points rise already; only runs that are out of order are sorted. Most drivers read points in
    the order of their numbers.
    """
    falls = np.zeros(len(point), np.bool_)
    falls[1:] = point[1:] <= point[:-1]
    begin = np.cumsum(length) - length
    falls[begin] = False
    if not falls.any():
        return None, False
    disordered = np.logical_or.reduceat(falls, begin)
    order = np.arange(len(point))
    for size in np.unique(length[disordered]).tolist():
        first = begin[disordered & (length == size), np.newaxis]
        runs = np.lib.stride_tricks.sliding_window_view(point, size)[first[:, 0]]
        order[first + np.arange(size)] = first + np.argsort(runs, axis=1)
    single = _starts(point[order])
    single[begin] = True
    if single.all():
        return order, False
    run = np.repeat(np.arange(len(length)), length)
    return np.lexsort((value.view(np.uint64), quality, point, run)), True


def _distinct(
    length: NDArray[np.int64], point: NDArray[np.uint32], value: NDArray[np.float64], quality: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Which of sorted samples are not the same as the one before: what is kept twice is one fact."""
    kept = _starts(point, quality, value.view(np.uint64))
    kept[np.cumsum(length) - length] = True
    return kept
