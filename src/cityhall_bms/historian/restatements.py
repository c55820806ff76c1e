"""Which figures differ after hours were computed again (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.historian.counters import Steps, corrected
from cityhall_bms.historian.rollups import Rollups

FIGURES: Final = ("count", "good_us", "mean", "delta")


@dataclass(frozen=True, slots=True)
class Figures:
    """What was, or is, told of some buckets: rows of rollups and the steps of counters in them."""

    rows: Rollups
    steps: Steps


@dataclass(frozen=True, slots=True)
class Restated:
    """Figures of points and buckets that differ; NaN where nothing was, or is, known. Times µs UTC."""

    point: NDArray[np.int64]
    bucket: NDArray[np.int64]
    bucket_end: NDArray[np.int64]
    old: dict[str, NDArray[Any]]
    new: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.point)


def compare(before: Figures, after: Figures, edges: NDArray[np.int64]) -> Restated:
    """Count, coverage, mean and delta of the buckets between ``edges``, where any of them differs."""
    keys = np.unique(np.concatenate([_keys(before.rows), _keys(after.rows)], axis=1), axis=1)
    old, new = _spread(before, keys, edges), _spread(after, keys, edges)
    equal = [(old[name] == new[name]) | (np.isnan(old[name]) & np.isnan(new[name])) for name in FIGURES]
    chosen = ~np.logical_and.reduce(equal)
    bucket = keys[1][chosen]
    return Restated(
        keys[0][chosen],
        bucket,
        edges[np.searchsorted(edges, bucket) + 1],
        {name: column[chosen] for name, column in old.items()},
        {name: column[chosen] for name, column in new.items()},
    )


def changed_points(before: Rollups, after: Rollups) -> list[int]:
    """Points of which any figure of any row differs."""
    known = before.point.tolist(), before.bucket.tolist()
    old = {key: row for row, key in enumerate(zip(*known, strict=True))}
    found = {point for point, _ in old} | set(after.point.tolist())
    same: dict[int, bool] = dict.fromkeys(found, True)
    matched = np.array(
        [old.get(key, -1) for key in zip(after.point.tolist(), after.bucket.tolist(), strict=True)], np.int64
    )
    differs = matched < 0
    if len(before):
        twins = before.select(np.maximum(matched, 0))
        for name in Rollups.__slots__:
            one, other = getattr(twins, name), getattr(after, name)
            differs |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    lost = set(range(len(before))) - set(matched.tolist())
    for point in (*after.point[differs].tolist(), *before.point[sorted(lost)].tolist()):
        same[point] = False
    return sorted(point for point, is_same in same.items() if not is_same)


def bucket_pairs(edges: NDArray[np.int64], closed_through: int) -> Sequence[tuple[int, int]]:
    """Buckets between edges that were closed by a time."""
    return [(begin, end) for begin, end in pairwise(edges.tolist()) if end <= closed_through]


def _keys(rows: Rollups) -> NDArray[np.int64]:
    return np.stack((rows.point, rows.bucket))


def _spread(figures: Figures, keys: NDArray[np.int64], edges: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Columns with a place for every key; nothing known where there is no row."""
    rows = figures.rows
    delta = corrected(rows, edges, figures.steps)
    place = {key: number for number, key in enumerate(zip(keys[0].tolist(), keys[1].tolist(), strict=True))}
    at = [place[key] for key in zip(rows.point.tolist(), rows.bucket.tolist(), strict=True)]
    found: dict[str, NDArray[Any]] = {}
    for name, column, empty in (
        ("count", rows.count, 0),
        ("good_us", rows.good_us, 0),
        ("mean", rows.mean, np.nan),
        ("delta", delta, np.nan),
    ):
        values = np.full(keys.shape[1], empty, column.dtype)
        values[at] = column
        found[name] = values
    return found
