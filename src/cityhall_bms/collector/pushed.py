"""When each point of a device was last heard of by itself."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.collector.silence import silence_max_s
from cityhall_bms.ports.driver import BoundPoint


class PushedPoints:
    """Tells which scan classes hold a point that its device has not pushed for too long. Times are µs UTC."""

    def __init__(self, points: Sequence[BoundPoint]) -> None:
        self._point = np.array(sorted(bound.point_id for bound in points), np.uint32)
        self._heard_at = np.zeros(len(self._point), np.int64)
        self._told = np.zeros(len(self._point), np.bool_)
        self._since = 0
        self._rows: dict[int, NDArray[np.intp]] = {}

    def begin(self, now: int) -> None:
        """A subscription begins: each point will be told once as it stands, with the time of its last change."""
        self._told[:] = False
        self._since = now

    def old_news(self, point: NDArray[np.uint32], observed_at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these pushes only repeat, as a subscription begins, a change from before it.

        That change was recorded when it happened, or is lost; the value of now is read once by polling. Only the first
        push of a point can be one: a device whose clock is behind is heard from its second push on.
        """
        rows = np.searchsorted(self._point, point)
        old = ~self._told[rows] & (observed_at < self._since)
        self._told[rows] = True
        return old

    def heard(self, point: NDArray[np.uint32], now: int) -> None:
        """Note that these points were pushed."""
        self._heard_at[np.searchsorted(self._point, point)] = now

    def any_silent(self, index: int, planned: NDArray[np.uint32], period_s: float, now: int) -> bool:
        """Whether a point that is read in the scan class (number ``index``) was not pushed for its longest silence."""
        if index not in self._rows:
            self._rows[index] = np.searchsorted(self._point, planned)
        # In either direction: after our clock was set back, what was heard last lies in the future.
        distance = int(np.abs(now - self._heard_at[self._rows[index]]).max())
        return distance >= silence_max_s(period_s) * 1e6
