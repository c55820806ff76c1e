"""Which readings are news."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.collector.silence import silence_max_s
from cityhall_bms.domain.batch import Readings
from cityhall_bms.ports.driver import BoundPoint


class Deadband:
    """What was last recorded of each point of a device that has a deadband.

    Points without one are recorded at every scan. The others are recorded when they moved by more than their
    deadband, when their quality changed, or when nothing was recorded of them for
    :func:`~cityhall_bms.collector.silence.silence_max_s`, so that a quiet point never looks like a dead one.
    """

    def __init__(self, points: Sequence[BoundPoint]) -> None:
        ordered = sorted(points, key=lambda bound: bound.point_id)
        self._point = np.array([bound.point_id for bound in ordered], np.uint32)
        self._width = np.array([bound.point.deadband for bound in ordered], np.float64)
        self._silence_us = np.array([silence_max_s(bound.point.scan_s) * 1e6 for bound in ordered], np.int64)
        self._value = np.full(len(ordered), np.nan)
        self._quality = np.full(len(ordered), -1, np.int16)
        self._at = np.zeros(len(ordered), np.int64)
        self._unused = not (self._width > 0).any()

    def news(self, readings: Readings) -> list[Readings]:
        """What of these readings must be recorded: the points without a deadband, whole, and a selection of others."""
        if self._unused or not len(readings):
            return [readings] if len(readings) else []
        rows = np.searchsorted(self._point, readings.point)
        always = self._width[rows] <= 0
        if always.all():
            return [readings]
        chosen = self._moved(readings, rows) & ~always
        parts = [_whole(readings, always), readings.pick(chosen)]
        return [part for part in parts if len(part)]

    def recorded(self, readings: Readings) -> None:
        """Remember what was recorded. Only then: a sample that was not recorded must not hide the next one."""
        if self._unused or not len(readings):
            return
        rows = np.searchsorted(self._point, readings.point)
        self._value[rows] = readings.value
        self._quality[rows] = readings.quality
        self._at[rows] = readings.observed_at

    def _moved(self, readings: Readings, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        moved = np.abs(readings.value - self._value[rows]) > self._width[rows]
        # No number against a number is a move, and NaN compares as none.
        appeared = np.isnan(readings.value) != np.isnan(self._value[rows])
        changed = readings.quality.astype(np.int16) != self._quality[rows]
        # In either direction: after our clock was set back, what was recorded last lies in the future.
        silent = np.abs(readings.observed_at - self._at[rows]) >= self._silence_us[rows]
        return np.asarray(moved | appeared | changed | silent)


def _whole(readings: Readings, chosen: NDArray[np.bool_]) -> Readings:
    """Points that are recorded at every scan: they stay a point set, since it is always the same ones."""
    picked = readings.pick(chosen)
    return Readings(picked.point, picked.observed_at, picked.value, picked.quality, partial=readings.partial)
