"""One figure beside another: what was used, what it is compared with, and what was saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.errors import RefusedError

Row = NDArray[np.float64]

COVERAGE_MIN: Final = 0.95
"""Share of a period for which good data are asked on either side, unless a site says otherwise."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared: a commodity, and the meters that make it up with the factor of each."""

    commodity: Commodity
    factors: Mapping[str, float]
    tenant: str = ""
    meter: str = ""
    """Name of the one meter that was asked for; empty for a total."""


@dataclass(frozen=True, slots=True)
class Figure:
    """An amount of a period, in its commodity's unit; ``value`` is none where nothing at all is known."""

    period: Period
    value: float | None
    coverage: float
    """Share of the period that good data stand for, 0..1; what was estimated never counts."""
    estimated: float = 0.0
    """Part of the value that was estimated."""
    declared: str = ""
    """Document that an amount comes from which nobody here measured; empty for a measured one."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Current and reference amount; ``provisional`` where either does not have the coverage that is asked."""

    current: Figure
    reference: Figure
    provisional: bool

    @property
    def difference(self) -> float:
        """Current less reference, in the commodity's unit."""
        return _known(self.current) - _known(self.reference)

    @property
    def saving_percent(self) -> float | None:
        """What was saved of the reference, %; negative where more was used. None where the reference is nothing."""
        reference = _known(self.reference)
        return -self.difference / reference * 100.0 if reference else None


def compare(
    current: Figure, reference: Figure, *, coverage_min: float = COVERAGE_MIN, provisional: bool = False
) -> Comparison:
    """Compare two figures; ``RefusedError`` where one is unknown, or is not covered and this was not asked for."""
    thin = False
    for zh, en, figure in (("本期", "the current period", current), ("基準期", "the reference period", reference)):
        if figure.value is None:
            msg = f"{zh} {figure.period.name} 沒有資料 / nothing is known of {en} {figure.period.name}"
            raise RefusedError(msg)
        if figure.coverage < coverage_min:
            thin = True
            _refuse_unless(provisional, zh, en, figure, coverage_min)
    return Comparison(current, reference, thin)


def total(amounts: Amounts, factors: Row, period: Period) -> Figure:
    """Amount of a whole period from the intervals of its meters (rows), each with its factor.

    A sum is as complete as the least complete of its meters. What is unknown is left out and lowers the coverage.
    """
    lengths = amounts.lengths().astype(np.float64)
    known = np.isfinite(amounts.value)
    covered = np.where(known, amounts.coverage, 0.0)
    coverage = float((covered @ lengths / lengths.sum()).min()) if lengths.size and covered.size else 0.0
    if not known.any():
        return Figure(period, None, 0.0)
    value = float(factors @ np.where(known, amounts.value, 0.0).sum(axis=1))
    estimated = float(factors @ np.where(known, np.nan_to_num(amounts.estimated), 0.0).sum(axis=1))
    return Figure(period, value, coverage, estimated)


def covered(amounts: Amounts, factors: Row, coverage_min: float) -> Row:
    """Amount of each interval, all meters together; NaN where one of them is not covered."""
    good = np.isfinite(amounts.value) & (amounts.coverage >= coverage_min)
    sums = factors @ np.where(good, amounts.value, 0.0)
    return np.where(good.all(axis=0), sums, np.nan)


def _refuse_unless(provisional: bool, zh: str, en: str, figure: Figure, coverage_min: float) -> None:  # noqa: FBT001
    if provisional:
        return
    found, asked = f"{figure.coverage * 100:.1f}", f"{coverage_min * 100:g}"
    msg = (
        f"{zh} {figure.period.name} 資料完整率 {found} %，低於 {asked} %；可要求暫列數字 / "
        f"{en} {figure.period.name} is covered to {found} %, less than {asked} %; ask for provisional figures"
    )
    raise RefusedError(msg)


def _known(figure: Figure) -> float:
    assert figure.value is not None  # noqa: S101 - compare() refuses what is unknown
    return figure.value
