"""The peak calendar of a meter, from the quarter hours that history keeps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.demand import WINDOW_US
from cityhall_bms.domain.energy.demand_meters import DemandMeters, DemandSource, Pair
from cityhall_bms.domain.energy.demand_peaks import Peak, by_groups, greatest, highest_days, known_quarters
from cityhall_bms.domain.energy.tariff_book import TariffBook
from cityhall_bms.domain.energy.tariffs import PERIODS, TariffPeriod
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import instant_us, local_day
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import HistoryQueries

QUARTER: Final = "15m"
QUARTERS_PER_H: Final = 4.0
MONTHS_MAX: Final = 36


@dataclass(frozen=True, slots=True)
class PeriodPeak:
    """Greatest quarter of a month in one period of the tariff, and the limit of its day; none without a contract."""

    period: TariffPeriod
    peak: Peak
    limit_kw: float | None


@dataclass(frozen=True, slots=True)
class MonthPeaks:
    """Greatest quarters of a month (``begin``, ``end``: µs UTC); no periods where none are known."""

    begin: int
    end: int
    peak: Peak
    periods: Sequence[PeriodPeak]


@dataclass(frozen=True, slots=True)
class PeakCalendar:
    """Months in order, and the highest days of all of them."""

    meter: str
    source: DemandSource
    months: Sequence[MonthPeaks]
    days: Sequence[tuple[date, Peak]]


class DemandCalendar:
    """Answers from history; raises ``HistoryUnavailableError`` when it cannot be reached."""

    def __init__(
        self, meters: DemandMeters, site: Site, ids: Mapping[str, int], queries: HistoryQueries, clock: Clock
    ) -> None:
        self._meters = meters
        self._book = site.tariffs
        self._zone = ZoneInfo(site.time_zone)
        self._ids = ids
        self._queries = queries
        self._clock = clock

    async def of(self, meter: str, first: date, last: date, top: int) -> PeakCalendar:
        """Months from that of ``first`` to that of ``last``, and the ``top`` highest days.

        ``NotFoundError`` for a meter without a demand, ``RefusedError`` for more than :data:`MONTHS_MAX` months.
        """
        row = self._meters.row(meter)
        edges = [instant_us(self._zone, day, 0) for day in _months(first, last)]
        if len(edges) > MONTHS_MAX + 1:
            msg = f"最多 {MONTHS_MAX} 個月 / ask for at most {MONTHS_MAX} months at once"
            raise RefusedError(msg)
        until = min(edges[-1], self._clock.now() // WINDOW_US * WINDOW_US)
        months: list[MonthPeaks] = []
        days: dict[int, Peak] = {}
        for begin, end in pairwise(edges):
            at, kw = await self._quarters(row, Window(begin, min(end, until))) if begin < until else _NOTHING
            months.append(MonthPeaks(begin, end, greatest(kw, at), self._periods(kw, at)))
            days |= by_groups(kw, at, np.array([local_day(self._zone, t).toordinal() for t in at.tolist()], np.int64))
        highest = [(date.fromordinal(day), peak) for day, peak in highest_days(days, top)]
        measured = any(p.power and f for p, f in zip(self._meters.pairs, self._meters.parts[row].tolist(), strict=True))
        return PeakCalendar(meter, DemandSource.POWER if measured else DemandSource.COUNTER, months, highest)

    async def _quarters(self, row: int, window: Window) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Begin and demand of every quarter in a window: of powers the mean, of a counter alone what it counted."""
        total: NDArray[np.float64] | None = None
        at = np.empty(0, np.int64)
        factors = self._meters.parts[row]
        for aggregation in (Aggregation.MEAN, Aggregation.DELTA):
            chosen = [
                (pair, factor)
                for pair, factor in zip(self._meters.pairs, factors.tolist(), strict=True)
                if factor and bool(pair.power) is (aggregation is Aggregation.MEAN)
            ]
            if not chosen:
                continue
            points = [self._ids[pair.power or pair.counter] for pair, _ in chosen]
            table = await self._queries.intervals_of(points, window, QUARTER, aggregation, self._zone.key)
            scale = np.array([factor * _kw_of(pair) for pair, factor in chosen])
            part = (known_quarters(table.value, table.coverage) * scale[:, np.newaxis]).sum(axis=0)
            at, total = table.at, part if total is None else total + part
        return at, np.empty(0) if total is None else total

    def _periods(self, kw: NDArray[np.float64], at: NDArray[np.int64]) -> list[PeriodPeak]:
        if not len(at):
            return []
        try:
            codes = self._book.periods(int(at[0]), int(at[-1]) + WINDOW_US).periods_of(at)
        except (RefusedError, NotFoundError):
            return []  # no contract, or a year whose off-peak days nobody knows
        peaks = by_groups(kw, at, codes.astype(np.int64))
        return [
            PeriodPeak(PERIODS[code], peak, _limit_kw(self._book, self._zone, PERIODS[code], peak.at or int(at[0])))
            for code, peak in peaks.items()
        ]


_NOTHING: Final = (np.empty(0, np.int64), np.empty(0))


def _kw_of(pair: Pair) -> float:
    return pair.power_factor if pair.power else pair.counter_factor * QUARTERS_PER_H


def _limit_kw(book: TariffBook, zone: ZoneInfo, period: TariffPeriod, at: int) -> float:
    day = local_day(zone, at)
    contract = book.contract_on(day)
    tariff = book.tariff_on(contract.tariff, day)
    return float(tariff.limit_kw(tariff.season_on(day), period, contract.kw))


def _months(first: date, last: date) -> Iterator[date]:
    """First days of the months from one to the other, and of the one after."""
    month = first.replace(day=1)
    for _ in range(MONTHS_MAX + 2):
        yield month
        if (month.year, month.month) > (last.year, last.month):
            return
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
