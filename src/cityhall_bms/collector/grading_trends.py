"""Values that do not live, and values that change faster than their plant can: an hour of memory in seven columns."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

BUCKET_US: Final = 600_000_000
BUCKETS: Final = 7
"""Six whole buckets of ten minutes are the hour; the seventh is being filled."""
US_PER_H: Final = 3.6e9


class Trends:
    """Lowest, highest and first value per ten minutes of ``count`` points.

    ``flat_k`` and ``flat_share`` say how much at most a point moves in an hour that is flat (NaN: it may stand still),
    ``low`` and ``high`` its range, at whose ends it may stand still too. Any point may be asked for its rate.
    """

    def __init__(
        self,
        flat_k: NDArray[np.float64],
        flat_share: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
    ) -> None:
        count = len(flat_k)
        self._flat_k, self._flat_share = flat_k, flat_share
        self._ends = (low, high)
        self._low = np.full((BUCKETS, count), np.inf)
        self._high = np.full((BUCKETS, count), -np.inf)
        self._first = np.full((BUCKETS, count), np.nan)
        self._first_at = np.zeros((BUCKETS, count), np.int64)
        self._flat_at = np.full(count, np.nan)
        """Where a point stands still; NaN while it moves."""
        self.any_flat = False
        """Whether any point may stand still; else none has to be asked for."""
        self._bucket = 0

    def remember(self, rows: NDArray[np.intp], value: NDArray[np.float64], now: int) -> None:
        """Take values (one per row, finite) at ``now``, µs."""
        if now // BUCKET_US != self._bucket:
            self._advance(now // BUCKET_US)
        place = self._bucket % BUCKETS
        low, high = self._low[place], self._high[place]
        below, above = value < low[rows], value > high[rows]
        if not (below.any() or above.any()):
            return  # between values of this bucket: nothing here is a first one
        low[rows[below]] = value[below]
        high[rows[above]] = value[above]
        new = np.isnan(self._first[place, rows])
        if new.any():
            self._first[place, rows[new]] = value[new]
            self._first_at[place, rows[new]] = now

    def flat(self, rows: NDArray[np.intp], value: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of these values continue an hour without movement."""
        at = self._flat_at[rows]
        still: NDArray[np.bool_] = np.abs(value - at) <= self._tolerance(rows, at)  # false where it moves: NaN
        self._flat_at[rows[~still]] = np.nan
        return still

    def rate(self, rows: NDArray[np.intp], value: NDArray[np.float64], now: int) -> NDArray[np.float64]:
        """Change per hour against the value of an hour ago; zero while that is not known."""
        place = (self._bucket + 1) % BUCKETS
        hours = (now - self._first_at[place, rows]) / US_PER_H
        with np.errstate(invalid="ignore", divide="ignore"):
            change: NDArray[np.float64] = np.abs(value - self._first[place, rows]) / hours
        change[~np.isfinite(change)] = 0.0
        return change

    def adopt(self, rows: NDArray[np.intp], other: "Trends", others: NDArray[np.intp]) -> None:
        """Take over what another one remembers of some points."""
        self._bucket = other._bucket  # noqa: SLF001 - of its own class
        for column in ("_low", "_high", "_first", "_first_at"):
            getattr(self, column)[:, rows] = getattr(other, column)[:, others]
        self._flat_at[rows] = other._flat_at[others]  # noqa: SLF001 - of its own class
        self.any_flat |= other.any_flat

    def _tolerance(self, rows: NDArray[np.intp], value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum(self._flat_k[rows], self._flat_share[rows] * np.abs(value))

    def _advance(self, bucket: int) -> None:
        passed = bucket - self._bucket
        if passed == 1:
            self._find_flat()
        else:
            self._flat_at[:] = np.nan
            self.any_flat = False
        for number in range(max(self._bucket + 1, bucket - BUCKETS + 1), bucket + 1) if passed > 0 else range(BUCKETS):
            self._low[number % BUCKETS] = np.inf
            self._high[number % BUCKETS] = -np.inf
            self._first[number % BUCKETS] = np.nan
        self._bucket = bucket

    def _find_flat(self) -> None:
        """Judge the hour that ends with the present bucket; every bucket of it must have been heard of."""
        hour = [(self._bucket - back) % BUCKETS for back in range(BUCKETS - 1)]
        low, high = self._low[hour].min(axis=0), self._high[hour].max(axis=0)
        heard = np.isfinite(self._first[hour]).all(axis=0)
        everyone = np.arange(len(low))
        with np.errstate(invalid="ignore"):
            still = heard & (high - low <= self._tolerance(everyone, low))
            resting = (low == 0) | (low <= self._ends[0]) | (high >= self._ends[1])
            self._flat_at = np.where(still & ~resting, (low + high) / 2, np.nan)
        self.any_flat = bool((still & ~resting).any())
