"""How long a good value stands when nothing follows it.

A value says nothing about a present that it is too old for. It stands for three scans of its point, because a scan or
two may be missing, and for :data:`HOLD_MIN_US` at least; in a time that was imported, for three intervals of the file.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

HOLD_MIN_US: Final = 15 * 60 * 1_000_000
HOLD_SCANS: Final = 3
HOLD_MAX_US: Final = HOLD_SCANS * 60 * 60 * 1_000_000
"""What is measured less often than every hour is not known in between."""


def hold_us(interval_us: int) -> int:
    """Hold of values that come at this interval."""
    return min(max(HOLD_MIN_US, HOLD_SCANS * interval_us), HOLD_MAX_US)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time from ``first`` to ``until`` (excluded, µs UTC) whose samples came every ``interval_us``.

    Rollups shorter than ``finest_us`` are not stored of it: its samples tell as much in less space.
    """

    first: int
    until: int
    interval_us: int
    finest_us: int

    @property
    def hold_us(self) -> int:
        """How long its good values stand."""
        return hold_us(self.interval_us)


@dataclass(frozen=True, slots=True)
class Holds:
    """Holds by point and time of a sample; stretches never overlap.

    ``slow_point``, ascending, are the points whose scans are so far apart that they hold longer: for ``slow_us``.
    """

    stretches: tuple[Stretch, ...] = ()
    slow_point: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    slow_us: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, stretches: Iterable[Stretch], interval_us: Iterable[tuple[int, int]] = ()) -> Self:
        """Holds where points (by number) are scanned at these intervals; others often enough for the shortest hold."""
        slow = sorted((point, hold_us(interval)) for point, interval in interval_us)
        slow = [(point, hold) for point, hold in slow if hold > HOLD_MIN_US]
        points, holds = [point for point, _ in slow], [hold for _, hold in slow]
        return cls(tuple(stretches), np.array(points, np.uint32), np.array(holds, np.int64))

    def ends(self, point: NDArray[np.uint32], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Until when samples of these points and times stand at most."""
        holds = np.full(len(at), HOLD_MIN_US)
        if len(self.slow_point):
            place = np.minimum(np.searchsorted(self.slow_point, point), len(self.slow_point) - 1)
            slow = self.slow_point[place] == point
            holds[slow] = self.slow_us[place[slow]]
        for stretch in self.stretches:
            inside = (at >= stretch.first) & (at < stretch.until)
            holds[inside] = np.maximum(holds[inside], stretch.hold_us)
        ends: NDArray[np.int64] = at + holds
        return ends

    def since(self, at: int) -> int:
        """Time of the oldest sample that may still stand at ``at``."""
        return min(self.since_without_slow(at), at - int(self.slow_us.max(initial=HOLD_MIN_US)))

    def since_without_slow(self, at: int) -> int:
        """The same of the points that are not slow."""
        oldest = at - HOLD_MIN_US
        for stretch in self.stretches:
            if stretch.first < at < stretch.until + stretch.hold_us:
                oldest = min(oldest, max(at - stretch.hold_us, stretch.first))
        return oldest


LIVE: Final = Holds()
"""Holds where nothing was imported and no point is slow."""
