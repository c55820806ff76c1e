"""Filling gaps in figures, for those who ask for it: what is filled is marked, and long gaps stay gaps.

Zero is no filling: missing is never zero (`docs/reference/history.md`).
"""

from dataclasses import replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import Quality
from cityhall_bms.historian.holds import HOLD_MAX_US, HOLD_SCANS
from cityhall_bms.ports.history import Series

FILLED: Final = Quality.UNCERTAIN_ESTIMATED


class Fill(StrEnum):
    """What stands in an interval of which nothing is known."""

    NONE = "none"
    PREVIOUS = "previous"
    LINEAR = "linear"


def fill(series: Series, how: Fill, ends_at: int, present: int) -> Series:
    """Fill the gaps of intervals that are as long as the longest hold, or three intervals, at most.

    ``ends_at`` is the end of the last interval; one that begins at ``present`` (µs UTC) or later is no gap.
    ``PREVIOUS`` repeats the figure before the gap, ``LINEAR`` goes straight from that to the one behind it and needs
    both. Filled figures are uncertain (*estimated*), and their coverage stays what it is.
    """
    if how is Fill.NONE or not len(series.at):
        return series
    edges = np.append(series.at, ends_at)
    known = ~np.isnan(series.value)
    before, after = _neighbours(known)
    gap = ~known & (before >= 0) & (series.at < present)
    # A gap that lasts until the end, or until the present, ends there.
    behind = np.minimum(edges[after], present)
    length = behind - edges[np.maximum(before, 0) + 1]
    longest = np.maximum(HOLD_MAX_US, HOLD_SCANS * np.diff(edges))
    gap &= length <= longest
    if how is Fill.LINEAR:
        gap &= after < len(known)
    value, quality = series.value.copy(), series.quality.copy()
    value[gap] = _filled(series, how, np.flatnonzero(gap), before, after)
    quality[gap] = FILLED
    return replace(series, value=value, quality=quality)


def _neighbours(known: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Place of the last known figure up to each place (-1: none), and of the next one (beyond the end: none)."""
    place = np.arange(len(known))
    before = np.maximum.accumulate(np.where(known, place, -1))
    after = np.minimum.accumulate(np.where(known, place, len(known))[::-1])[::-1]
    return before, after


def _filled(
    series: Series, how: Fill, gap: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.float64]:
    left = before[gap]
    if how is Fill.PREVIOUS:
        return series.value[left]
    right = after[gap]
    share = (series.at[gap] - series.at[left]) / (series.at[right] - series.at[left])
    filled: NDArray[np.float64] = series.value[left] + share * (series.value[right] - series.value[left])
    return filled
