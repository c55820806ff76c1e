"""Savings: what the baseline tells for the weather that was, less what was used, give and take what changed besides.

avoided = baseline(reporting weather) + non-routine - measured (IPMVP Core Concepts 2022; ISO 50015).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.baselines import Model, ModelKind, Observed, beyond
from cityhall_bms.domain.energy.conditions import Conditions
from cityhall_bms.domain.energy.fit_statistics import FitStatistics, Limits, saving_uncertainty

Floats = NDArray[np.float64]
_DAY_US = 86_400e6


@dataclass(frozen=True, slots=True)
class Extra:
    """Use that is no part of the baseline, positive where more is used now: kWh per day, from ``begin`` on (µs UTC).

    ``until`` is excluded, none for one that lasts; with ``workdays_only`` days off have none of it.
    """

    begin: int
    until: int | None
    kwh_per_day: float
    workdays_only: bool = False


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a saving is measured with: a model, its statistics, and the temperatures that it was fitted to."""

    kind: ModelKind
    model: Model
    statistics: FitStatistics
    coldest: float
    warmest: float


@dataclass(frozen=True, slots=True)
class Savings:
    """Columns per interval (NaN where nothing can be said), and what they come to where something can."""

    at: NDArray[np.int64]
    baseline: Floats
    """What the model tells for the weather that was."""
    extra: Floats
    used: Floats
    counted: NDArray[np.bool_]
    """Intervals that are in the totals: weather and use are known."""
    beyond: int
    """Those among them whose weather was outside what the model knows."""
    uncertainty: float
    """Half width at 68 %; NaN where nothing is counted."""

    @property
    def saved(self) -> Floats:
        """Avoided use per interval."""
        return self.baseline + self.extra - self.used

    def total(self, column: Floats) -> float:
        """Sum of a column over the counted intervals; NaN when there are none."""
        return float(column[self.counted].sum()) if self.counted.any() else float("nan")

    @property
    def coverage(self) -> float:
        """Share of the period that the totals stand for, 0..1."""
        return float(self.counted.mean()) if len(self.counted) else 0.0

    @property
    def uncertainty_share(self) -> float:
        """Uncertainty by the size of the saving, %; infinite where nothing is saved."""
        size = abs(self.total(self.saved))
        return 100.0 * self.uncertainty / size if size > 0.0 else float("inf")

    def proven(self, limits: Limits) -> bool:
        """Whether the saving is surer than Guideline 14 asks (5.3.2.2: under 50 % at 68 %)."""
        return self.uncertainty_share < limits.uncertainty


def extra_use(extras: Sequence[Extra], at: NDArray[np.int64], end: int, conditions: Conditions) -> Floats:
    """Sum of what was used besides, per interval; one that begins within an interval counts for its part of it."""
    ends = np.append(at[1:], end)
    found = np.zeros(len(at))
    for extra in extras:
        until = np.iinfo(np.int64).max if extra.until is None else extra.until
        lasts = np.maximum(np.minimum(ends, until) - np.maximum(at, extra.begin), 0)
        applies = conditions.workday if extra.workdays_only else np.ones(len(at), np.bool_)
        found += np.where(applies, extra.kwh_per_day * lasts / _DAY_US, 0.0)
    return found


def savings(yardstick: Yardstick, observed: Observed, extra: Floats) -> Savings:
    """What was avoided in a reporting period."""
    told = yardstick.model.predict(observed.conditions)
    counted = np.isfinite(told) & np.isfinite(observed.used)
    unknown = beyond(observed.conditions.temperature, yardstick.coldest, yardstick.warmest)
    modelled = float(told[counted].sum())
    return Savings(
        at=observed.at,
        baseline=told,
        extra=extra,
        used=observed.used,
        counted=counted,
        beyond=int(np.count_nonzero(unknown & counted)),
        uncertainty=saving_uncertainty(yardstick.statistics, yardstick.kind.grain, int(counted.sum()), modelled),
    )
