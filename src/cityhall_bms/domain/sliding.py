"""Means of windows that slide over columns of equal steps."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

VALID_SHARE_MIN: Final = 0.75
"""Share of a window that must be known for its mean to be told; the rules of the library keep to the same."""
SLACK: Final = 1e-9
"""What binary sums may lack of a share that is reached exactly, in steps."""

Cells = NDArray[np.float64]


def sliding_mean(value: Cells, coverage: Cells, steps: int, *, share_min: float = VALID_SHARE_MIN) -> Cells:
    """Mean of the ``steps`` that end with each column, weighted by how much of each is known; NaN where too little is.

    What lies before the first column is unknown.
    """
    weight = np.where(np.isnan(value), 0.0, coverage)
    amount = np.where(weight > 0.0, value, 0.0) * weight
    before = ((0, 0), (steps - 1, 0))
    # Sums of each window by itself: a running sum would carry its rounding from one to the next.
    known = np.lib.stride_tricks.sliding_window_view(np.pad(weight, before), steps, axis=1).sum(axis=-1)
    total = np.lib.stride_tricks.sliding_window_view(np.pad(amount, before), steps, axis=1).sum(axis=-1)
    enough = known >= steps * share_min - SLACK
    mean: Cells = np.divide(total, known, out=np.full(value.shape, np.nan), where=enough & (known > 0.0))
    return mean
