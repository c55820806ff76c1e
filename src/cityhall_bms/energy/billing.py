"""Bills of months, and what another contract or tariff would have made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.bills import Bill, Part, bill, power_factor_of
from cityhall_bms.domain.energy.contracts import Month, Optimum, capacity_cost, optimum
from cityhall_bms.domain.energy.costs import by_period, demand_by_period
from cityhall_bms.domain.energy.periods import Period, months_between, months_of
from cityhall_bms.domain.energy.tariff_book import Contract, PeriodMap, Stretch, TariffBook
from cityhall_bms.domain.energy.tariffs import PERIODS, Capacity, TariffPeriod
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import HistoryQueries

QUARTER: Final = "15m"
MONTHS_MAX: Final = 36
"""Longest time of a what-if."""
CURVE_STEPS: Final = 24
"""Capacities around the present one whose cost is told, beside the best."""

Kilowatts = Mapping[Capacity, Decimal]


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms figures are given: also from too little, silences spread, as known at a time (µs UTC)."""

    provisional: bool = False
    estimate: Estimate = Estimate.NONE
    known_at: int | None = None


AS_MEASURED: Final = Terms()


@dataclass(frozen=True, slots=True)
class Measured:
    """What the utility's meters said in a month."""

    period: Period
    amounts: Amounts
    """Quarter hours of the billing meters, kWh."""
    coverage: float
    """Share of the month (0..1) that good samples stand for, the least of the meters."""
    estimated_kwh: float
    """Part of the energy that was estimated; demand is never made of it."""
    power_factor: int | None
    """Per cent; none where reactive energy is not measured, or not enough of it is known."""


@dataclass(frozen=True, slots=True)
class MonthBill:
    """A month's bill, and what it rests on."""

    measured: Measured
    bill: Bill
    contracts: tuple[Contract, ...]
    tariff_versions: tuple[str, ...]
    peaks: Mapping[TariffPeriod, int]
    """When the greatest quarter hour of each period began, µs UTC."""
    provisional: bool
    """Less of the month is known than a bill needs."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Another tariff, other capacities (kW), or both; what is not told stays as the contracts say."""

    tariff: str | None = None
    kw: Kilowatts | None = None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Months as they were billed, and as the scenario would have had them; NT$."""

    actual: tuple[MonthBill, ...]
    scenario: tuple[MonthBill, ...]
    best: Optimum
    """Best regular capacity under the scenario's tariff beside its other capacities, the same in all months."""
    best_total: Decimal
    """What the months would have cost with it."""
    best_by_month: tuple[Optimum, ...]
    """The same of each month alone: no contract can be changed like that, but none can do better."""
    curve: tuple[tuple[int, Decimal], ...]
    """Regular capacity, kW, and what the months would have cost."""


class BillDesk:
    """Raises what ``MeterReader`` and ``TariffBook`` raise, and ``RefusedError`` where too little is known."""

    def __init__(self, book: TariffBook, reader: MeterReader, queries: HistoryQueries, ids: Mapping[str, int]) -> None:
        self._book = book
        self._reader = reader
        self._queries = queries
        self._reactive = [ids[name] for name in book.billing.reactive_points]
        self._zone = ZoneInfo(book.time_zone)

    async def bill(self, month: Period, ask: Terms = AS_MEASURED, *, power_factor: int | None = None) -> MonthBill:
        """Bill a month under the contracts in force.

        A month of which too little is known, as one that is not over, is refused unless asked for as provisional;
        then the energy is what is known of it. ``power_factor``: per cent, instead of what was measured.
        """
        self._check_month(month)
        self._book.check_priced(month.first, month.until)
        measured = await self._measured(month, ask, power_factor)
        self._check_coverage([measured], provisional=ask.provisional)
        return self._billed(measured, Scenario())

    async def what_if(self, months: Period, scenario: Scenario, ask: Terms = AS_MEASURED) -> WhatIf:
        """Bill whole months again under a scenario, and find its best regular capacity."""
        singles = self._months(months)
        for tariff in {None, scenario.tariff}:
            self._book.check_priced(months.first, months.until, tariff)
        measured = [await self._measured(month, ask) for month in singles]
        self._check_coverage(measured, provisional=ask.provisional)
        actual = tuple(self._billed(month, Scenario()) for month in measured)
        kw = scenario.kw or self._book.contract_on(months.until - timedelta(days=1)).kw
        changed = tuple(self._billed(month, scenario) for month in measured)
        costs = [Month(tuple(part.part for part in item.bill.parts), item.bill.power_factor) for item in changed]
        best = optimum(costs, kw)
        fixed = sum((item.bill.total for item in changed), Decimal(0)) - capacity_cost(costs)
        return WhatIf(
            actual, changed, best, fixed + best.capacity_cost,
            tuple(optimum([month], kw) for month in costs),
            tuple(
                (regular, fixed + capacity_cost(costs, {**kw, Capacity.REGULAR: Decimal(regular)}))
                for regular in _around(best.regular_kw, int(kw.get(Capacity.REGULAR, Decimal(0))))
            ),
        )  # fmt: skip

    async def _measured(self, month: Period, ask: Terms, power_factor: int | None = None) -> Measured:
        window = Window(*month.bounds(self._zone))
        meters = self._book.billing.meters
        if not meters:
            msg = "tariffs.toml 沒有 [billing] meters / tariffs.toml does not say which meters the utility bills"
            raise RefusedError(msg)
        amounts = await self._reader.amounts(meters, window, QUARTER, estimate=ask.estimate, known_at=ask.known_at)
        lengths = amounts.lengths().astype(np.float64)
        coverage = float((amounts.coverage @ lengths / lengths.sum()).min())
        if power_factor is None and self._reactive:
            power_factor = await self._power_factor(window, amounts, coverage, ask.known_at)
        return Measured(month, amounts, coverage, float(np.nansum(amounts.estimated)), power_factor)

    async def _power_factor(
        self, window: Window, amounts: Amounts, coverage: float, known_at: int | None
    ) -> int | None:
        table = await self._queries.intervals_of(
            self._reactive, window, "1mo", Aggregation.DELTA, self._zone.key, known_at
        )
        least = self._book.billing.coverage_min
        if not np.isfinite(table.value).all() or min(coverage, float(table.coverage.min())) < least:
            return None
        return power_factor_of(float(np.nansum(amounts.value)), float(table.value.sum()))

    def _billed(self, measured: Measured, scenario: Scenario) -> MonthBill:
        month = measured.period
        start, end = month.bounds(self._zone)
        periods = self._book.periods(start, end, scenario.tariff)
        stretches = self._book.stretches(month.first, month.until, scenario.tariff)
        parts = [self._part(measured, stretch, periods, scenario) for stretch in stretches]
        _, when = demand_by_period(self._for_demand(measured.amounts), periods)
        return MonthBill(
            measured,
            bill(parts, measured.power_factor),
            _contracts(stretches),
            self._book.versions_in(month.first, month.until, scenario.tariff),
            {period: int(at) for period, at in zip(PERIODS, when, strict=True) if at},
            measured.coverage < self._book.billing.coverage_min,
        )

    def _for_demand(self, amounts: Amounts) -> Amounts:
        """Only quarter hours that are known: energy of half of one, or spread evenly, says nothing about demand."""
        known = (amounts.estimated <= 0.0) & (amounts.coverage >= self._book.billing.coverage_min)
        return replace(amounts, value=np.where(known, amounts.value, np.nan))

    def _part(self, measured: Measured, stretch: Stretch, periods: PeriodMap, scenario: Scenario) -> Part:
        amounts = _between(measured.amounts, stretch.start, stretch.end)
        energy = by_period(amounts, periods).kwh
        demand, _ = demand_by_period(self._for_demand(amounts), periods)
        kwh = {
            p: float(np.nansum(column))
            for p, column in zip(PERIODS, energy.T, strict=True)
            if np.isfinite(column).any()
        }
        return Part(
            tariff=stretch.tariff,
            season=stretch.season,
            kw=scenario.kw or stretch.contract.kw,
            share=Decimal(stretch.days) / measured.period.days,
            kwh=kwh,
            demand_kw={p: float(kw) for p, kw in zip(PERIODS, demand, strict=True) if np.isfinite(kw)},
        )

    def _check_coverage(self, months: Sequence[Measured], *, provisional: bool) -> None:
        for month in months:
            if not np.isfinite(month.amounts.value).any():
                msg = f"{month.period.name} 沒有用電資料 / nothing is known of what was used in {month.period.name}"
                raise RefusedError(msg)
        least = self._book.billing.coverage_min
        short = [month for month in months if month.coverage < least]
        if short and not provisional:
            told = ", ".join(f"{month.period.name} {100 * month.coverage:.1f} %" for month in short[:12])
            msg = (
                f"資料涵蓋率不足 {100 * least:g} %: {told} / less than {100 * least:g} % of the month is known "
                f"({told}): ask with provisional=true for what is known of it"
            )
            raise RefusedError(msg)

    @staticmethod
    def _check_month(month: Period) -> None:
        if not month.whole_months or months_between(month.first, month.until) != 1:
            msg = f"{month.name} 不是一個月 / {month.name} is not a month: write 115-07 or 2026-07"
            raise RefusedError(msg)

    @staticmethod
    def _months(months: Period) -> list[Period]:
        count = months_between(months.first, months.until) if months.whole_months else 0
        if not 1 <= count <= MONTHS_MAX:
            msg = f"{months.name}: ask for whole months, {MONTHS_MAX} at most"
            raise RefusedError(msg)
        found = [months_of(months.first, 1)]
        while found[-1].until < months.until:
            found.append(months_of(found[-1].until, 1))
        return found


def _between(amounts: Amounts, start: int, end: int) -> Amounts:
    """Those intervals that begin within a stretch of time."""
    inside = slice(*np.searchsorted(amounts.at, [start, end]))
    return replace(
        amounts, at=amounts.at[inside], end=min(end, amounts.end), value=amounts.value[:, inside],
        estimated=amounts.estimated[:, inside], coverage=amounts.coverage[:, inside],
    )  # fmt: skip


def _contracts(stretches: Sequence[Stretch]) -> tuple[Contract, ...]:
    return tuple({stretch.contract.valid_from: stretch.contract for stretch in stretches}.values())


def _around(best: int, present: int) -> list[int]:
    """Capacities whose cost is worth showing: from half of the smaller one to half more than the greater one."""
    low, high = min(best, present or best) // 2, 3 * max(best, present, 1) // 2
    steps = {low + (high - low) * step // CURVE_STEPS for step in range(CURVE_STEPS + 1)}
    return sorted(steps | {best} | ({present} if present else set()))
