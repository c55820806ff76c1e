"""What a year will come to, from its months so far and the shape of the years before.

Of each past year the ratio is taken of what came after the same months to what those months had. Their mean, times what
this year's months had, is what is still to come; how much the ratios of the past differ tells how sure that is.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.periods import MONTHS

YEARS_MAX: Final = 8
"""Years before this one whose shape is used; older ones tell of another building."""
CONFIDENCE: Final = 0.90
"""Share of years that would end within the interval, were they like those before."""
STUDENT_T: Final = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895)
"""Two-sided 90 % points of Student's t for 1, 2, ... degrees of freedom (any table, as NIST e-Handbook 1.3.6.7.2)."""


class Basis(StrEnum):
    """What a forecast rests on, or why there is none."""

    SHAPE = "shape"
    """The shape of two years or more: with an interval."""
    ONE_YEAR = "one_year"
    """The shape of one year: how sure it is, nobody can say."""
    COMPLETE = "complete"
    """Every month is over: nothing is left to foresee."""
    NO_MONTH = "no_month"
    """No month of the year is over and known."""
    NO_HISTORY = "no_history"
    """No year before is known whole."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Amount of a whole year in its commodity's unit; ``low`` and ``high`` are the ends of the interval."""

    basis: Basis
    months: int
    """Months of this year that it rests on."""
    years: int = 0
    """Years before that it rests on."""
    expected: float | None = None
    low: float | None = None
    high: float | None = None


def foresee(months: NDArray[np.float64], past: NDArray[np.float64]) -> Forecast:
    """Foresee the amount of a year.

    ``months`` are its twelve, NaN from the first that is not over and known; ``past`` has a row of twelve for each
    year before, the nearest last, NaN where not known.

    Two-sided 90 % prediction interval of the mean ratio for one more year: mean ± t·s·√(1 + 1/n), n - 1 degrees of
    freedom. What is used cannot be taken back: the interval never begins below what the months had.
    """
    over = _known_from_start(months)
    so_far = float(months[:over].sum())
    if over == MONTHS:
        return Forecast(Basis.COMPLETE, over, 0, so_far, so_far, so_far)
    if over == 0:
        return Forecast(Basis.NO_MONTH, 0)
    whole = whole_years(past)
    before, after = whole[:, :over].sum(axis=1), whole[:, over:].sum(axis=1)
    ratios = after[before > 0] / before[before > 0]
    if not len(ratios):
        return Forecast(Basis.NO_HISTORY, over)
    expected = so_far * (1.0 + float(ratios.mean()))
    if len(ratios) == 1:
        return Forecast(Basis.ONE_YEAR, over, 1, expected)
    count = len(ratios)
    spread = STUDENT_T[count - 2] * float(ratios.std(ddof=1)) * math.sqrt(1.0 + 1.0 / count)
    low = max(so_far, expected - so_far * spread)
    return Forecast(Basis.SHAPE, over, count, expected, low, expected + so_far * spread)


def seasonal_share(past: NDArray[np.float64], months: float) -> float | None:
    """Part of a year that its first months had in the years before, on the mean; none where no year is known whole.

    A part of a month (5.5 is the middle of June) has the same part of its amount.
    """
    whole = whole_years(past)
    sums = whole.sum(axis=1)
    if not (sums > 0).any():
        return None
    shares = np.concatenate([[0.0], np.cumsum((whole[sums > 0] / sums[sums > 0, None]).mean(axis=0))])
    return float(np.interp(months, np.arange(MONTHS + 1), shares))


def whole_years(past: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those of the years that are known whole, :data:`YEARS_MAX` at most, the nearest (last) ones."""
    return past[np.isfinite(past).all(axis=1)][-YEARS_MAX:]


def _known_from_start(months: NDArray[np.float64]) -> int:
    unknown = ~np.isfinite(months)
    return int(unknown.argmax()) if unknown.any() else MONTHS
