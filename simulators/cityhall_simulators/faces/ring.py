"""A bounded history: values of several points taken at the same times, the oldest overwritten by the newest."""

import numpy as np
from numpy.typing import NDArray


class Ring:
    """Records as columns. A record's number counts all that ever were, from zero; times need not rise (clocks jump)."""

    def __init__(self, records_max: int, points: int) -> None:
        self._at_s = np.zeros(records_max)
        self._values = np.zeros((records_max, points))
        self._bad = np.zeros((records_max, points), np.bool_)
        self.total = 0

    @property
    def count(self) -> int:
        """Records that are there; the oldest has the number ``total - count``."""
        return min(self.total, len(self._at_s))

    def add(self, at_s: float, values: NDArray[np.float64], bad: NDArray[np.bool_]) -> None:
        """Keep one record of every point, taken at ``at_s`` of whatever clock the owner goes by."""
        row = self.total % len(self._at_s)
        self._at_s[row], self._values[row], self._bad[row] = at_s, values, bad
        self.total += 1

    def times_s(self) -> NDArray[np.float64]:
        """Times of the records that are there, oldest first."""
        return self._at_s[self._rows(0, self.count)]

    def records(self, column: int, first: int, last: int) -> list[tuple[float, float, bool]]:
        """Time, value and whether it was lost, of the records ``first`` (zero: the oldest) up to before ``last``."""
        rows = self._rows(first, last)
        columns = (self._at_s[rows], self._values[rows, column], self._bad[rows, column])
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _rows(self, first: int, last: int) -> NDArray[np.intp]:
        oldest = self.total - self.count
        return np.arange(oldest + first, oldest + last, dtype=np.intp) % len(self._at_s)
