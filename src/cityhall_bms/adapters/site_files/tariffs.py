"""Read ``tariffs.toml``: what a site is supplied under, and tariffs beside the shipped ones."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.site_files.metering import METERS_FILE
from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.tariff_models import ContractTable, OffPeakTable, TariffsFile, TariffTable
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Meter
from cityhall_bms.domain.energy.tariff_book import Billing, Contract, OffPeakDays, TariffBook
from cityhall_bms.domain.energy.tariffs import BillRules, Capacity, Season, Span, Tariff, TariffDay, TariffPeriod
from cityhall_bms.domain.wall_clock import DAY_MIN

TARIFFS_FILE: Final = "tariffs.toml"
SHIPPED_PACKAGE: Final = "cityhall_bms.energy"
SHIPPED_FOLDER: Final = "data/taipower"
DEMAND_MIN: Final = 15
"""A period begins with a demand interval, or one interval would belong to two periods."""
_SPAN: Final = re.compile(r"(\d\d):(\d\d) ([a-z_]+)")
_DAY: Final = re.compile(r"(\d\d)-(\d\d)")
_LEAP_YEAR: Final = 2024
_HOURS: Final = {(season, day): f"{season.value}_{day.value}" for season in Season for day in TariffDay}


@dataclass(frozen=True, slots=True)
class Known:
    """Names that a site's file may use."""

    meters: Mapping[str, Meter] | None
    """None: the file of meters cannot be read, and says so itself."""
    points: Collection[str]


def read_tariffs(folder: Path, time_zone: str, known: Known, mistakes: Mistakes) -> TariffBook:
    """Shipped tariffs, and what the site says; a site without the file has no contract. Every mistake is noted."""
    shipped = shipped_book()
    path = folder / TARIFFS_FILE
    file = read_toml(path, TARIFFS_FILE, mistakes) if path.exists() else None
    tables = validated(file, TariffsFile, mistakes) if file else None
    if file is None or tables is None:
        return TariffBook(time_zone, shipped.tariffs, shipped.off_peak_days)
    reading = _Reading(file, mistakes)
    own = reading.tariffs(tables.tariff)
    replaced = {(tariff.name, tariff.valid_from) for tariff in own}
    tariffs = (*(tariff for tariff in shipped.tariffs if (tariff.name, tariff.valid_from) not in replaced), *own)
    days = dict(shipped.off_peak_days) | reading.off_peak_days(tables.off_peak_days)
    contracts = reading.contracts(tables.contract, tariffs)
    if not known.meters and (folder / METERS_FILE).exists():
        known = Known(None, known.points)
    return TariffBook(time_zone, tariffs, days, contracts, reading.billing(tables, known))


@cache
def shipped_book() -> TariffBook:
    """Tariffs and off-peak days that every site has."""
    mistakes = Mistakes()
    tariffs: list[Tariff] = []
    days: dict[int, OffPeakDays] = {}
    with as_file(files(SHIPPED_PACKAGE) / SHIPPED_FOLDER) as folder:
        for path in sorted(folder.glob("*.toml")):
            file = read_toml(path, path.name, mistakes)
            tables = validated(file, TariffsFile, mistakes) if file else None
            if file is not None and tables is not None:
                reading = _Reading(file, mistakes)
                tariffs += reading.tariffs(tables.tariff)
                days |= reading.off_peak_days(tables.off_peak_days)
    if mistakes:
        msg = f"the shipped tariffs cannot be read: {mistakes.sorted()}"
        raise AssertionError(msg)
    return TariffBook(tariffs=tuple(tariffs), off_peak_days=days)


class _Reading:
    """One file, with the places of its mistakes."""

    def __init__(self, file: TomlFile, mistakes: Mistakes) -> None:
        self._file = file
        self._mistakes = mistakes

    def tariffs(self, tables: tuple[TariffTable, ...]) -> tuple[Tariff, ...]:
        self._check_once("tariff", "valid_from", [(table.name, table.valid_from) for table in tables])
        return tuple(self._tariff(index, table) for index, table in enumerate(tables))

    def off_peak_days(self, tables: tuple[OffPeakTable, ...]) -> dict[int, OffPeakDays]:
        self._check_once("off_peak_days", "year", [table.year for table in tables])
        for index, table in enumerate(tables):
            for day in table.days:
                if day.year != table.year:
                    self._wrong(("off_peak_days", index, "days"), f"{day} is not in {table.year}", "correct the year")
        return {
            table.year: OffPeakDays(table.year, tuple(sorted(table.days)), table.source, table.derived)
            for table in tables
        }

    def contracts(self, tables: tuple[ContractTable, ...], tariffs: tuple[Tariff, ...]) -> tuple[Contract, ...]:
        self._check_once("contract", "valid_from", [table.valid_from for table in tables])
        return tuple(self._contract(index, table, tariffs) for index, table in enumerate(tables))

    def billing(self, tables: TariffsFile, known: Known) -> Billing:
        if tables.billing is None:
            if tables.contract:
                self._wrong(("contract", 0), "there is no [billing]", "add [billing] with the meters that are billed")
            return Billing()
        if known.meters is not None:
            self._check_meters(tables.billing.meters, known.meters)
        for name in tables.billing.reactive_points:
            if name not in known.points:
                remedy = suggest(name, known.points, "name a counter of reactive energy")
                self._wrong(("billing", "reactive_points"), f"there is no point '{name}'", remedy)
        least = tables.billing.coverage_min_percent / 100.0
        return Billing(tables.billing.meters, tables.billing.reactive_points, least)

    def _check_meters(self, names: tuple[str, ...], meters: Mapping[str, Meter]) -> None:
        for name in names:
            if name not in meters:
                remedy = suggest(name, meters, "name a [[meter]] of meters.toml")
                self._wrong(("billing", "meters"), f"there is no meter '{name}'", remedy)
            elif meters[name].commodity is not Commodity.ELECTRICITY:
                self._wrong(("billing", "meters"), f"'{name}' counts no electricity", "name meters of electricity")

    def _tariff(self, index: int, table: TariffTable) -> Tariff:
        hours = {key: self._spans(index, name, getattr(table.hours, name)) for key, name in _HOURS.items()}
        seasons = {season: getattr(table.energy, season.value) if table.energy else {} for season in Season}
        basic = {season: getattr(table.basic, season.value) for season in Season}
        for season in Season:
            if table.energy is not None:
                self._check_prices(
                    index, season, {span.period for day in TariffDay for span in hours[season, day]}, seasons[season]
                )
            if Capacity.REGULAR not in basic[season]:
                self._wrong(("tariff", index, "basic", season.value), "no price of 'regular'", "add regular = NT$/kW")
        return Tariff(
            name=table.name,
            valid_from=table.valid_from,
            text_zh=table.text_zh,
            text_en=table.text_en,
            source=table.source,
            summer=(self._month_day(index, table.summer[0]), self._month_day(index, table.summer[1])),
            hours=hours,
            energy={(season, period): price for season in Season for period, price in seasons[season].items()},
            basic={(season, capacity): price for season in Season for capacity, price in basic[season].items()},
            rules=BillRules(**table.rules.model_dump()),
        )

    def _check_prices(
        self, index: int, season: Season, periods: set[TariffPeriod], prices: Mapping[TariffPeriod, object]
    ) -> None:
        place = ("tariff", index, "energy", season.value)
        for period in TariffPeriod:
            if period in periods and period not in prices:
                self._wrong(place, f"no price of '{period}', which [tariff.hours] has", f"add {period} = NT$/kWh")
            elif period in prices and period not in periods:
                self._wrong(place, f"a price of '{period}', which no hour has", "take it out, or correct the hours")

    def _spans(self, index: int, name: str, texts: tuple[str, ...]) -> tuple[Span, ...]:
        place = ("tariff", index, "hours", name)
        spans = [span for text in texts if (span := self._span(place, text)) is not None]
        starts = [span.start for span in spans]
        if len(spans) == len(texts):
            if starts[0] != 0:
                self._wrong(place, "the day does not begin at 00:00", "write the period of midnight first")
            if starts != sorted(set(starts)):
                self._wrong(place, "the times do not go up", "write them in order, each once")
        return tuple(spans)

    def _span(self, place: tuple[str | int, ...], text: str) -> Span | None:
        match = _SPAN.fullmatch(text)
        minute = 60 * int(match[1]) + int(match[2]) if match and int(match[2]) < 60 else DAY_MIN
        if match is None or minute >= DAY_MIN:
            self._wrong(place, f"'{text}' is no time and period", "write it like '16:00 peak'")
            return None
        if match[3] not in list(TariffPeriod):
            self._wrong(place, f"unknown period '{match[3]}'", suggest(match[3], [*TariffPeriod]))
            return None
        if minute % DEMAND_MIN:
            self._wrong(place, f"'{text}' begins within a quarter hour", "let periods begin at :00, :15, :30 or :45")
        return Span(minute, TariffPeriod(match[3]))

    def _month_day(self, index: int, text: str) -> tuple[int, int]:
        match = _DAY.fullmatch(text)
        try:
            day = date(_LEAP_YEAR, int(match[1]), int(match[2])) if match else None
        except ValueError:
            day = None
        if day is None:
            self._wrong(
                ("tariff", index, "summer"), f"'{text}' is no day of a year", "write month and day like '05-16'"
            )
            return (1, 1)
        return (day.month, day.day)

    def _contract(self, index: int, table: ContractTable, tariffs: tuple[Tariff, ...]) -> Contract:
        kw = {capacity: getattr(table, f"{capacity.value}_kw") for capacity in Capacity}
        versions = [tariff for tariff in tariffs if tariff.name == table.tariff]
        if not versions:
            remedy = suggest(table.tariff, [tariff.name for tariff in tariffs], "add it as a [[tariff]]")
            self._wrong(("contract", index, "tariff"), f"there is no tariff '{table.tariff}'", remedy)
        elif min(tariff.valid_from for tariff in versions) > table.valid_from:
            first = min(tariff.valid_from for tariff in versions)
            message = f"nothing is known of '{table.tariff}' before {first}"
            self._wrong(("contract", index, "valid_from"), message, "add the earlier version as a [[tariff]]")
        there = {capacity for tariff in versions for _, capacity in tariff.basic}
        for capacity in Capacity:
            if versions and kw[capacity] and capacity not in there:
                message = f"the tariff '{table.tariff}' has no such capacity"
                self._wrong(
                    ("contract", index, f"{capacity.value}_kw"), message, "take it out, or choose another tariff"
                )
        return Contract(table.valid_from, table.tariff, kw)

    def _check_once(self, kind: str, key: str, names: list[object]) -> None:
        for index, before in _repeated(names):
            message = f"the same stands already on line {self._file.line(kind, before, key)}"
            self._wrong((kind, index, key), message, "delete or change one of them")

    def _wrong(self, place: tuple[str | int, ...], message: str, remedy: str) -> None:
        array = len(place) > 1 and isinstance(place[1], int)
        rest = ".".join(str(part) for part in place[2 if array else 1 :])
        head = f"[[{place[0]}]]" if array else f"[{place[0]}]"
        self._mistakes.add(self._file.name, self._file.line(*place), f"{head} {rest}".strip(), message, remedy)


def _repeated(names: list[object]) -> Iterator[tuple[int, int]]:
    first: dict[object, int] = {}
    for index, name in enumerate(names):
        if name in first:
            yield index, first[name]
        first.setdefault(name, index)
