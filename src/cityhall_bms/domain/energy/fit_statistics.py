"""How well a baseline fits, when it is good enough, and how sure a saving is that it tells of.

Formulas: ASHRAE Guideline 14-2014, sections 4.2.11 and 5.2.11 and annex B; the factor of autocorrelated days and
months is that of Sun and Baltazar, "Analysis and improvement on the estimation of building energy savings uncertainty"
(2013), as OpenDSM uses it.
"""

from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

CONFIDENCE: Final = 0.68
"""Two-sided; Guideline 14 asks for the uncertainty of savings at 68 %."""
DAYS_A_MONTH: Final = 365.25 / 12.0


class Grain(StrEnum):
    """Length of the intervals that a model tells of."""

    HOUR = "1h"
    DAY = "1d"
    MONTH = "1mo"


HOURS: Final = {Grain.HOUR: 1.0, Grain.DAY: 24.0, Grain.MONTH: 24.0 * DAYS_A_MONTH}


@dataclass(frozen=True, slots=True)
class FitStatistics:
    """Figures of a fit over ``n`` intervals with ``parameters`` fitted numbers, balance points among them."""

    n: int
    parameters: int
    mean: float
    """Mean of what was measured, per interval."""
    r2: float
    r2_adjusted: float
    cvrmse: float
    """100·√(Σe²/(n-p))/ȳ, %."""
    nmbe: float
    """100·Σe/((n-p)·ȳ), %; e is measured less modelled."""
    autocorrelation: float
    """Of neighbouring errors, lag 1."""

    @property
    def independent(self) -> float:
        """How many independent intervals the n are worth: n·(1-ρ)/(1+ρ), never more than n and never under 1."""
        rho = min(max(self.autocorrelation, 0.0), 0.999)
        return max(1.0, self.n * (1.0 - rho) / (1.0 + rho))


def fit_statistics(measured: NDArray[np.float64], modelled: NDArray[np.float64], parameters: int) -> FitStatistics:
    """Figures of a fit; ``ValueError`` unless there are more intervals than parameters and they measured something."""
    n, mean = len(measured), float(measured.mean()) if len(measured) else 0.0
    if n <= parameters or mean == 0.0:
        msg = f"{n} intervals with a mean of {mean:g} do not judge a model of {parameters} parameters"
        raise ValueError(msg)
    error = measured - modelled
    squares, spread = float(error @ error), float(np.square(measured - mean).sum())
    r2 = 1.0 - squares / spread if spread > 0.0 else 0.0
    return FitStatistics(
        n=n,
        parameters=parameters,
        mean=mean,
        r2=r2,
        r2_adjusted=1.0 - (1.0 - r2) * (n - 1) / (n - parameters),
        cvrmse=100.0 * float(np.sqrt(squares / (n - parameters))) / abs(mean),
        nmbe=100.0 * float(error.sum()) / ((n - parameters) * mean),
        autocorrelation=_autocorrelation(error),
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """When a baseline is accepted; the defaults are those of Guideline 14 and CalTRACK 2.0.

    Guideline 14 names no limit for days: days are held to that of hours, and the months that they add up to to that of
    months.
    """

    cvrmse_month: float = 15.0
    cvrmse_hour: float = 30.0
    nmbe_month: float = 5.0
    nmbe_hour: float = 10.0
    uncertainty: float = 50.0
    """Of a saving at 68 % confidence, % of the saving."""
    days: int = 365
    """Length of a baseline (CalTRACK 2.2.1.1)."""
    missing_days: int = 37
    """Most days of a baseline without a value (CalTRACK 2.2.1.2)."""
    hours_of_month: float = 90.0
    """Least hours of each month with a value, %, more than which an hourly model needs (CalTRACK 2.2.3.2)."""
    interval_coverage: float = 95.0
    """Least coverage of an interval that counts as measured, %."""

    def cvrmse(self, grain: Grain) -> float:
        """Greatest CVRMSE, %."""
        return self.cvrmse_month if grain is Grain.MONTH else self.cvrmse_hour

    def nmbe(self, grain: Grain) -> float:
        """Greatest size of NMBE, %."""
        return self.nmbe_month if grain is Grain.MONTH else self.nmbe_hour


def exceeded(statistics: FitStatistics, limits: Limits, grain: Grain) -> list[str]:
    """Which limits a fit exceeds: ``cvrmse``, ``nmbe``."""
    found = []
    if not statistics.cvrmse <= limits.cvrmse(grain):
        found.append("cvrmse")
    if not abs(statistics.nmbe) <= limits.nmbe(grain):
        found.append("nmbe")
    return found


def saving_uncertainty(
    statistics: FitStatistics, grain: Grain, intervals: int, modelled: float, confidence: float = CONFIDENCE
) -> float:
    """Half width of the interval in which a saving lies with this confidence, in the unit of ``modelled``.

    ``intervals`` are those of the reporting period (m), ``modelled`` is what the baseline tells for them together.
    Guideline 14, annex B: t · k · CVRMSE · √(n/n' · (1 + 2/n') / m) · E, errors counted as n' independent ones.
    """
    if intervals < 1:
        return float("nan")
    independent = statistics.independent
    freedom = max(1.0, independent - statistics.parameters)
    cvrmse = statistics.cvrmse / 100.0 * float(np.sqrt((statistics.n - statistics.parameters) / freedom))
    spread = float(np.sqrt(statistics.n / independent * (1.0 + 2.0 / independent) / intervals))
    return student_t(confidence, freedom) * _factor(grain, intervals) * cvrmse * spread * abs(modelled)


def student_t(confidence: float, freedom: float) -> float:
    """Two-sided quantile of Student's t, by the expansion of Cornish and Fisher (within 0.2 % from 5 degrees on)."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    first = (z**3 + z) / 4.0
    second = (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0
    third = (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _factor(grain: Grain, intervals: int) -> float:
    """Factor by the months (M) of the reporting period; 1.26 for hours, as Guideline 14 has it for every length."""
    months = intervals * HOURS[grain] / HOURS[Grain.MONTH]
    match grain:
        case Grain.HOUR:
            return 1.26
        case Grain.DAY:
            return -0.00024 * months**2 + 0.03535 * months + 1.00286
        case Grain.MONTH:
            return -0.00022 * months**2 + 0.03306 * months + 0.94054


def _autocorrelation(error: NDArray[np.float64]) -> float:
    if len(error) < 3:
        return 0.0
    before, after = error[:-1] - error[:-1].mean(), error[1:] - error[1:].mean()
    size = float(np.sqrt((before @ before) * (after @ after)))
    return float(before @ after) / size if size > 0.0 else 0.0
