"""What was last heard of every point, as columns, and what it is worth now."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.live import bad_after_s, uncertain_after_s
from cityhall_bms.domain.quality import Quality, is_bad, is_good
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint

Rows = NDArray[np.intp]


class Heard:
    """Last value of every point of a device. A row is the place of a point; rows are given once and stay."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._row: dict[int, int] = {}
        self.point: NDArray[np.uint32] = np.empty(0, np.uint32)
        self._scale: NDArray[np.float64] = np.empty(0)
        self._offset: NDArray[np.float64] = np.empty(0)
        self._uncertain_after_s: NDArray[np.float64] = np.empty(0)
        self._bad_after_s: NDArray[np.float64] = np.empty(0)
        self._value: NDArray[np.float64] = np.empty(0)
        self._quality: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._fresh_s: NDArray[np.float64] = np.empty(0)
        self._alive: NDArray[np.bool_] = np.empty(0, np.bool_)
        """Its silence is no reason for doubt."""
        self._lost: NDArray[np.bool_] = np.empty(0, np.bool_)

    def add(self, points: Sequence[BoundPoint]) -> Rows:
        """Give the rows of points, new ones to those that have none."""
        fresh = [bound for bound in points if bound.point_id not in self._row]
        for bound in fresh:
            self._row[bound.point_id] = len(self._row)
        encodings = [bound.point.encoding for bound in fresh]
        scans = [bound.point.scan_s for bound in fresh]
        self.point = np.append(self.point, np.array([bound.point_id for bound in fresh], np.uint32))
        self._scale = np.append(self._scale, [encoding.scale for encoding in encodings])
        self._offset = np.append(self._offset, [encoding.offset for encoding in encodings])
        self._uncertain_after_s = np.append(self._uncertain_after_s, [uncertain_after_s(scan) for scan in scans])
        self._bad_after_s = np.append(self._bad_after_s, [bad_after_s(scan) for scan in scans])
        more = len(fresh)
        self._value = np.append(self._value, np.full(more, np.nan))
        self._quality = np.append(self._quality, np.full(more, Quality.BAD_NO_DATA, np.uint8))
        self._fresh_s = np.append(self._fresh_s, np.zeros(more))
        self._alive = np.append(self._alive, np.zeros(more, np.bool_))
        self._lost = np.append(self._lost, np.zeros(more, np.bool_))
        return np.array([self._row[bound.point_id] for bound in points], np.intp)

    def forget(self) -> None:
        """A session begins: what was heard in another one proves nothing any more."""
        self._value[:] = np.nan
        self._quality[:] = Quality.BAD_NO_DATA
        self._alive[:] = False
        self._lost[:] = False

    def scaled(self, rows: Rows, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values in the points' units."""
        return raw * self._scale[rows] + self._offset[rows]

    def take(
        self, rows: Rows, value: NDArray[np.float64], quality: NDArray[np.uint8], *, age_s: float = 0.0, live: bool
    ) -> None:
        """Keep what was heard; only what a device said just now (``live``) shows that it is not lost."""
        self._value[rows] = value
        self._quality[rows] = quality
        self._fresh_s[rows] = self._clock.monotonic() - age_s
        if live:
            self._lost[rows] = False

    def vouch(self, rows: Rows) -> None:
        """The device lives and tells every change: its silence is no reason for doubt."""
        self._alive[rows] = True
        self._lost[rows] = False

    def doubt(self, rows: Rows) -> None:
        """Something was missed: what is held may be out of date, and ages."""
        self._alive[rows] = False
        held = self._quality[rows]
        self._quality[rows] = np.where(is_good(held), np.uint8(Quality.UNCERTAIN_STALE), held)
        self._fresh_s[rows] = self._clock.monotonic()

    def lose(self, rows: Rows) -> Readings:
        """The device is gone: readings that say so. What it said before proves nothing when it is back."""
        self._alive[rows] = False
        self._lost[rows] = True
        self._value[rows] = np.nan
        self._quality[rows] = Quality.BAD_NO_DATA
        return self.readings(rows, self._clock.now())

    def readings(self, rows: Rows, at: int) -> Readings:
        """What is held of these rows, with the quality that its age deserves (limits of the rule *STALE*)."""
        age_s = self._clock.monotonic() - self._fresh_s[rows]
        ages = ~self._alive[rows]
        quality = self._quality[rows]
        quality[is_good(quality) & ages & (age_s > self._uncertain_after_s[rows])] = Quality.UNCERTAIN_STALE
        quality[~is_bad(quality) & ages & (age_s > self._bad_after_s[rows])] = Quality.BAD_STALE
        quality[self._lost[rows]] = Quality.BAD_DEVICE_LOST
        value = np.where(is_bad(quality), np.nan, self._value[rows])
        return Readings(self.point[rows], np.full(len(rows), at, np.int64), value, quality)
