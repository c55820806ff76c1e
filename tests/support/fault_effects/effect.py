"""What a fault looks like at the points of what it strikes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Look = Callable[[str], NDArray[np.float64]]
"""Shown values of a role of one unit over time, or just now."""


@dataclass(frozen=True, slots=True)
class Effect:
    """``seen`` holds while the fault is on, from ``onset_s`` after its begin, and no longer than ``release_s`` after it.

    ``hours`` are the local hours of a working day in which it can be seen at all; None for any time.
    """

    seen: Callable[[Look], NDArray[np.bool_]]
    onset_s: float = 60.0
    release_s: float = 60.0
    hours: tuple[float, float] | None = None
