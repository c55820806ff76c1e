"""For how long values stood: good time by value, cut at the edges of intervals."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.quality import is_good
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.holds import Holds
from cityhall_bms.historian.rollups import FAR_FUTURE, Rollups
from cityhall_bms.ports.queries import Condition

STATES_MAX: Final = 64
"""Values whose time is told apart."""


@dataclass(frozen=True, slots=True)
class Stood:
    """A value that stood for a time (µs) within one interval, which is named by its begin."""

    at: NDArray[np.int64]
    value: NDArray[np.float64]
    duration: NDArray[np.int64]

    @classmethod
    def join(cls, *parts: "Stood") -> "Stood":
        """Put parts one after the other."""
        return cls(
            np.concatenate([part.at for part in parts], dtype=np.int64),
            np.concatenate([part.value for part in parts], dtype=np.float64),
            np.concatenate([part.duration for part in parts], dtype=np.int64),
        )


def stood(samples: Samples, edges: NDArray[np.int64], known_until: int, holds: Holds) -> Stood:
    """Cut the good values of *ordered* samples of one point at ``edges``; nothing holds beyond ``known_until``."""
    following = np.append(samples.at[1:], FAR_FUTURE)[: len(samples)]
    good = np.flatnonzero(is_good(samples.quality) & np.isfinite(samples.value))
    begin, ends = samples.at[good], holds.ends(samples.point[good], samples.at[good])
    end = np.minimum(np.minimum(following[good], ends), min(known_until, int(edges[-1])))
    first = np.maximum(np.searchsorted(edges, begin, "right") - 1, 0)
    last = np.searchsorted(edges, end, "left")
    # One that came after what is known stood for no time.
    count = np.where(end > begin, np.maximum(last - first, 0), 0)
    row = np.repeat(np.arange(len(good)), count)
    bucket = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    duration = np.minimum(end[row], edges[bucket + 1]) - np.maximum(begin[row], edges[bucket])
    return Stood(edges[bucket], samples.value[good][row], duration)


def constant(rows: Rollups, condition: Condition | None) -> NDArray[np.bool_]:
    """Tell of which rows the least and the greatest value already say it: all of their time counts, or none of it."""
    same: NDArray[np.bool_] = (rows.low == rows.high) | (rows.good_us == 0)
    if condition is None or condition.states:
        return same
    inside = condition.holds(rows.low) & condition.holds(rows.high)
    above = np.zeros(len(rows), np.bool_) if condition.above is None else rows.high <= condition.above
    below = np.zeros(len(rows), np.bool_) if condition.below is None else rows.low >= condition.below
    return same | inside | above | below


def known_s(pieces: Stood, edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """For how many seconds of each interval any good value stood."""
    total = np.zeros(len(edges) - 1, np.int64)
    np.add.at(total, np.searchsorted(edges, pieces.at, "right") - 1, pieces.duration)
    return np.asarray(total / 1e6, np.float64)


def by_value(pieces: Stood, edges: NDArray[np.int64]) -> tuple[tuple[float, ...], NDArray[np.float64]]:
    """Values, ascending, and for how many seconds each stood in each interval; refused for too many values."""
    values, row = np.unique(pieces.value, return_inverse=True)
    if len(values) > STATES_MAX:
        msg = f"the point had {len(values)} values, {STATES_MAX} are told apart at most: ask for `above` or `below`"
        raise RefusedError(msg)
    total = np.zeros((len(values), len(edges) - 1), np.int64)
    np.add.at(total, (row, np.searchsorted(edges, pieces.at, "right") - 1), pieces.duration)
    return tuple(values.tolist()), total / 1e6


def while_true(pieces: Stood, edges: NDArray[np.int64], condition: Condition) -> NDArray[np.float64]:
    """For how many seconds of each interval the condition held."""
    total = np.zeros(len(edges) - 1, np.int64)
    chosen = condition.holds(pieces.value)
    np.add.at(total, np.searchsorted(edges, pieces.at[chosen], "right") - 1, pieces.duration[chosen])
    return np.asarray(total / 1e6, np.float64)
