"""Whether a subscription still tells of changes, or lives on in silence while its device goes on changing."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.site import PointKind
from cityhall_bms.ports.driver import BoundPoint

FOUND_FIRST: Final = 3
FOUND_MOST: Final = 192
SHARE_OF_VALUE: Final = 0.05
"""Devices keep small moves to themselves (COV increment, deadband); one of this share is none of those."""
SETTLED_US: Final = 10_000_000
"""What comes earlier in a session is that with which every subscription begins, and proves nothing."""
_STATES: Final = (PointKind.DI, PointKind.DO, PointKind.MI, PointKind.MO)


class Hearing:
    """Counts the safety net's scans that found a change of which the device should have told, since it last told any.

    Three of them and the subscription is held to be dead. Where a new one does not help, it takes twice as many each
    time: some devices tell nothing whatever happens, and those are well served by the safety net. Times are µs UTC.
    """

    def __init__(self, points: Sequence[BoundPoint]) -> None:
        ordered = sorted(points, key=lambda bound: bound.point_id)
        self._point = np.array([bound.point_id for bound in ordered], np.uint32)
        self._deadband = np.array([bound.point.deadband for bound in ordered], np.float64)
        self._share = np.array([0.0 if bound.point.kind in _STATES else SHARE_OF_VALUE for bound in ordered])
        self._value = np.full(len(ordered), np.nan)
        self._is_on = False
        self._since = 0
        self._found = 0
        self._patience = FOUND_FIRST
        self.deaf_sessions = 0

    def begin(self, now: int, *, subscribed: bool) -> None:
        """A session begins: nothing is known of what its device told before."""
        self._is_on = subscribed
        self._since = now
        self._found = 0
        self._value[:] = np.nan

    def told(self, point: NDArray[np.uint32], value: NDArray[np.float64], now: int) -> None:
        """The device told of these by itself."""
        self._value[np.searchsorted(self._point, point)] = value
        self._found = 0
        if now - self._since >= SETTLED_US:
            self._patience = FOUND_FIRST

    def read(self, point: NDArray[np.uint32], value: NDArray[np.float64]) -> None:
        """These were read; costs nothing where nothing is subscribed to."""
        if not self._is_on:
            return
        rows = np.searchsorted(self._point, point)
        known = self._value[rows]
        # Missing values compare as no move.
        moved = np.abs(value - known) > np.maximum(self._deadband[rows], self._share[rows] * np.abs(known))
        self._found += bool(moved.any())
        self._value[rows] = value

    def gave_up(self) -> bool:
        """Whether the subscription is to be made anew; asked once per round of scans."""
        if self._found < self._patience:
            return False
        self._found = 0
        self._patience = min(2 * self._patience, FOUND_MOST)
        self.deaf_sessions += 1
        return True
