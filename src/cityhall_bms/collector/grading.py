"""Quality by rule: what a driver cannot know about its readings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality, is_bad, is_good
from cityhall_bms.ports.driver import BoundPoint

CLOCK_TOLERANCE_US: Final = 5_000_000
LARGEST: Final = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class Limits:
    """Physical range of points, as columns; a point without a limit has the widest that a number can have."""

    point: NDArray[np.uint32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, points: Sequence[BoundPoint]) -> Self:
        """Limits of a device's points, in ascending order of their ids."""
        ordered = sorted(((bound.point_id, bound.point) for bound in points), key=itemgetter(0))
        return cls(
            np.array([number for number, _ in ordered], np.uint32),
            np.array([-LARGEST if point.low is None else point.low for _, point in ordered], np.float64),
            np.array([LARGEST if point.high is None else point.high for _, point in ordered], np.float64),
        )

    def pick(self, point: NDArray[np.uint32]) -> "Limits":
        """Limits of some points, in their order; ``ValueError`` for a point that is not of this device."""
        rows = np.minimum(np.searchsorted(self.point, point), len(self.point) - 1)
        if not np.array_equal(self.point[rows], point):
            msg = "reading of a point that is not of this device"
            raise ValueError(msg)
        return Limits(point, self.low[rows], self.high[rows])


def grade(readings: Readings, limits: Limits, now: int, *, polled: bool) -> Readings:
    """Readings with the quality and the time they deserve; ``limits`` are those of their points, ``now`` is µs UTC.

    - A value that is no finite number although its quality is not bad: ``BAD_DECODE``.
    - A value outside its physical range: ``BAD_RANGE``; the value is kept as evidence.
    - A time over 5 s in the future: our time, ``UNCERTAIN_CLOCK`` unless it is worse already.
    - The answer to a poll with a time over 5 s in the past: our time. Some devices give the time of the last change;
      that they were asked just now proves the value for now.
    """
    if not len(readings):
        return readings
    value, at, quality = readings.value, readings.observed_at, readings.quality
    inside = (value >= limits.low) & (value <= limits.high)
    timely = int(at.max()) <= now + CLOCK_TOLERANCE_US and (not polled or int(at.min()) >= now - CLOCK_TOLERANCE_US)
    if timely and inside.all():
        return readings
    quality = quality.copy()
    quality[~inside & ~is_bad(quality)] = Quality.BAD_RANGE
    quality[~np.isfinite(value) & ~is_bad(readings.quality)] = Quality.BAD_DECODE
    ahead = at > now + CLOCK_TOLERANCE_US
    quality[ahead & is_good(quality)] = Quality.UNCERTAIN_CLOCK
    wrong = ahead | (at < now - CLOCK_TOLERANCE_US) if polled else ahead
    return replace(readings, observed_at=np.where(wrong, now, at), quality=quality)
