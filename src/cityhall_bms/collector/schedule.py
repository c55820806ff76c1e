"""When the scan classes of a device are due: absolute deadlines that never drift."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.ports.driver import BoundPoint

TICK_S: Final = 0.02
"""Deadlines of all devices stand on common ticks: a process that wakes for a dozen scans at once does them with a fifth
less CPU than one that wakes for each."""
TICKS_FROM_S: Final = 1.0
"""Shorter periods have phases of any size: a tick would be too large a part of them."""


@dataclass(frozen=True, slots=True)
class ScanClass:
    """Points of one device that are read at one period, s."""

    period_s: float
    points: tuple[BoundPoint, ...]


def scan_classes(points: Sequence[BoundPoint]) -> list[ScanClass]:
    """Group points by their scan period, the fastest first; points keep their order."""
    periods = sorted({bound.point.scan_s for bound in points})
    return [ScanClass(period, tuple(b for b in points if b.point.scan_s == period)) for period in periods]


def phase(name: str) -> float:
    """Where in its period something is read, 0..1: the same for ever, and spread evenly over many names."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "big") / 2**48


def class_phase(device: str, period_s: float) -> float:
    """Phase of one scan class of a device, in whole ticks."""
    spread = phase(f"{device}/{period_s:g}")
    return spread if period_s < TICKS_FROM_S else math.floor(spread * period_s / TICK_S) * TICK_S / period_s


def on_tick(now_s: float) -> float:
    """The tick that is now or was last: where timetables have their origin, so that their ticks are the same."""
    return math.floor(now_s / TICK_S) * TICK_S


@dataclass(frozen=True, slots=True)
class Due:
    """A scan class whose turn it is: its place among the classes, and the deadline it is due at (s)."""

    index: int
    deadline_s: float
    missed: int = 0
    """Deadlines before this one that were skipped."""


class Timetable:
    """Deadlines of one device's scan classes, in seconds of a monotonic clock.

    Class ``i`` is due at ``origin + phase x period + k x period`` for all whole ``k``, each class of each device with a
    phase of its own. A scan that is late by more than a period skips what it missed and counts it in ``overruns``.
    """

    def __init__(self, device: str, periods_s: Sequence[float], origin_s: float) -> None:
        self._periods = list(periods_s)
        self._firsts = [origin_s + class_phase(device, period) * period for period in self._periods]
        self._steps = [0] * len(self._periods)
        self._deadlines = list(self._firsts)
        self._now: list[float] | None = None
        self.overruns = 0
        self.restart(origin_s)

    def restart(self, now_s: float) -> None:
        """Make every class due at once, then at its deadlines after ``now_s``; what lies between is no overrun.

        The scan made at once also stands for a deadline that follows within a hundredth of its period.
        """
        self._now = [now_s] * len(self._periods)
        self._steps = [
            max(math.floor((now_s - first) / period + 0.01) + 1, 0)
            for first, period in zip(self._firsts, self._periods, strict=True)
        ]
        self._deadlines = [self._deadline(index) for index in range(len(self._periods))]

    def next_due_s(self) -> float:
        """Time of the next deadline; infinity when there are no classes."""
        if self._now:
            return self._now[0]
        return min(self._deadlines, default=math.inf)

    def take_due(self, now_s: float) -> list[Due]:
        """Classes whose deadline has come, the earliest first; each is then next due a period later."""
        if self._now is not None:
            due = [Due(index, deadline) for index, deadline in enumerate(self._now)]
            self._now = None
            return due
        taken = [self._take(index, now_s) for index, deadline_s in enumerate(self._deadlines) if deadline_s <= now_s]
        return sorted(taken, key=lambda due: due.deadline_s) if len(taken) > 1 else taken

    def _take(self, index: int, now_s: float) -> Due:
        period = self._periods[index]
        missed = max(math.ceil((now_s - self._deadlines[index]) / period) - 1, 0)
        self.overruns += missed
        self._steps[index] += missed
        due = Due(index, self._deadline(index), missed)
        self._steps[index] += 1
        self._deadlines[index] = self._deadline(index)
        return due

    def _deadline(self, index: int) -> float:
        return self._firsts[index] + self._steps[index] * self._periods[index]
