"""Amounts per meter and interval: the columns that every figure of energy is made from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Amounts:
    """What meters (rows) counted in intervals (columns), in the unit of their commodity.

    ``value`` is NaN where nothing is known: missing is never zero. ``estimated`` is the part of ``value`` that was
    estimated (0 where none was); ``coverage`` (0..1, share of the interval that good samples stand for) never
    includes it.
    """

    at: NDArray[np.int64]
    """Begin of each interval, µs UTC."""
    end: int
    """End of the last interval, µs UTC."""
    value: NDArray[np.float64]
    estimated: NDArray[np.float64]
    coverage: NDArray[np.float64]

    def lengths(self) -> NDArray[np.int64]:
        """Length of each interval, µs: days of 23 and 25 hours and months are as long as they are."""
        return np.diff(np.append(self.at, self.end))
