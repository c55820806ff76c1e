"""Baselines: a model of what would have been used, fitted to a year and judged before anybody relies on it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.change_points import CALTRACK, COOLING, ChangePointModel, fit_change_points
from cityhall_bms.domain.energy.conditions import Conditions
from cityhall_bms.domain.energy.fit_statistics import FitStatistics, Grain, Limits, exceeded, fit_statistics
from cityhall_bms.domain.energy.time_of_week import TimeOfWeekModel, fit_time_of_week

Floats = NDArray[np.float64]
Model = ChangePointModel | TimeOfWeekModel
OUTLIER_IQR: Final = 3.0
"""Interquartile ranges above the median beyond which a value is shown as an outlier (CalTRACK 2.3.6)."""
OUTLIERS_SHOWN: Final = 40
BEYOND_SHARE: Final = 0.1
"""How far beyond the temperatures of its baseline a model is trusted, as a share of their range."""
COOLING_RANGE: Final = (COOLING.low, COOLING.high)
"""Where the balance point of cooling lies for a whole building, °C; a plant's own may lie lower."""


class ModelKind(StrEnum):
    """Which models are fitted."""

    COOLING = "cooling"
    """Days: cooling above one balance point, workdays apart."""
    CALTRACK = "caltrack"
    """Days: CalTRACK 2.0, heating and cooling, days of the week alike."""
    TIME_OF_WEEK = "time_of_week"
    """Hours: time of the week and temperature."""

    @property
    def grain(self) -> Grain:
        """Length of its intervals."""
        return Grain.HOUR if self is ModelKind.TIME_OF_WEEK else Grain.DAY


class Refusal(StrEnum):
    """Why a baseline is not accepted."""

    TOO_SHORT = "too_short"
    MISSING_DAYS = "missing_days"
    HOURS_OF_MONTH = "hours_of_month"
    CVRMSE = "cvrmse"
    NMBE = "nmbe"
    CVRMSE_MONTH = "cvrmse_month"
    NMBE_MONTH = "nmbe_month"

    @property
    def text(self) -> tuple[str, str]:
        """For people, Chinese and English."""
        return _TEXTS[self]


_TEXTS: Final[Mapping[Refusal, tuple[str, str]]] = {
    Refusal.TOO_SHORT: ("基準期不足一年", "the baseline is shorter than a year"),
    Refusal.MISSING_DAYS: ("缺漏日數過多", "too many days are missing"),
    Refusal.HOURS_OF_MONTH: ("有月份之小時資料不足", "a month has too few hours with a value"),
    Refusal.CVRMSE: ("CVRMSE 超過上限", "CVRMSE is above its limit"),
    Refusal.NMBE: ("NMBE 超過上限", "NMBE is beyond its limit"),
    Refusal.CVRMSE_MONTH: ("月 CVRMSE 超過上限", "CVRMSE of the months is above its limit"),
    Refusal.NMBE_MONTH: ("月 NMBE 超過上限", "NMBE of the months is beyond its limit"),
}


@dataclass(frozen=True, slots=True)
class Observed:
    """What was measured over a period, one row per interval of its grain."""

    at: NDArray[np.int64]
    """Begin of each, µs UTC."""
    used: Floats
    """NaN where it is not known."""
    conditions: Conditions
    month: NDArray[np.int64]
    """Number of the month that each lies in, any count that goes on by one."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """Intervals that a model can be fitted to, or held to."""
        return np.isfinite(self.used) & np.isfinite(self.conditions.temperature)


@dataclass(frozen=True, slots=True)
class Fit:
    """A model, how well it fits, and what stands against it."""

    kind: ModelKind
    model: Model
    statistics: FitStatistics
    months: FitStatistics | None
    """Of a daily model's sums of months; none for hours, whose model has more parameters than a year has months."""
    refused: tuple[Refusal, ...]
    intervals: int
    missing: int
    outliers: tuple[int, ...]
    """Begin of intervals that lie far above the others, µs UTC; they are shown, not left out."""
    coldest: float
    warmest: float


def measured(used: Floats, coverage: Floats, limits: Limits, *, zero_is_missing: bool) -> Floats:
    """Amounts that count as measured; NaN elsewhere.

    A whole building never uses nothing: CalTRACK (2.3.5) reads its zeros as missing. A plant of its own may rest.
    """
    enough = (coverage * 100.0 >= limits.interval_coverage - 1e-9) & ~(zero_is_missing & (used == 0.0))
    return np.asarray(np.where(enough, used, np.nan), np.float64)


def fit_baseline(
    kind: ModelKind, observed: Observed, limits: Limits, cooling: tuple[float, float] = COOLING_RANGE
) -> Fit:
    """Fit and judge; ``ValueError`` where there is too little even to fit.

    ``cooling`` is where the cooling model looks for its balance point, °C.
    """
    known = observed.known
    used, conditions = observed.used[known], observed.conditions.at(known)
    model = _fitted(kind, used, conditions, cooling)
    told = model.predict(conditions)
    statistics = fit_statistics(used, told, model.parameters)
    months = _of_months(used, told, observed.month[known], model) if kind.grain is Grain.DAY else None
    return Fit(
        kind=kind,
        model=model,
        statistics=statistics,
        months=months,
        refused=(*_incomplete(kind, observed, limits), *_inexact(kind, statistics, months, limits)),
        intervals=len(known),
        missing=int(len(known) - known.sum()),
        outliers=_outliers(used, observed.at[known]),
        coldest=float(conditions.temperature.min()),
        warmest=float(conditions.temperature.max()),
    )


def model_of(kind: ModelKind, coefficients: Mapping[str, Any]) -> Model:
    """Model from what was recorded of it."""
    if kind is ModelKind.TIME_OF_WEEK:
        return TimeOfWeekModel.of(coefficients)
    return ChangePointModel.of(dict(coefficients))


def statistics_of(recorded: Mapping[str, Any]) -> FitStatistics:
    """Statistics from what was recorded of them."""
    return FitStatistics(**recorded)


def recorded(statistics: FitStatistics | None) -> dict[str, Any]:
    """Statistics as they are recorded; empty for none."""
    return {} if statistics is None else asdict(statistics)


def beyond(temperature: Floats, coldest: float, warmest: float) -> NDArray[np.bool_]:
    """Tell which intervals were so much colder or warmer than the baseline's that its model is a guess there."""
    margin = BEYOND_SHARE * (warmest - coldest)
    return np.asarray((temperature < coldest - margin) | (temperature > warmest + margin), np.bool_)


def _fitted(kind: ModelKind, used: Floats, conditions: Conditions, cooling: tuple[float, float]) -> Model:
    match kind:
        case ModelKind.COOLING:
            low, high = cooling
            return fit_change_points(used, conditions, replace(COOLING, low=low, high=high))
        case ModelKind.CALTRACK:
            return fit_change_points(used, conditions, CALTRACK)
        case ModelKind.TIME_OF_WEEK:
            return fit_time_of_week(used, conditions)


def _of_months(used: Floats, told: Floats, month: NDArray[np.int64], model: Model) -> FitStatistics | None:
    _, place = np.unique(month, return_inverse=True)
    if place.max() + 1 <= model.parameters:
        return None
    measured_sums, told_sums = (np.asarray(np.bincount(place, column), np.float64) for column in (used, told))
    return fit_statistics(measured_sums, told_sums, model.parameters)


def _incomplete(kind: ModelKind, observed: Observed, limits: Limits) -> list[Refusal]:
    days = len(observed.at) / (24.0 if kind.grain is Grain.HOUR else 1.0)
    found = []
    # A year with a change of the clocks has as many hours as any other; half a day is for rounding.
    if days < limits.days - 0.5:
        found.append(Refusal.TOO_SHORT)
    missing = int(np.count_nonzero(~observed.known))
    if kind.grain is Grain.DAY and missing * limits.days > limits.missing_days * days:
        found.append(Refusal.MISSING_DAYS)
    if kind.grain is Grain.HOUR:
        _, place = np.unique(observed.month, return_inverse=True)
        share = np.bincount(place, observed.known) / np.bincount(place)
        if share.min() * 100.0 <= limits.hours_of_month:
            found.append(Refusal.HOURS_OF_MONTH)
    return found


def _inexact(kind: ModelKind, statistics: FitStatistics, months: FitStatistics | None, limits: Limits) -> list[Refusal]:
    found = [Refusal(name) for name in exceeded(statistics, limits, kind.grain)]
    if months is not None:
        found += [Refusal(f"{name}_month") for name in exceeded(months, limits, Grain.MONTH)]
    return found


def _outliers(used: Floats, at: NDArray[np.int64]) -> tuple[int, ...]:
    low, middle, high = np.quantile(used, (0.25, 0.5, 0.75))
    far = np.flatnonzero(used > middle + OUTLIER_IQR * (high - low))
    return tuple(at[far[:OUTLIERS_SHOWN]].tolist())
