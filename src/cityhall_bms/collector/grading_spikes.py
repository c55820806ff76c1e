"""Values that jump and come back."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SPIKE_MADS: Final = 6.0
REMEMBERED: Final = 9
NEEDED: Final = 5
DOUBTED: Final = 2
"""A jump that returns within so many values was a spike; the next value of a new level is believed."""


class Spikes:
    """The last values that were believed of ``count`` points, as columns.

    A value is doubted when it lies further from their median than six times their median absolute deviation and than
    the point's own floor (the building's reference, *Data quality*, SPIKE).
    """

    def __init__(self, floor: NDArray[np.float64]) -> None:
        count = len(floor)
        self._floor = floor
        self._values = np.full((REMEMBERED, count), np.nan)
        self._next = np.zeros(count, np.intp)
        self._last = np.full(count, np.nan)
        self._doubted = np.zeros(count, np.uint8)
        self._doubts = False
        """Whether any point may be doubted: while none is, nothing has to be looked up or written down."""

    def take(self, rows: NDArray[np.intp], value: NDArray[np.float64]) -> bool:
        """Believe and remember these values (one per row, finite) if none jumps; else only say that one does."""
        if self._doubts or self._jumped(rows, value).any():
            return False
        self._believe(rows, value)
        return True

    def judge(
        self, rows: NDArray[np.intp], value: NDArray[np.float64], may_jump: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Which of these values (one per row, finite) are doubted; the others are remembered."""
        doubted = self._jumped(rows, value)
        suspects = np.flatnonzero(doubted)
        if len(suspects):
            far = self._far(rows[suspects], value[suspects])
            doubted[suspects] = far
            doubted &= (self._doubted[rows] < DOUBTED) & ~may_jump
            new_level = suspects[far & ~doubted[suspects]]
            self._values[:, rows[new_level]] = np.nan
        self._doubted[rows] = np.where(doubted, self._doubted[rows] + 1, 0)
        self._doubts = bool(self._doubted.any())
        self._believe(rows[~doubted], value[~doubted])
        return doubted

    def _jumped(self, rows: NDArray[np.intp], value: NDArray[np.float64]) -> NDArray[np.bool_]:
        """False for a first value: its past is NaN."""
        jumped: NDArray[np.bool_] = np.abs(value - self._last[rows]) > self._floor[rows]
        return jumped

    def _believe(self, rows: NDArray[np.intp], value: NDArray[np.float64]) -> None:
        places = self._next[rows]
        self._values[places, rows] = value
        self._next[rows] = (places + 1) % REMEMBERED
        self._last[rows] = value

    def adopt(self, rows: NDArray[np.intp], other: "Spikes", others: NDArray[np.intp]) -> None:
        """Take over what another one remembers of some points."""
        self._values[:, rows] = other._values[:, others]  # noqa: SLF001 - of its own class
        for column in ("_next", "_last", "_doubted"):
            getattr(self, column)[rows] = getattr(other, column)[others]
        self._doubts = bool(self._doubted.any())

    def _far(self, rows: NDArray[np.intp], value: NDArray[np.float64]) -> NDArray[np.bool_]:
        values = self._values[:, rows]
        known = np.isfinite(values).sum(axis=0)
        enough = known >= NEEDED
        far = np.zeros(len(rows), np.bool_)
        if enough.any():
            chosen = values[:, enough]
            middle = np.nanmedian(chosen, axis=0)
            deviation = np.nanmedian(np.abs(chosen - middle), axis=0)
            far[enough] = np.abs(value[enough] - middle) > np.maximum(SPIKE_MADS * deviation, self._floor[rows[enough]])
        return far
