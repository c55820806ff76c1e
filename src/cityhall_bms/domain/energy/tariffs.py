"""A tariff of electricity as data: seasons, hours of its periods, prices, and the rules of its bill.

A tariff of one name has a version for each day from which it is another. What a version does not know it does not
have: one without prices says which period a moment lies in, and nothing about its cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class TariffPeriod(StrEnum):
    """Periods of a tariff, in the order in which demand above the contract is charged."""

    PEAK = "peak"
    HALF_PEAK = "half_peak"
    SATURDAY_HALF_PEAK = "saturday_half_peak"
    OFF_PEAK = "off_peak"

    @property
    def text_zh(self) -> str:
        """Name for people, Chinese."""
        return PERIOD_TEXTS[self][0]

    @property
    def text_en(self) -> str:
        """Name for people, English."""
        return PERIOD_TEXTS[self][1]


PERIODS: Final = tuple(TariffPeriod)
"""A period's place in it is its code in columns."""
PERIOD_TEXTS: Final = MappingProxyType(
    {
        TariffPeriod.PEAK: ("尖峰", "Peak"),
        TariffPeriod.HALF_PEAK: ("半尖峰", "Half-peak"),
        TariffPeriod.SATURDAY_HALF_PEAK: ("週六半尖峰", "Saturday half-peak"),
        TariffPeriod.OFF_PEAK: ("離峰", "Off-peak"),
    }
)


class Season(StrEnum):
    """Seasons of a tariff."""

    SUMMER = "summer"
    NON_SUMMER = "non_summer"


class TariffDay(StrEnum):
    """What a day is to a tariff."""

    WEEKDAY = "weekday"
    SATURDAY = "saturday"
    OFF_PEAK_DAY = "off_peak_day"
    """A Sunday, or a holiday of the utility's list for the year."""


class Capacity(StrEnum):
    """Contract capacities (契約容量), in the order in which they add up over the periods."""

    REGULAR = "regular"
    """經常契約."""
    HALF_PEAK = "half_peak"
    """半尖峰契約, of three-stage tariffs."""
    NON_SUMMER = "non_summer"
    """非夏月契約, of two-stage tariffs."""
    SATURDAY_HALF_PEAK = "saturday_half_peak"
    """週六半尖峰契約."""
    OFF_PEAK = "off_peak"
    """離峰契約."""


CAPACITIES_OF: Final[Mapping[TariffPeriod, tuple[Capacity, ...]]] = MappingProxyType(
    {
        TariffPeriod.PEAK: (Capacity.REGULAR, Capacity.NON_SUMMER),
        TariffPeriod.HALF_PEAK: (Capacity.REGULAR, Capacity.HALF_PEAK, Capacity.NON_SUMMER),
        TariffPeriod.SATURDAY_HALF_PEAK: tuple(Capacity)[:4],
        TariffPeriod.OFF_PEAK: tuple(Capacity),
    }
)
"""Capacities that may be used in a period: those of the periods before it are kept ready there too."""
CAPACITY_CHARGED: Final[Mapping[TariffPeriod, Capacity]] = MappingProxyType(
    {
        TariffPeriod.PEAK: Capacity.REGULAR,
        TariffPeriod.HALF_PEAK: Capacity.HALF_PEAK,
        TariffPeriod.SATURDAY_HALF_PEAK: Capacity.SATURDAY_HALF_PEAK,
        TariffPeriod.OFF_PEAK: Capacity.OFF_PEAK,
    }
)
"""Capacity at whose price demand above the contract is charged in a period."""

Capacities = Mapping[Capacity, Decimal]
"""Contract capacities, kW; one that is not there is 0."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period from a minute of the day by the wall clock (0..1439) until the next one, or midnight."""

    start: int
    period: TariffPeriod


WHOLE_DAY_OFF_PEAK: Final = (Span(0, TariffPeriod.OFF_PEAK),)


@dataclass(frozen=True, slots=True)
class BillRules:
    """Rules of a bill beside its prices; those of Taipower's rate book by default (電價表, 超約用電, 功率因數)."""

    over_first_share: Decimal = Decimal("0.1")
    """Demand above the contract up to this share of it is charged at the first multiple, the rest at the other."""
    over_first_times: Decimal = Decimal(2)
    over_rest_times: Decimal = Decimal(3)
    power_factor_base: int = 80
    """Per cent."""
    power_factor_best: int = 95
    """Per cent; a better one saves no more."""
    power_factor_step: Decimal = Decimal("0.001")
    """Share of basic and energy charge for each per cent above (taken off) or below (added) the base."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a tariff. Days are by the wall clock of the building; prices are NT$, energy kWh, demand kW."""

    name: str
    valid_from: date
    text_zh: str
    text_en: str
    source: str
    summer: tuple[tuple[int, int], tuple[int, int]]
    """First and last day (both included) of summer, as month and day."""
    hours: Mapping[tuple[Season, TariffDay], tuple[Span, ...]]
    """Spans of a day, the first at minute 0; off-peak all day where none are told."""
    energy: Mapping[tuple[Season, TariffPeriod], Decimal] = field(default_factory=dict)
    """NT$/kWh; empty where the prices of this version are not known."""
    basic: Mapping[tuple[Season, Capacity], Decimal] = field(default_factory=dict)
    """NT$ per kW and month; a capacity without a price in a season does not exist in it."""
    rules: BillRules = BillRules()

    @property
    def version(self) -> str:
        """Name and the day from which it is valid: what an answer names as its tariff."""
        return f"{self.name}@{self.valid_from.isoformat()}"

    @property
    def priced(self) -> bool:
        """Whether its prices are known."""
        return bool(self.energy)

    def season_on(self, day: date) -> Season:
        """Season that a day lies in."""
        first, last = self.summer
        here = (day.month, day.day)
        within = first <= here <= last if first <= last else here >= first or here <= last
        return Season.SUMMER if within else Season.NON_SUMMER

    def spans_on(self, day: date, *, off_peak_day: bool) -> tuple[Span, ...]:
        """Periods of a day in order; a holiday of the utility's list counts as one also on a Saturday."""
        return self.hours.get((self.season_on(day), tariff_day(day, off_peak_day=off_peak_day)), WHOLE_DAY_OFF_PEAK)

    def capacities_in(self, season: Season, kw: Capacities) -> dict[Capacity, Decimal]:
        """Those capacities of a contract that exist in a season, kW."""
        return {capacity: kw.get(capacity, Decimal(0)) for capacity in Capacity if (season, capacity) in self.basic}

    def limit_kw(self, season: Season, period: TariffPeriod, kw: Capacities) -> Decimal:
        """Demand that a contract allows in a period without extra charge, kW."""
        there = self.capacities_in(season, kw)
        return sum((there.get(capacity, Decimal(0)) for capacity in CAPACITIES_OF[period]), Decimal(0))


def tariff_day(day: date, *, off_peak_day: bool) -> TariffDay:
    """What a day is to a tariff; ``off_peak_day``: whether it stands in the utility's list of holidays."""
    if off_peak_day or day.weekday() == 6:
        return TariffDay.OFF_PEAK_DAY
    return TariffDay.SATURDAY if day.weekday() == 5 else TariffDay.WEEKDAY
