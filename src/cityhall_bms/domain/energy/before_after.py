"""Before and after a measure: periods of the same length, day beside day of the same weekday."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.comparison import COVERAGE_MIN
from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.errors import RefusedError

WEEK_DAYS: Final = 7
YEAR_DAYS: Final = 364
"""Fifty-two weeks: the same weekday, in the same season of the year before."""
DAYS_OF_YEAR: Final = 365
Z_90: Final = 1.645
"""Two-sided 90 % point of the normal distribution: at least four weeks of pairs are asked."""
RHO_MAX: Final = 0.99


class Beside(StrEnum):
    """Which days from before are put beside those after."""

    JUST_BEFORE = "just_before"
    """The weeks that end where the measure begins."""
    YEAR_BEFORE = "year_before"
    """The same weeks 364 days earlier, so of the same season."""


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """What matched days had before and after, in the commodity's unit; savings are positive where less was used."""

    before: Period
    after: Period
    days: int
    """Days that are known on both sides, and count."""
    mean_before: float
    mean_after: float
    error: float
    """Half width of the 90 % interval of the saving a day."""

    @property
    def saving_per_day(self) -> float:
        """Saving a day."""
        return self.mean_before - self.mean_after

    @property
    def saving_percent(self) -> float | None:
        """Saving, % of what was used before."""
        return self.saving_per_day / self.mean_before * 100.0 if self.mean_before else None

    @property
    def saving_per_year(self) -> float:
        """Saving of 365 such days: an extrapolation, good for what does not follow the seasons."""
        return self.saving_per_day * DAYS_OF_YEAR

    @property
    def error_per_year(self) -> float:
        """Half width of the 90 % interval of the saving a year."""
        return self.error * DAYS_OF_YEAR


def periods(start: date, weeks: int, beside: Beside) -> tuple[Period, Period]:
    """Periods before and after of whole weeks, so that every weekday is in both as often."""
    after = Period(start, start + timedelta(days=weeks * WEEK_DAYS))
    back = timedelta(days=YEAR_DAYS if beside is Beside.YEAR_BEFORE else weeks * WEEK_DAYS)
    return Period(after.first - back, after.until - back), after


def match(
    before: tuple[Period, NDArray[np.float64]],
    after: tuple[Period, NDArray[np.float64]],
    *,
    coverage_min: float = COVERAGE_MIN,
    provisional: bool = False,
) -> BeforeAfter:
    """Compare days (NaN where one is not known well enough) with those of the same place in the other period.

    A day that is missing on one side is left out on both. ``RefusedError`` where less than ``coverage_min`` of the
    pairs remain and nothing provisional was asked for, or fewer than two.
    """
    pairs = np.isfinite(before[1]) & np.isfinite(after[1])
    count, whole = int(pairs.sum()), len(pairs)
    if count < 2 or (count < coverage_min * whole and not provisional):
        msg = (
            f"可配對的日數 {count}／{whole}，低於 {coverage_min * 100:g} % / "
            f"{count} of {whole} days are known before and after, less than {coverage_min * 100:g} %"
        )
        raise RefusedError(msg)
    error = _half_width(before[1][pairs] - after[1][pairs])
    return BeforeAfter(before[0], after[0], count, float(before[1][pairs].mean()), float(after[1][pairs].mean()), error)


def _half_width(differences: NDArray[np.float64]) -> float:
    """Half width of the 90 % interval of their mean.

    Days that resemble the day before are worth fewer independent ones: n' = n·(1 - ρ)/(1 + ρ), with the correlation ρ
    of neighbours (ASHRAE Guideline 14-2014, annex B).
    """
    spread = float(differences.std(ddof=1))
    if not spread:
        return 0.0
    around = differences - differences.mean()
    rho = min(max(float(around[1:] @ around[:-1]) / float(around @ around), 0.0), RHO_MAX)
    independent = max(len(differences) * (1.0 - rho) / (1.0 + rho), 1.0)
    return Z_90 * spread / math.sqrt(independent)
