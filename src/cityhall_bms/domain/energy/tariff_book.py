"""The tariffs that a site knows, those it was and is supplied under, and the periods of any stretch of time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.comparison import COVERAGE_MIN
from cityhall_bms.domain.energy.tariffs import PERIODS, Capacities, Season, Tariff, TariffPeriod
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.wall_clock import instant_us, local_day

DAYS_MAX: Final = 4_000
"""Longest stretch of which periods are told at once."""
HOUR_MIN: Final = 60
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OffPeakDays:
    """The utility's list of holidays of one year; Sundays need not stand in it."""

    year: int
    days: tuple[date, ...]
    source: str
    derived: bool = False
    """Made from the rate book's rule and the lunar calendar, and not compared with the utility's own calendar."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a site is supplied under from a day on: a tariff, and the capacities of the contract."""

    valid_from: date
    tariff: str
    kw: Capacities


@dataclass(frozen=True, slots=True)
class Billing:
    """What the utility bills by: meters that it reads, and counters of reactive energy for the power factor."""

    meters: tuple[str, ...] = ()
    reactive_points: tuple[str, ...] = ()
    coverage_min: float = COVERAGE_MIN
    """Least share of known time (0..1) of a figure that is not provisional."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days (first included, end not) of one version of a tariff, one season and one contract; times µs UTC."""

    first: date
    after: date
    start: int
    end: int
    tariff: Tariff
    season: Season
    contract: Contract

    @property
    def days(self) -> int:
        """How many days it is long."""
        return (self.after - self.first).days


@dataclass(frozen=True, slots=True)
class PeriodMap:
    """Periods of a stretch of time as columns: each begins at an edge (µs UTC) and lasts until the next one."""

    edges: NDArray[np.int64]
    codes: NDArray[np.int8]
    """Places in ``PERIODS``."""
    price: NDArray[np.float64]
    """NT$/kWh; NaN where it is not known."""
    end: int
    hourly: bool
    """Whether every period begins with an hour of the wall clock."""

    def place_of(self, at_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Place of each moment among the edges; ``ValueError`` for one outside of the stretch."""
        if len(at_us) and (at_us.min() < self.edges[0] or at_us.max() >= self.end):
            msg = "a moment outside of the stretch whose periods were asked for"
            raise ValueError(msg)
        return np.searchsorted(self.edges, at_us, side="right") - 1

    def periods_of(self, at_us: NDArray[np.int64]) -> NDArray[np.int8]:
        """Code of the period of each moment."""
        return self.codes[self.place_of(at_us)]

    def prices_of(self, at_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Price of energy at each moment, NT$/kWh."""
        return self.price[self.place_of(at_us)]

    def fits(self, at_us: NDArray[np.int64], end: int) -> bool:
        """Whether each interval (begins, and the end of the last) lies in one period only."""
        last = np.append(at_us[1:], end) - 1
        return bool(np.array_equal(self.place_of(at_us), self.place_of(last)))


@dataclass(frozen=True)
class TariffBook:
    """Every method raises ``NotFoundError`` for an unknown tariff, and ``RefusedError`` for what it does not know."""

    time_zone: str = "UTC"
    tariffs: tuple[Tariff, ...] = ()
    off_peak_days: Mapping[int, OffPeakDays] = field(default_factory=dict)
    contracts: tuple[Contract, ...] = ()
    billing: Billing = Billing()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tariffs that are known, in order."""
        return tuple(self._versions)

    def tariff_on(self, name: str, day: date) -> Tariff:
        """Version of a tariff that is valid on a day."""
        if name not in self._versions:
            msg = f"沒有電價 {name} / no tariff is named {name}; there are {', '.join(self.names) or 'none'}"
            raise NotFoundError(msg)
        valid = [tariff for tariff in self._versions[name] if tariff.valid_from <= day]
        if not valid:
            first = self._versions[name][0].valid_from
            msg = (
                f"電價 {name} 自 {first} 起才有資料 / nothing is known of the tariff {name} before {first}, as on {day}"
            )
            raise RefusedError(msg)
        return valid[-1]

    def contract_on(self, day: date) -> Contract:
        """Contract that is in force on a day."""
        valid = [contract for contract in self._contracts if contract.valid_from <= day]
        if not valid:
            msg = (
                f"tariffs.toml 沒有 {day} 適用的契約 / no contract of this site is in force on {day}: "
                "add a [[contract]] with its valid_from to tariffs.toml"
            )
            raise RefusedError(msg)
        return valid[-1]

    def is_off_peak_day(self, day: date) -> bool:
        """Whether a day is a Sunday or stands in the utility's list of its year, which must be known."""
        if day.year not in self.off_peak_days:
            msg = (
                f"缺 {day.year} 年離峰日 / the off-peak days of {day.year} are not known: "
                "add [[off_peak_days]] of the year to tariffs.toml"
            )
            raise RefusedError(msg)
        return day.weekday() == 6 or day in self.off_peak_days[day.year].days

    def stretches(self, first: date, after: date, tariff: str | None = None) -> list[Stretch]:
        """Days from ``first`` until before ``after`` by tariff version, season and contract.

        ``tariff``: as if the site had been supplied under this one, with the capacities of its contracts.
        """

        def key(day: date) -> tuple[Tariff, Season, Contract]:
            contract = self.contract_on(day)
            version = self.tariff_on(tariff or contract.tariff, day)
            return version, version.season_on(day), contract

        found: list[Stretch] = []
        days = [first + number * _DAY for number in range((after - first).days)]
        for (version, season, contract), group in groupby(days, key):
            members = list(group)
            begin, end = members[0], members[-1] + _DAY
            start_us, end_us = (instant_us(self._zone, day, 0) for day in (begin, end))
            found.append(Stretch(begin, end, start_us, end_us, version, season, contract))
        return found

    def periods(self, start: int, end: int, tariff: str | None = None) -> PeriodMap:
        """Periods of a stretch of time (µs UTC), under the contracts in force or under one tariff.

        Days of 23 or 25 hours have the periods of their wall clock.
        """
        first, last = local_day(self._zone, start), local_day(self._zone, end - 1)
        if not 0 <= (last - first).days <= DAYS_MAX:
            msg = f"ask for at least an instant and at most {DAYS_MAX} days of tariff periods at once"
            raise RefusedError(msg)
        edges: list[int] = []
        codes: list[int] = []
        prices: list[float] = []
        hourly = True
        for edge, minute, period, price in self._edges(first, last, tariff):
            hourly = hourly and minute % HOUR_MIN == 0
            if edges and edges[-1] == edge:  # the clocks jumped over all of the period before
                codes[-1], prices[-1] = PERIODS.index(period), price
                continue
            edges.append(edge)
            codes.append(PERIODS.index(period))
            prices.append(price)
        after = instant_us(self._zone, last + _DAY, 0)
        return PeriodMap(np.array(edges, np.int64), np.array(codes, np.int8), np.array(prices), after, hourly)

    def check_priced(self, first: date, after: date, tariff: str | None = None) -> None:
        """``RefusedError`` with the reason when the cost of some of the days cannot be told."""
        for version, begin, end in self._versions_between(first, after, tariff):
            if not version.priced:
                msg = (
                    f"電價版本 {version.version} 無單價, {begin} 起的電費無法計算 / the tariff version "
                    f"{version.version} has no prices: what was used from {begin} to {end} has no cost. Ask for later "
                    "days, or describe the tariff with its prices in tariffs.toml"
                )
                raise RefusedError(msg)

    def versions_in(self, first: date, after: date, tariff: str | None = None) -> tuple[str, ...]:
        """Versions that some days rest on, in order."""
        found = self._versions_between(first, after, tariff)
        return tuple(dict.fromkeys(version.version for version, _, _ in found))

    def told(self) -> dict[str, list[str]]:
        """Versions that the costs of each contract rest on, by the day from which it is valid: for manifests."""
        ends = [*(contract.valid_from for contract in self._contracts), date.max][1:]
        return {
            contract.valid_from.isoformat(): [
                version.version
                for version, after in self._lives(contract.tariff)
                if version.valid_from < end and contract.valid_from < after
            ]
            for contract, end in zip(self._contracts, ends, strict=True)
        }

    def limit_kw(self, day: date, period: TariffPeriod) -> Decimal:
        """Demand that the contract in force allows in a period of a day, kW."""
        contract = self.contract_on(day)
        version = self.tariff_on(contract.tariff, day)
        return version.limit_kw(version.season_on(day), period, contract.kw)

    def _versions_between(self, first: date, after: date, tariff: str | None) -> Iterator[tuple[Tariff, date, date]]:
        """Versions in force with their first and last days; under one tariff no contract is needed."""
        days = [first + number * _DAY for number in range((after - first).days)]
        for version, group in groupby(days, lambda day: self._in_force(day, tariff)):
            members = list(group)
            yield version, members[0], members[-1]

    def _in_force(self, day: date, tariff: str | None) -> Tariff:
        return self.tariff_on(tariff or self.contract_on(day).tariff, day)

    def _edges(self, first: date, last: date, tariff: str | None) -> Iterator[tuple[int, int, TariffPeriod, float]]:
        for number in range((last - first).days + 1):
            day = first + number * _DAY
            version = self._in_force(day, tariff)
            season = version.season_on(day)
            for span in version.spans_on(day, off_peak_day=self.is_off_peak_day(day)):
                price = version.energy.get((season, span.period))
                known = float(price) if price is not None else np.nan
                yield instant_us(self._zone, day, span.start), span.start, span.period, known

    def _lives(self, name: str) -> Iterator[tuple[Tariff, date]]:
        """Versions of a tariff, each with the day from which the next one is valid."""
        versions = self._versions.get(name, ())
        ends = [*(version.valid_from for version in versions[1:]), date.max]
        return zip(versions, ends, strict=False)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def _versions(self) -> Mapping[str, Sequence[Tariff]]:
        """Versions of each tariff, the latest last."""
        found: dict[str, list[Tariff]] = {}
        for tariff in self.tariffs:
            found.setdefault(tariff.name, []).append(tariff)
        return {name: sorted(versions, key=lambda version: version.valid_from) for name, versions in found.items()}

    @cached_property
    def _contracts(self) -> Sequence[Contract]:
        return sorted(self.contracts, key=lambda contract: contract.valid_from)
