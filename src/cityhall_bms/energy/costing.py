"""What energy cost, per interval and per tariff period, for meters and tenants."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.combining import combined
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.costs import ByPeriod, Costs, by_period, calendar_edges, gathered, of_intervals
from cityhall_bms.domain.energy.meters import STUFF, Metering
from cityhall_bms.domain.energy.tariff_book import DAYS_MAX, TariffBook
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.history import Window

QUARTER, HOUR, DAY, MONTH = "15m", "1h", "1d", "1mo"
INTERVALS: Final = (QUARTER, HOUR, DAY, MONTH)
CELLS_MAX: Final = 2_500_000
"""Meters times priced intervals of one question: a year of quarter hours of 64 meters is 2.2 million."""
SHORTEST_US: Final = {QUARTER: 900_000_000, HOUR: 3_600_000_000}
DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class CostQuestion:
    """Whose cost, when, in which intervals (one of ``INTERVALS``); times µs UTC.

    ``tariff``: as if this one had been in force, instead of those of the contracts.
    """

    meters: tuple[str, ...]
    tenants: tuple[str, ...]
    window: Window
    interval: str
    tariff: str | None = None
    estimate: Estimate = Estimate.NONE
    known_at: int | None = None
    provisional: bool = False
    """Also figures of which too little is known."""


@dataclass(frozen=True, slots=True)
class CostAnswer:
    """Rows are the meters and then the tenants of the question.

    NaN where nothing is known, and where too little is, unless the question asks for provisional figures.
    """

    costs: Costs
    provisional: NDArray[np.bool_]
    """Which of the costs are given although too little is known."""
    periods: ByPeriod
    """Of the whole window."""
    periods_provisional: NDArray[np.bool_]
    tariff_versions: tuple[str, ...]


class CostLines(Protocol):
    """Writes costs as the chunks of a CSV file (conventions: `docs/reference/csv.md`)."""

    def __call__(self, ask: CostQuestion, found: CostAnswer, language: str) -> AsyncIterator[bytes]:
        """Give the chunks; language of the headings: ``zh`` or ``en``."""
        ...


class CostDesk:
    """Energy times its price at the time; what a contract costs besides is the bill's business.

    Raises what ``MeterReader`` and ``TariffBook`` raise.
    """

    def __init__(self, book: TariffBook, metering: Metering, reader: MeterReader) -> None:
        self._book = book
        self._metering = metering
        self._reader = reader
        self._zone = ZoneInfo(book.time_zone)

    async def costs(self, ask: CostQuestion) -> CostAnswer:
        """Answer a question; days and months are whole ones, widened to both sides."""
        wanted = [self._meter(name) for name in ask.meters] + [self._tenant(name) for name in ask.tenants]
        if not wanted:
            msg = "請指定計量表或承租單位 / name meters or tenants: tariffs.toml does not say which meters are billed"
            raise RefusedError(msg)
        meters = list(dict.fromkeys(name for factors in wanted for name in factors))
        # First of all: the days of centuries would be counted one by one, while everybody else waits.
        self._check_size(len(meters), ask.window, HOUR if ask.interval in {DAY, MONTH} else ask.interval)
        edges = (
            calendar_edges(self._zone, ask.window.start, ask.window.end, ask.interval)
            if ask.interval in {DAY, MONTH}
            else None
        )
        window = ask.window if edges is None else Window(int(edges[0]), int(edges[-1]))
        first, last = local_day(self._zone, window.start), local_day(self._zone, window.end - 1)
        after = last + timedelta(days=1)
        self._book.check_priced(first, after, ask.tariff)
        # The whole days around the window: intervals of an hour may begin before it.
        whole = calendar_edges(self._zone, window.start, window.end, DAY)
        periods = self._book.periods(int(whole[0]), int(whole[-1]), ask.tariff)
        fine = ask.interval if edges is None else HOUR if periods.hourly else QUARTER
        self._check_size(len(meters), window, fine)
        read = await self._reader.amounts(meters, window, fine, estimate=ask.estimate, known_at=ask.known_at)
        amounts = combined(read, meters, wanted)
        found = of_intervals(amounts, periods) if edges is None else gathered(amounts, periods, edges)
        versions = self._book.versions_in(first, after, ask.tariff)
        return self._answer(found, by_period(amounts, periods), versions, provisional=ask.provisional)

    def _answer(self, costs: Costs, periods: ByPeriod, versions: tuple[str, ...], *, provisional: bool) -> CostAnswer:
        """Take away what must not be told."""
        thin, thin_periods = (part.coverage < self._book.billing.coverage_min for part in (costs, periods))
        if not provisional:
            costs = replace(
                costs,
                kwh=np.where(thin, np.nan, costs.kwh),
                cost=np.where(thin, np.nan, costs.cost),
                estimated=np.where(thin, 0.0, costs.estimated),
            )
            periods = replace(
                periods,
                kwh=np.where(thin_periods, np.nan, periods.kwh),
                cost=np.where(thin_periods, np.nan, periods.cost),
            )
        marks = thin & np.isfinite(costs.cost), thin_periods & np.isfinite(periods.cost)
        return CostAnswer(costs, marks[0], periods, marks[1], versions)

    def _meter(self, name: str) -> Mapping[str, float]:
        commodity = self._metering.meter(name).commodity
        if STUFF[commodity] != STUFF[Commodity.ELECTRICITY]:
            msg = (
                f"{name} 不是電表, 電價不適用 / {name} counts {commodity}: a tariff of electricity has no price for it"
            )
            raise RefusedError(msg)
        return {name: 1.0}

    def _tenant(self, name: str) -> Mapping[str, float]:
        if name not in self._metering.tenants:
            msg = f"沒有承租單位 {name} / no tenant is named {name}; GET /api/v1/energy/tenants lists them"
            raise NotFoundError(msg)
        factors = self._metering.total_of(Commodity.ELECTRICITY, name)
        if not factors:
            msg = f"{name} 沒有電表 / {name} has no meter of electricity: what it used is not known"
            raise RefusedError(msg)
        return factors

    @staticmethod
    def _check_size(meters: int, window: Window, fine: str) -> None:
        length = window.end - window.start
        if length > DAYS_MAX * DAY_US or meters * length // SHORTEST_US[fine] > CELLS_MAX:
            msg = (
                f"ask for a shorter time or fewer meters: at most {DAYS_MAX} days, and {CELLS_MAX} figures to be priced"
            )
            raise RefusedError(msg)


def names_asked(meters: Sequence[str], tenants: Sequence[str], book: TariffBook) -> tuple[str, ...]:
    """Meters of a question that names nobody: those that the utility bills."""
    return tuple(meters) or (() if tenants else book.billing.meters)
