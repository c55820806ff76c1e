"""What was used in a period, beside the same period of another year."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.comparison import Comparison, Figure, Row, Subject, compare, covered, total
from cityhall_bms.domain.energy.meters import Metering
from cityhall_bms.domain.energy.periods import Period, months_between, months_of
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.roc import roc_year
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.history import Window

MONTH: Final = "1mo"
DAY: Final = "1d"


class Against(StrEnum):
    """With what a period is compared."""

    BASE_YEAR = "base_year"
    """The same period of the commodity's base year."""
    YEAR_BEFORE = "year_before"
    """The same period of the year before."""


@dataclass(frozen=True, slots=True)
class How:
    """How figures are read: silences estimated, the record as it was then (µs UTC), also what is not covered."""

    estimate: Estimate = Estimate.NONE
    known_at: int | None = None
    provisional: bool = False


AS_MEASURED: Final = How()


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison, and what was asked for: a period that goes on is compared as far as its days are over."""

    subject: Subject
    asked: Period
    comparison: Comparison

    @property
    def running(self) -> bool:
        """Whether only the elapsed part was compared."""
        return self.comparison.current.period != self.asked


class Comparer:
    """Figures of periods, from meters where they are covered, else as declared; and comparisons of them.

    Raises what the meter reader raises, and ``RefusedError`` for what cannot be compared.
    """

    def __init__(self, metering: Metering, book: EnergyBook, reader: MeterReader, zone: ZoneInfo, clock: Clock) -> None:
        self._metering = metering
        self._book = book
        self._reader = reader
        self._zone = zone
        self._clock = clock

    def subject(self, commodity: Commodity, tenant: str = "", meter: str = "") -> Subject:
        """What a question is about; ``NotFoundError`` where the site knows no such meter or tenant."""
        if meter:
            found = self._metering.meter(meter)
            if found.commodity is not commodity:
                msg = f"計量表 {meter} 計 {found.commodity} / meter {meter} counts {found.commodity}"
                raise RefusedError(msg)
            return Subject(commodity, {meter: 1.0}, meter=meter)
        if tenant and tenant not in self._metering.tenants:
            msg = f"沒有承租單位 {tenant} / no tenant is named {tenant}"
            raise NotFoundError(msg)
        return Subject(commodity, self._metering.total_of(commodity, tenant), tenant=tenant)

    @property
    def coverage_min(self) -> float:
        """Share of a period for which good data are asked, 0..1."""
        return self._book.references.coverage_min

    def today(self, known_at: int | None = None) -> date:
        """The day that is not over yet; with ``known_at`` (µs UTC) that was not over then."""
        now = self._clock.now()
        return local_day(self._zone, now if known_at is None else min(known_at, now))

    async def compare(self, subject: Subject, period: Period, against: Against, how: How = AS_MEASURED) -> Compared:
        """Compare a period with the same one of another year, as far as its days are over."""
        elapsed = self.elapsed(period, how.known_at)
        back = self._years_back(subject.commodity, elapsed, against)
        try:
            earlier = elapsed.moved(-back)
        except ValueError as error:
            raise RefusedError(str(error)) from error
        current = await self.figure(subject, elapsed, how)
        reference = await self.figure(subject, earlier, how)
        found = compare(current, reference, coverage_min=self.coverage_min, provisional=how.provisional)
        return Compared(subject, period, found)

    def elapsed(self, period: Period, known_at: int | None = None) -> Period:
        """The days of a period that are over, or were then; ``RefusedError`` where none is."""
        elapsed = period.elapsed(self.today(known_at))
        if elapsed is None:
            msg = f"{period.name} 尚無完整的一日 / no day of {period.name} is over yet"
            raise RefusedError(msg)
        return elapsed

    async def figure(self, subject: Subject, period: Period, how: How = AS_MEASURED) -> Figure:
        """Amount of a period: as measured where it is covered, else as declared, else as far as it is measured."""
        measured = Figure(period, None, 0.0)
        if subject.factors:
            interval = MONTH if period.whole_months else DAY
            amounts = await self.amounts(subject, period, interval, how)
            measured = total(amounts, np.array([*subject.factors.values()]), period)
        if measured.value is not None and measured.coverage >= self.coverage_min:
            return measured
        return self._book.references.figure(subject, period) or measured

    async def amounts(self, subject: Subject, period: Period, interval: str, how: How = AS_MEASURED) -> Amounts:
        """Amounts of the subject's meters in the intervals of a period."""
        window = Window(*period.bounds(self._zone))
        meters: Sequence[str] = list(subject.factors)
        return await self._reader.amounts(meters, window, interval, estimate=how.estimate, known_at=how.known_at)

    async def covered(self, subject: Subject, period: Period, interval: str, how: How = AS_MEASURED) -> Row:
        """Amount of each day or month of a period, NaN where it is not covered; a month as declared where it is."""
        if subject.factors:
            amounts = await self.amounts(subject, period, interval, how)
            found = covered(amounts, np.array([*subject.factors.values()]), self.coverage_min)
        else:
            found = np.full(months_between(period.first, period.until) if interval == MONTH else period.days, np.nan)
        if interval == MONTH:
            for index in np.flatnonzero(np.isnan(found)).tolist():
                month = months_of(months_of(period.first, index).until, 1)
                declared = self._book.references.figure(subject, month)
                found[index] = np.nan if declared is None or declared.value is None else declared.value
        return found

    def reference_year(self, commodity: Commodity, year: int, against: Against) -> int | None:
        """Year (CE) that a year is compared with; none where the commodity has no base year before it."""
        if against is Against.YEAR_BEFORE:
            return year - 1
        base = self._metering.base_years.get(commodity)
        return base if base is not None and base < year else None

    def _years_back(self, commodity: Commodity, period: Period, against: Against) -> int:
        year = self.reference_year(commodity, period.first.year, against)
        if year is not None:
            return period.first.year - year
        zh, en = commodity.text_zh, commodity.value
        base = self._metering.base_years.get(commodity)
        if base is None:
            msg = f"{zh}未訂基準年 / {en} has no base year; add a [[base_year]] to meters.toml"
        else:
            roc, name = roc_year(base), period.name
            msg = f"{name} 不晚於{zh}基準年 {roc} / {name} is not after ROC {roc}, the base year of {en}"
        raise RefusedError(msg)
