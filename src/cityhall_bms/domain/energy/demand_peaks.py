"""The peak calendar: greatest quarter hours of each month and tariff period, and the days that were highest."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.demand import COVERAGE_MIN

WINDOW_H: Final = 0.25


@dataclass(frozen=True, slots=True)
class Peak:
    """A greatest quarter hour; ``coverage`` is the share of the quarters it was searched in that are known."""

    kw: float
    at: int
    """Begin of the quarter, µs UTC; 0 where nothing is known."""
    coverage: float

    @property
    def provisional(self) -> bool:
        """Whether too little is known for a figure to be told without saying so (the building's rules for energy)."""
        return self.coverage < COVERAGE_MIN


def known_quarters(kw: NDArray[np.float64], coverage: NDArray[np.float64]) -> NDArray[np.float64]:
    """Demand of each quarter hour; NaN where too little of it is known."""
    return np.where(coverage >= COVERAGE_MIN, kw, np.nan)


def greatest(kw: NDArray[np.float64], at: NDArray[np.int64]) -> Peak:
    """Greatest of some quarters; of equal ones the earliest."""
    known = ~np.isnan(kw)
    share = float(known.mean()) if len(kw) else 0.0
    if not known.any():
        return Peak(float("nan"), 0, share)
    place = int(np.nanargmax(kw))
    return Peak(float(kw[place]), int(at[place]), share)


def by_groups(kw: NDArray[np.float64], at: NDArray[np.int64], group: NDArray[np.int64]) -> dict[int, Peak]:
    """Greatest quarter of each group."""
    return {number: greatest(kw[group == number], at[group == number]) for number in np.unique(group).tolist()}


def highest_days(peaks: dict[int, Peak], count: int) -> list[tuple[int, Peak]]:
    """Days with the highest peaks, the highest first; of equal ones the earlier."""
    known = [(day, peak) for day, peak in peaks.items() if not np.isnan(peak.kw)]
    return sorted(known, key=lambda item: (-item[1].kw, item[0]))[:count]
