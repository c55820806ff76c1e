"""Energy performance indicators as they stand: over the last whole months, beside the year before and the base year."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.performance import Indicator, MeterChoice
from cityhall_bms.domain.energy.periods import MONTHS, Period
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.history import Window

MONTH: Final = "1mo"


@dataclass(frozen=True, slots=True)
class Reading:
    """An indicator over some months: none where nothing can be said. ``coverage`` (0..1) is that of the worst part."""

    period: Period
    value: float | None
    coverage: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One indicator as it stands."""

    indicator: Indicator
    now: Reading
    before: Reading
    """The same months a year before."""
    base: Reading | None
    """The same months of the base year; none where the commodity has no base year."""
    missing: tuple[str, str] | None
    """What the site does not tell, and without which there is no value."""

    @property
    def base_value(self) -> float | None:
        """As declared, else as calculated."""
        if self.indicator.base is not None:
            return self.indicator.base
        return None if self.base is None else self.base.value

    @property
    def trend_percent(self) -> float | None:
        """Change against the year before, %."""
        now, before = self.now.value, self.before.value
        return None if now is None or not before else 100.0 * (now - before) / before


class Indicators:
    """Tells indicators. Raises what the meter reader raises."""

    def __init__(self, site: Site, reader: MeterReader, clock: Clock) -> None:
        self._site = site
        self._zone = ZoneInfo(site.time_zone)
        self._reader = reader
        self._clock = clock
        self._class_of = {
            point.name: site.equipment[point.equipment].brick_class
            for point in site.points.values()
            if point.equipment in site.equipment
        }

    async def all(self, until: date | None = None, *, provisional: bool = False) -> list[Standing]:
        """Every indicator up to a month's first day (that of the present month when none is given).

        A value that rests on less than the least coverage is told only as ``provisional``.
        """
        end = (until or local_day(self._zone, self._clock.now())).replace(day=1)
        telling = _Telling(self._site, self._reader, self._class_of, provisional=provisional)
        return [await telling.standing(indicator, end) for indicator in self._site.performance.indicators]


class _Telling:
    """One answer: what several indicators count is read once."""

    def __init__(self, site: Site, reader: MeterReader, class_of: Mapping[str, str], *, provisional: bool) -> None:
        self._site = site
        self._zone = ZoneInfo(site.time_zone)
        self._reader = reader
        self._class_of = class_of
        self._provisional = provisional
        self._read: dict[tuple[MeterChoice, Window], tuple[float, float, int]] = {}

    async def standing(self, indicator: Indicator, end: date) -> Standing:
        """An indicator up to a day."""
        period = Period(_months_before(end, indicator.months), end)
        base_year = self._base_year(indicator)
        base = None
        if base_year is not None and base_year < period.first.year:
            base = await self._reading(indicator, period.moved(base_year - period.first.year))
        return Standing(
            indicator=indicator,
            now=await self._reading(indicator, period),
            before=await self._reading(indicator, period.moved(-1)),
            base=base,
            missing=self._missing(indicator),
        )

    async def _reading(self, indicator: Indicator, period: Period) -> Reading:
        window = Window(*period.bounds(self._zone))
        count, coverage, meters = await self._sum(indicator.count, window)
        divisor = indicator.divisor(self._site.facts, meters, period.days)
        if isinstance(indicator.per, MeterChoice):
            divisor, other, _ = await self._sum(indicator.per, window)
            coverage = min(coverage, other)
        least = self._site.performance.limits.interval_coverage / 100.0
        known = divisor is not None and np.isfinite(divisor) and divisor > 0.0 and np.isfinite(count)
        if divisor is None or not known or (coverage < least and not self._provisional):
            return Reading(period, None, coverage)
        return Reading(period, count / divisor * indicator.factor, coverage)

    async def _sum(self, choice: MeterChoice, window: Window) -> tuple[float, float, int]:
        """Sum of some meters over a window, coverage by time of the worst of them, and how many they are.

        NaN where one of them has no value for a month: a part is not the whole.
        """
        if (choice, window) not in self._read:
            self._read[choice, window] = await self._summed(choice, window)
        return self._read[choice, window]

    async def _summed(self, choice: MeterChoice, window: Window) -> tuple[float, float, int]:
        factors = choice.factors(self._site.metering, self._class_of)
        if not factors:
            return float("nan"), 0.0, 0
        amounts = await self._reader.amounts(list(factors), window, MONTH)
        lengths = amounts.lengths().astype(np.float64)
        coverage = float((amounts.coverage @ lengths).min() / lengths.sum()) if len(lengths) else 0.0
        return _weighted(factors, amounts.value), coverage, len(factors)

    def _base_year(self, indicator: Indicator) -> int | None:
        choice = indicator.count
        commodity: Commodity | None = choice.commodity
        if commodity is None and choice.meters:
            commodity = self._site.metering.meter(choice.meters[0]).commodity
        return None if commodity is None else self._site.metering.base_years.get(commodity)

    def _missing(self, indicator: Indicator) -> tuple[str, str] | None:
        for choice in (indicator.count, indicator.per):
            if isinstance(choice, MeterChoice) and not choice.factors(self._site.metering, self._class_of):
                return "案場沒有這類計量表", "the site has no such meters"
        if indicator.divisor(self._site.facts, 1, 1.0) is None:
            return f"site.toml 未填 {indicator.per}", f"site.toml does not tell what {indicator.per} needs"
        return None


def _weighted(factors: Mapping[str, float], value: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.array(list(factors.values())) @ value.sum(axis=1)) if value.size else float("nan")


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * MONTHS + day.month - 1 - months, MONTHS)
    return date(year, month + 1, 1)
