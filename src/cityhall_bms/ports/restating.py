"""History, as a restatement reads and corrects it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.site import Encoding
from cityhall_bms.ports.history import Window

Holding = tuple[str, Encoding]
"""Where and how a device held a point: its address, and how the number was made."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Samples that stand, as columns sorted by point and time; times µs UTC."""

    point: NDArray[np.uint32]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    recorded_at: NDArray[np.int64]


class SecondReading(Protocol):
    """Reads what a device sent as a collector would read it now, scan by scan in order of time."""

    def read(self, raw: bytes, observed_at: int) -> Readings:
        """Give graded values of the points that a scan holds; ``ValueError`` for bytes that are no scan."""
        ...

    def moved(self, readings: Readings) -> NDArray[np.bool_]:
        """Tell which values a deadband would have let pass; never those of points that have none."""
        ...


ReadAnew = Callable[[], SecondReading]
"""Begins at the first scan again."""


class RestatementStore(Protocol):
    """Every method raises ``HistoryUnavailableError`` when history cannot be reached."""

    async def hours(self, device: str, window: Window) -> Sequence[Window]:
        """Stretches of the window, an hour at most, of which something is kept that the device sent, in order."""
        ...

    async def sent(self, device: str, hour: Window) -> Sequence[tuple[int, bytes]]:
        """What the device sent in one of these stretches: time and bytes of every scan, in order of time."""
        ...

    async def standing(self, points: Sequence[int], hour: Window) -> Standing:
        """Samples of these points that stand in such a stretch."""
        ...

    async def held(self, points: Sequence[int], at: int) -> Mapping[int, Holding]:
        """How devices held these points as far as the points were in service then."""
        ...

    async def restate(self, scans: Sequence[Readings], recorded_at: int) -> None:
        """Add samples that stand from now on, in one transaction; what stood before stays in the table."""
        ...

    async def settle(self) -> None:
        """Compute again every rollup that restated samples fell into."""
        ...
