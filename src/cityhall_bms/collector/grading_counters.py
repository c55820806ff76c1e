"""Counters that run backwards, or faster than their meter can."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.counters import RATED_SHARE, ROLLED_FROM, ROLLED_TO, SLACK_US, US_PER_H

DOUBTED: Final = 2


class Counters:
    """The last believed reading of ``count`` counters, as columns (the building's reference, *Data quality*, COUNTER).

    ``size`` is where a register begins again at zero, ``rate_max`` the most counts per hour; infinity when unknown.
    """

    def __init__(self, size: NDArray[np.float64], rate_max: NDArray[np.float64]) -> None:
        self._size = size
        self._most_per_us = RATED_SHARE * rate_max / US_PER_H
        self._value = np.full(len(size), np.nan)
        self._at = np.zeros(len(size), np.int64)
        self._doubted = np.zeros(len(size), np.uint8)
        self.rollovers = 0
        self.resets = 0
        """Readings that began a new epoch: lower than before, without a rollover, three times in a row."""

    def judge(self, rows: NDArray[np.intp], value: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these readings (one per row, finite; ``at`` in µs) are doubted; the others are remembered."""
        delta = value - self._value[rows]  # a first reading has no past: NaN, which is neither wrong nor backwards
        most = self._most_per_us[rows] * (np.abs(at - self._at[rows]) + SLACK_US)
        if not (delta < 0).any() and not (delta > most).any():
            doubted = np.zeros(len(rows), np.bool_)
            self._doubted[rows] = 0
        else:
            doubted = self._doubt(rows, value, delta, most)
            rows, value, at = rows[~doubted], value[~doubted], at[~doubted]
        self._value[rows] = value
        self._at[rows] = at
        return doubted

    def _doubt(
        self,
        rows: NDArray[np.intp],
        value: NDArray[np.float64],
        delta: NDArray[np.float64],
        most: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        size = self._size[rows]
        with np.errstate(invalid="ignore"):  # infinite sizes, and first readings' missing past
            rolled = (delta < 0) & (value - delta > ROLLED_FROM * size) & (value < ROLLED_TO * size)
            delta = np.where(rolled, delta + size, delta)
            wrong = (delta < 0) | (delta > most)
        doubted: NDArray[np.bool_] = wrong & (self._doubted[rows] < DOUBTED)
        self.rollovers += int(rolled.sum())
        self.resets += int((wrong & ~doubted).sum())
        self._doubted[rows] = np.where(doubted, self._doubted[rows] + 1, 0)
        return doubted

    def adopt(self, rows: NDArray[np.intp], other: "Counters", others: NDArray[np.intp]) -> None:
        """Take over what another one remembers of some counters, and what it counted."""
        self.rollovers += other.rollovers
        self.resets += other.resets
        for column in ("_value", "_at", "_doubted"):
            getattr(self, column)[rows] = getattr(other, column)[others]
