"""Quality by rule: what a driver cannot know about its readings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality, is_bad, is_good
from cityhall_bms.ports.driver import BoundPoint

CLOCK_TOLERANCE_US: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Physical range of the points of one device, as columns in ascending order of their ids; NaN = no limit."""

    point: NDArray[np.uint32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, points: Sequence[BoundPoint]) -> Self:
        """Compile the limits of a device's points, once."""
        ordered = sorted(points, key=lambda bound: bound.point_id)
        return cls(
            np.array([bound.point_id for bound in ordered], np.uint32),
            np.array([np.nan if bound.point.low is None else bound.point.low for bound in ordered], np.float64),
            np.array([np.nan if bound.point.high is None else bound.point.high for bound in ordered], np.float64),
        )

    def rows(self, point: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Places of points in these columns; ``ValueError`` for a point that is not of this device."""
        rows = np.searchsorted(self.point, point)
        if len(point) and not np.array_equal(self.point[np.minimum(rows, len(self.point) - 1)], point):
            msg = "reading of a point that is not of this device"
            raise ValueError(msg)
        return rows


def grade(readings: Readings, limits: Limits, now: int, *, polled: bool) -> Readings:
    """Readings with the quality and the time they deserve; ``now`` is µs UTC.

    - A value that is no finite number although its quality is not bad: ``BAD_DECODE``.
    - A value outside its physical range: ``BAD_RANGE``; the value is kept as evidence.
    - A time over 5 s in the future: our time, ``UNCERTAIN_CLOCK`` unless it is worse already.
    - The answer to a poll with a time over 5 s in the past: our time. Some devices give the time of the last change;
      that they were asked just now proves the value for now.
    """
    rows = limits.rows(readings.point)
    value, at, quality = readings.value, readings.observed_at, readings.quality.copy()
    quality[~np.isfinite(value) & ~is_bad(quality)] = Quality.BAD_DECODE
    outside = (value < limits.low[rows]) | (value > limits.high[rows])
    quality[outside & ~is_bad(quality)] = Quality.BAD_RANGE
    ahead = at > now + CLOCK_TOLERANCE_US
    if ahead.any():
        quality[ahead & is_good(quality)] = Quality.UNCERTAIN_CLOCK
        at = np.where(ahead, now, at)
    behind = at < now - CLOCK_TOLERANCE_US
    if polled and behind.any():
        at = np.where(behind, now, at)
    return replace(readings, observed_at=at, quality=quality)
