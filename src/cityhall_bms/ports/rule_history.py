"""Samples of the past as rules are fed with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.ports.history import Window


@dataclass(frozen=True, slots=True)
class PastSamples:
    """Columns by point and time; of one point and time only the sample that stands. Times µs UTC."""

    point: NDArray[np.int64]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.point)

    @classmethod
    def none(cls) -> Self:
        """No samples."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint8))


class RuleHistory(Protocol):
    """What rules ask of history. ``HistoryUnavailableError`` when it cannot be reached."""

    async def samples_of(self, points: Sequence[int], window: Window) -> PastSamples:
        """Samples of some points in a window, by point and time."""
        ...
