"""Leaks by what flows at night: the least hourly mean of each night against what is usual, and against nothing.

Source: the night-minimum-flow method (AWWA M36, Water Audits and Loss Control Programs). Flows in m³/h.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.sliding import VALID_SHARE_MIN, sliding_mean

HOURS_PER_DAY: Final = 24.0

Cells = NDArray[np.float64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NightLimits:
    """What is too much: more than ``ratio`` times the usual and ``floor_m3h``; on a resting circuit, ``rest_m3h``.

    A finding needs so many nights on end. The usual is the median of the ``usual_days`` before, of which
    ``usual_nights_min`` must be known.
    """

    ratio: float
    floor_m3h: float
    rest_m3h: float
    high_nights: int = 3
    rest_nights: int = 7
    usual_days: int = 28
    usual_nights_min: int = 14


@dataclass(frozen=True, slots=True)
class Nights:
    """Least hourly mean of meters (rows) in each night (columns), m³/h; NaN where a night is not known.

    ``day`` numbers the nights by their local date (days since 0001-01-01); every day of the time has a column.
    """

    day: NDArray[np.int64]
    minimum: Cells


@dataclass(frozen=True, slots=True)
class Found:
    """What the nights say: the usual minimum (NaN: not known yet), and for how many nights it has been too high.

    Nights that are not known neither lengthen such a run nor end it.
    """

    usual: Cells
    high_run: NDArray[np.int64]
    rest_run: NDArray[np.int64]
    """Nights on end with any flow; counted for resting circuits only."""

    def leaking(self, limits: NightLimits) -> Marks:
        """Whether a leak stands, by night."""
        return (self.high_run >= limits.high_nights) | (self.rest_run >= limits.rest_nights)


def night_minima(flow: Cells, coverage: Cells, night: Marks, day: NDArray[np.int64], steps_per_hour: int) -> Nights:
    """Least mean of an hour that lies wholly in a night; the night needs three quarters of such hours known.

    ``flow`` of equal steps (columns); ``night`` marks those of the night, ``day`` is the date that each belongs to.
    """
    first = int(day[0]) if len(day) else 0
    days = np.arange(first, int(day[-1]) + 1) if len(day) else np.zeros(0, np.int64)
    minimum = np.full((len(flow), len(days)), np.nan)
    hour = sliding_mean(flow, coverage, steps_per_hour)
    ends = _wholly_inside(night, day, steps_per_hour)
    for number in np.unique(day[ends]).tolist():
        hours = hour[:, ends & (day == number)]
        known = ~np.isnan(hours)
        enough = known.mean(axis=1) >= VALID_SHARE_MIN
        least = np.where(known, hours, np.inf).min(axis=1)
        minimum[:, number - first] = np.where(enough, least, np.nan)
    return Nights(days, minimum)


def judge_nights(nights: Nights, resting: Marks, limits: NightLimits) -> Found:
    """Compare every night with those before it; ``resting`` marks the circuits (rows) where nothing should flow."""
    usual = usual_minimum(nights.minimum, limits.usual_days, limits.usual_nights_min)
    known = ~np.isnan(nights.minimum)
    high = np.nan_to_num(nights.minimum) > limits.ratio * np.nan_to_num(usual) + limits.floor_m3h
    flowing = (np.nan_to_num(nights.minimum) > limits.rest_m3h) & resting[:, np.newaxis]
    return Found(usual, _runs(high, known & ~np.isnan(usual)), _runs(flowing, known))


def usual_minimum(minimum: Cells, days: int, nights_min: int) -> Cells:
    """Median of the known minima of so many days before each night, itself left out; NaN where too few are known."""
    padded = np.pad(minimum, ((0, 0), (days, 0)), constant_values=np.nan)[:, :-1]
    if not padded.size:
        return np.full(minimum.shape, np.nan)
    ordered = np.sort(np.lib.stride_tricks.sliding_window_view(padded, days, axis=1), axis=-1)  # NaN come last
    count = (~np.isnan(ordered)).sum(axis=-1)
    middles = [
        np.take_along_axis(ordered, np.maximum(place, 0)[..., np.newaxis], axis=-1)[..., 0]
        for place in ((count - 1) // 2, count // 2)
    ]
    median: Cells = np.where(count >= max(nights_min, 1), (middles[0] + middles[1]) / 2.0, np.nan)
    return median


def loss_m3_per_day(minimum_m3h: float, legitimate_m3h: float) -> float:
    """What a leak costs a day: what flows at night beyond legitimate use, all day long. Never less than nothing."""
    return max(minimum_m3h - legitimate_m3h, 0.0) * HOURS_PER_DAY


def _wholly_inside(night: Marks, day: NDArray[np.int64], steps: int) -> Marks:
    """Steps with which an hour ends that lies in one night."""
    ends = night.copy()
    for back in range(1, steps):
        ends[:back] = False
        ends[back:] &= night[:-back] & (day[:-back] == day[back:])
    return ends


def _runs(true: Marks, known: Marks) -> NDArray[np.int64]:
    run = np.zeros(true.shape, np.int64)
    current = np.zeros(len(true), np.int64)
    for night in range(true.shape[1]):
        current = np.where(known[:, night], np.where(true[:, night], current + 1, 0), current)
        run[:, night] = current
    return run
