"""Present values of all points, as columns indexed by point id."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.quality import BAD_FROM, Quality, is_bad, is_good

SCAN_S_DEFAULT: Final = 60.0
"""Scan period of a point that nobody described, s."""
POINT_ID_MAX: Final = 4_000_000
"""Largest number a registry hands out; samples beyond it are a defect and are left out."""

AHEAD_MAX_US: Final = 5_000_000
"""How far ahead of its collector's clock a sample may be recorded (later ones are given the collector's time)."""


def uncertain_after_s(scan_s: float) -> float:
    """Age at which a value is no longer sure: three missed scans, a minute at least."""
    return max(3.0 * scan_s, 60.0)


def bad_after_s(scan_s: float) -> float:
    """Age at which a value must not be shown as one: ten missed scans, a quarter of an hour at least."""
    return max(10.0 * scan_s, 900.0)


class LiveTable:
    """Newest value, quality and time (µs UTC) of every point.

    The columns are indexed by point id and as long as the largest id known; they are replaced when the table grows,
    so take them from the table each time and do not write to them. A point that was never seen is NaN,
    ``BAD_NO_DATA``, time 0.
    """

    def __init__(self, scan_s: Mapping[int, float] | None = None) -> None:
        periods = scan_s or {}
        self.value: NDArray[np.float64] = np.empty(0, np.float64)
        self.quality: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.observed_at: NDArray[np.int64] = np.empty(0, np.int64)
        self._uncertain_after_us: NDArray[np.int64] = np.empty(0, np.int64)
        self._bad_after_us: NDArray[np.int64] = np.empty(0, np.int64)
        self._grow(max(periods, default=0) + 1)
        for point, period in periods.items():
            self._uncertain_after_us[point] = round(uncertain_after_s(period) * 1e6)
            self._bad_after_us[point] = round(bad_after_s(period) * 1e6)

    def __len__(self) -> int:
        return len(self.value)

    def apply(self, batch: SampleBatch) -> NDArray[np.uint32]:
        """Take a batch in; give the ids (ascending) of the points whose present sample it replaced.

        A late sample never replaces a newer one; of two with the same time the one that came later counts. A sample
        that we hold and that lies ahead of the batch's own recording is no newer one: a clock was set back.
        """
        return self.load(batch.point, batch.observed_at, batch.value, batch.quality, batch.recorded_at)

    def load(
        self,
        point: NDArray[np.uint32],
        at: NDArray[np.int64],
        value: NDArray[np.float64],
        quality: NDArray[np.uint8],
        recorded_at: int | None = None,
    ) -> NDArray[np.uint32]:
        """Take samples in, from a snapshot or a batch (which has a ``recorded_at``), by the rule of :meth:`apply`."""
        if not len(point):
            return np.empty(0, np.uint32)
        # Assignment through repeated indices leaves the last one, so the newest of each point must come last.
        if (at[1:] < at[:-1]).any():
            order = np.argsort(at, kind="stable")
            point, at, value, quality = point[order], at[order], value[order], quality[order]
        known = point <= POINT_ID_MAX
        if not known.all():
            point, at, value, quality = point[known], at[known], value[known], quality[known]
        if len(point) and int(point.max()) >= len(self):
            self._grow(max(int(point.max()) + 1, 2 * len(self)))
        held = self.observed_at[point]
        newer = at >= held if recorded_at is None else (at >= held) | (held > recorded_at + AHEAD_MAX_US)
        chosen = point[newer]
        self.value[chosen] = value[newer]
        self.quality[chosen] = quality[newer]
        self.observed_at[chosen] = at[newer]
        # Each id once and ascending, without sorting them.
        replaced = np.zeros(len(self), np.bool_)
        replaced[chosen] = True
        return np.flatnonzero(replaced).astype(np.uint32)

    def quality_now(self, now: int) -> NDArray[np.uint8]:
        """Quality of every point at ``now`` (µs UTC), as its age leaves it: a new column.

        Age takes quality away and never hides a worse reason: an old good value becomes ``UNCERTAIN_STALE``, an old
        value of any but bad quality ``BAD_STALE``. A time in the future (our clock was set back) counts like one as
        far in the past.
        """
        age = np.abs(now - self.observed_at)
        quality = self.quality.copy()
        quality[is_good(quality) & (age > self._uncertain_after_us)] = Quality.UNCERTAIN_STALE
        quality[~is_bad(quality) & (age > self._bad_after_us)] = Quality.BAD_STALE
        return quality

    def present(self, point: int, now: int) -> tuple[float, int, int | None]:
        """Value, quality code at ``now`` and time of one point; time none when it was never seen."""
        if not 0 <= point < len(self) or self.observed_at[point] == 0:
            return float("nan"), int(Quality.BAD_NO_DATA), None
        at, quality = int(self.observed_at[point]), int(self.quality[point])
        age = abs(now - at)
        if quality < BAD_FROM and age > self._bad_after_us[point]:
            quality = int(Quality.BAD_STALE)
        elif quality == Quality.GOOD and age > self._uncertain_after_us[point]:
            quality = int(Quality.UNCERTAIN_STALE)
        return float(self.value[point]), quality, at

    def _grow(self, length: int) -> None:
        more = max(min(length, POINT_ID_MAX + 1) - len(self), 0)
        self.value = np.append(self.value, np.full(more, np.nan))
        self.quality = np.append(self.quality, np.full(more, Quality.BAD_NO_DATA, np.uint8))
        self.observed_at = np.append(self.observed_at, np.zeros(more, np.int64))
        default_us = np.array([uncertain_after_s(SCAN_S_DEFAULT), bad_after_s(SCAN_S_DEFAULT)]) * 1e6
        self._uncertain_after_us = np.append(self._uncertain_after_us, np.full(more, default_us[0], np.int64))
        self._bad_after_us = np.append(self._bad_after_us, np.full(more, default_us[1], np.int64))
