"""Cost of energy per interval, as columns; what is not known costs nothing that could be told."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.tariff_book import PeriodMap
from cityhall_bms.domain.energy.tariffs import PERIODS
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.wall_clock import instant_us, local_day


@dataclass(frozen=True, slots=True)
class Costs:
    """Energy and its cost per meter (rows) and interval (columns); NaN where nothing is known.

    A figure over an interval of which something is not known is that of the known part, and its coverage says so.
    """

    at: NDArray[np.int64]
    """Begin of each interval, µs UTC."""
    end: int
    kwh: NDArray[np.float64]
    cost: NDArray[np.float64]
    """NT$, not rounded."""
    estimated: NDArray[np.float64]
    """Part of ``kwh`` that was estimated."""
    coverage: NDArray[np.float64]
    """Share of each interval that good samples stand for, 0..1."""


@dataclass(frozen=True, slots=True)
class ByPeriod:
    """Energy, its cost and coverage per meter (rows) and tariff period (columns, as in ``PERIODS``)."""

    kwh: NDArray[np.float64]
    cost: NDArray[np.float64]
    coverage: NDArray[np.float64]


def priced(amounts: Amounts, periods: PeriodMap) -> NDArray[np.float64]:
    """Cost of each amount (kWh), NT$.

    ``RefusedError`` for intervals in which the period changes: nobody knows how much of them fell into which.
    """
    if not periods.fits(amounts.at, amounts.end):
        msg = "電價時段在區間內變換 / a tariff period changes within an interval: ask for shorter intervals"
        raise RefusedError(msg)
    return amounts.value * periods.prices_of(amounts.at)


def of_intervals(amounts: Amounts, periods: PeriodMap) -> Costs:
    """Costs of the intervals that the amounts are of."""
    cost = priced(amounts, periods)
    return Costs(amounts.at, amounts.end, amounts.value, cost, amounts.estimated, amounts.coverage)


def gathered(amounts: Amounts, periods: PeriodMap, edges: NDArray[np.int64]) -> Costs:
    """Costs of longer intervals, each from one edge to the next; the edges lie on those of the amounts."""
    begins = np.searchsorted(amounts.at, edges[:-1])
    lengths = amounts.lengths().astype(np.float64)
    return Costs(
        edges[:-1],
        int(edges[-1]),
        _known_sum(amounts.value, begins),
        _known_sum(priced(amounts, periods), begins),
        np.add.reduceat(np.nan_to_num(amounts.estimated), begins, axis=1),
        np.add.reduceat(amounts.coverage * lengths, begins, axis=1) / np.add.reduceat(lengths, begins),
    )


def calendar_edges(zone: ZoneInfo, start: int, end: int, interval: str) -> NDArray[np.int64]:
    """Begin of every day (``1d``) or month (``1mo``) that a window touches, and the end of the last; µs UTC."""
    first, last = local_day(zone, start), local_day(zone, end - 1)
    days = [first + timedelta(days=number) for number in range((last - first).days + 2)]
    if interval == "1mo":
        after = (last.replace(day=1) + timedelta(days=32)).replace(day=1)
        days = [first.replace(day=1), *(day for day in days[1:-1] if day.day == 1), after]
    return np.array([instant_us(zone, day, 0) for day in days], np.int64)


def by_period(amounts: Amounts, periods: PeriodMap) -> ByPeriod:
    """Sum up amounts and costs per tariff period; NaN for one that does not occur, or of which nothing is known."""
    codes = periods.periods_of(amounts.at)
    cost = priced(amounts, periods)
    shape = (len(amounts.value), len(PERIODS))
    found = ByPeriod(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan))
    lengths = amounts.lengths().astype(np.float64)
    for code in np.unique(codes):
        inside = codes == code
        found.kwh[:, code] = _known_sum(amounts.value[:, inside], np.zeros(1, np.int64))[:, 0]
        found.cost[:, code] = _known_sum(cost[:, inside], np.zeros(1, np.int64))[:, 0]
        found.coverage[:, code] = amounts.coverage[:, inside] @ lengths[inside] / lengths[inside].sum()
    return found


def demand_by_period(amounts: Amounts, periods: PeriodMap) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Greatest mean power (kW) of all meters together per tariff period, and when it began; NaN where none is known.

    The amounts (kWh) are those of demand intervals; one of which a meter is not known counts for nothing.
    """
    hours = amounts.lengths() / 3.6e9
    power = amounts.value.sum(axis=0) / hours
    codes = periods.periods_of(amounts.at)
    greatest = np.full(len(PERIODS), np.nan)
    when = np.zeros(len(PERIODS), np.int64)
    for code in np.unique(codes):
        places = np.flatnonzero((codes == code) & np.isfinite(power))
        if len(places):
            place = places[np.argmax(power[places])]
            greatest[code], when[code] = power[place], amounts.at[place]
    return greatest, when


def _known_sum(values: NDArray[np.float64], begins: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of what is known from each begin to the next; NaN where nothing is."""
    known = np.isfinite(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), begins, axis=1)
    return np.where(np.add.reduceat(known, begins, axis=1), sums, np.nan)
