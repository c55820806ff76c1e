"""How long a good value stands when nothing follows it.

A value says nothing about a present that it is too old for: live values stand for :data:`HOLD_MIN_US` at most. In a
history that was imported with a longer interval they stand for three of its intervals, as a scan or two may be missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

HOLD_MIN_US: Final = 15 * 60 * 1_000_000
HOLD_INTERVALS: Final = 3
HOLD_MAX_US: Final = HOLD_INTERVALS * 60 * 60 * 1_000_000
"""With the longest interval that can be imported, an hour."""


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
        return max(HOLD_MIN_US, HOLD_INTERVALS * self.interval_us)


@dataclass(frozen=True, slots=True)
class Holds:
    """Holds by the time of a sample; stretches are in order of time and never overlap."""

    stretches: tuple[Stretch, ...] = ()

    @classmethod
    def of_stretches(cls, stretches: Iterable[Stretch]) -> Self:
        """Take stretches in any order."""
        return cls(tuple(sorted(stretches, key=lambda stretch: stretch.first)))

    def us(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Hold of samples with these times, µs."""
        holds = np.full(len(at), HOLD_MIN_US)
        for stretch in self.stretches:
            if stretch.hold_us > HOLD_MIN_US:
                holds[(at >= stretch.first) & (at < stretch.until)] = stretch.hold_us
        return holds

    def ends(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Until when samples with these times stand at most."""
        return at + self.us(at)

    def since(self, at: int) -> int:
        """Time of the oldest sample that may still stand at ``at``."""
        oldest = at - HOLD_MIN_US
        for stretch in self.stretches:
            if stretch.first < at < stretch.until + stretch.hold_us:
                oldest = min(oldest, max(at - stretch.hold_us, stretch.first))
        return oldest


LIVE: Final = Holds()
"""Holds where nothing was imported."""
