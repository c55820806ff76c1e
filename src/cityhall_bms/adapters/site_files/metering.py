"""Read ``meters.toml``: meters, what they hang on, tenants, and the years that commodities are compared with."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.models import SiteFile
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import STUFF, Flow, ManualSource, Meter, Metering, PointSource, Source, Tenant
from cityhall_bms.domain.energy.virtual import NAME, Expression, MeterExpressionError, parse
from cityhall_bms.domain.site import Point, PointKind
from cityhall_bms.domain.units import measure_of

METERS_FILE: Final = "meters.toml"
ROC_OFFSET: Final = 1911
YEAR_MIN: Final = 1950
"""A smaller one was written as a year of the Republic."""

MeterName = Annotated[str, Field(pattern=f"^{NAME}$", max_length=60)]
NonEmpty = Annotated[str, Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BaseYearTable(_Table):
    """One ``[[base_year]]``; years are CE."""

    commodity: Commodity
    year: Annotated[int, Field(le=9999)]

    @model_validator(mode="after")
    def _common_era(self) -> Self:
        if self.year < YEAR_MIN:
            msg = f"{self.year} is no year CE: ROC {self.year} is written {self.year + ROC_OFFSET}"
            raise ValueError(msg)
        return self


class TenantTable(_Table):
    """One ``[[tenant]]``."""

    name: MeterName
    text_zh: NonEmpty
    text_en: NonEmpty
    area_m2: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None


class MeterTable(_Table):
    """One ``[[meter]]``; exactly one of ``point``, ``expression`` and ``manual``."""

    name: MeterName
    commodity: Commodity
    text_zh: NonEmpty
    text_en: NonEmpty
    point: str = ""
    expression: str = ""
    manual: bool = False
    part_of: str = ""
    tenant: str = ""
    zone: str = ""
    floor: str = ""
    flow: Flow = Flow.IMPORT
    complete: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if [bool(self.point), bool(self.expression), self.manual].count(True) != 1:
            msg = "a meter has one source: a point, an expression, or manual = true"
            raise ValueError(msg)
        return self


class MetersFile(_Table):
    """The whole file."""

    base_year: list[BaseYearTable] = []
    tenant: list[TenantTable] = []
    meter: list[MeterTable] = []


@dataclass(frozen=True, slots=True)
class Described:
    """What meters may name; none of what could not be read, about which nothing more is said."""

    site: SiteFile | None
    points: Mapping[str, Point] | None


def read_metering(folder: Path, described: Described, mistakes: Mistakes) -> Metering:
    """Metering of a site folder; none where there is no such file. Every mistake in it is noted."""
    if not (folder / METERS_FILE).exists():
        return Metering()
    file = read_toml(folder / METERS_FILE, METERS_FILE, mistakes)
    tables = validated(file, MetersFile, mistakes) if file else None
    if file is None or tables is None:
        return Metering()
    return _Reading(file, tables, described, mistakes).metering()


class _Reading:
    """One file; each mistake is noted where it stands."""

    def __init__(self, file: TomlFile, tables: MetersFile, described: Described, mistakes: Mistakes) -> None:
        self._file = file
        self._tables = tables
        self._described = described
        self._mistakes = mistakes
        self._lines = {table.name: index for index, table in reversed(list(enumerate(tables.meter)))}

    def metering(self) -> Metering:
        self._check_once("base_year", "commodity", [table.commodity for table in self._tables.base_year])
        self._check_once("tenant", "name", [table.name for table in self._tables.tenant])
        self._check_once("meter", "name", [table.name for table in self._tables.meter])
        counted = [table.point for table in self._tables.meter]
        self._check_once("meter", "point", counted)
        meters = {table.name: self._meter(index, table) for index, table in enumerate(self._tables.meter)}
        self._check_circles("part_of", {name: [meter.part_of] for name, meter in meters.items()})
        made_of = {name: m.source.factors for name, m in meters.items() if isinstance(m.source, Expression)}
        self._check_circles("expression", made_of)
        tenants = {t.name: Tenant(t.name, t.text_zh, t.text_en, t.area_m2) for t in self._tables.tenant}
        return Metering(meters, tenants, {table.commodity: table.year for table in self._tables.base_year})

    def _meter(self, index: int, table: MeterTable) -> Meter:
        site = self._described.site
        tenants = [tenant.name for tenant in self._tables.tenant]
        self._check_known(index, "tenant", table.tenant, tenants)
        if site is not None:
            self._check_known(index, "zone", table.zone, [place.code for place in site.zones])
            self._check_known(index, "floor", table.floor, [place.code for place in site.floors])
        self._check_part(index, table)
        return Meter(
            name=table.name,
            commodity=table.commodity,
            text_zh=table.text_zh,
            text_en=table.text_en,
            source=self._source(index, table),
            part_of=table.part_of,
            tenant=table.tenant,
            zone=table.zone,
            floor=table.floor,
            flow=table.flow,
            complete=table.complete,
        )

    def _source(self, index: int, table: MeterTable) -> Source:
        if table.manual:
            return ManualSource()
        if table.expression:
            return self._expression(index, table)
        return PointSource(table.point, self._factor(index, table))

    def _expression(self, index: int, table: MeterTable) -> Source:
        try:
            found = parse(table.expression)
        except MeterExpressionError as error:
            self._note(index, "expression", str(error), error.remedy)
            return ManualSource()
        for name in found.factors:
            column = f"column {found.columns[name]}: "
            other = self._table(name)
            if other is None:
                remedy = suggest(name, self._lines, "add a [[meter]] of this name")
                self._note(index, "expression", f"{column}no meter is named '{name}'", remedy)
            elif STUFF[other.commodity] != STUFF[table.commodity]:
                message = f"{column}'{name}' counts {other.commodity}, this meter {table.commodity}"
                self._note(index, "expression", message, "add up meters that count the same stuff")
        return found

    def _factor(self, index: int, table: MeterTable) -> float:
        """How much of the commodity's unit one of the point's is; 1 after noting that it is none."""
        points = self._described.points
        if points is None:
            return 1.0
        point = points.get(table.point)
        if point is None:
            self._note(index, "point", f"there is no point '{table.point}'", suggest(table.point, points))
            return 1.0
        if point.kind is not PointKind.CI:
            self._note(index, "point", f"'{point.name}' is no counter ({point.kind})", "name a point of the kind CI")
        has, wanted = measure_of(point.unit), measure_of(table.commodity.unit)
        if has is None or wanted is None or not has.comparable(wanted):
            message = (
                f"'{point.name}' counts '{point.unit}', and {table.commodity} is counted in {table.commodity.unit}"
            )
            self._note(index, "point", message, "name a counter of that unit, or of one that can be converted")
            return 1.0
        return has.factor / wanted.factor

    def _check_part(self, index: int, table: MeterTable) -> None:
        if not table.part_of:
            return
        self._check_known(index, "part_of", table.part_of, self._lines)
        above = self._table(table.part_of)
        if above is not None and STUFF[above.commodity] != STUFF[table.commodity]:
            message = f"'{above.name}' counts {above.commodity}, this meter {table.commodity}"
            self._note(index, "part_of", message, "name a meter that counts the same stuff")

    def _table(self, name: str) -> MeterTable | None:
        return self._tables.meter[self._lines[name]] if name in self._lines else None

    def _check_known(self, index: int, key: str, name: str, known: Collection[str]) -> None:
        if name and name not in known:
            self._note(index, key, f"there is no '{name}'", suggest(name, known))

    def _check_once(self, table: str, key: str, names: Iterable[str]) -> None:
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            line = self._file.line(table, index, key)
            if name and name in first:
                message = f"'{name}' stands already on line {first[name]}"
                self._mistakes.add(self._file.name, line, f"[[{table}]] {key}", message, "delete one of them")
            first.setdefault(name, line)

    def _check_circles(self, key: str, leads_to: Mapping[str, Iterable[str]]) -> None:
        """Note each circle once, at the first meter in it."""
        done: set[str] = set()
        for name in leads_to:
            circle = _circle(name, leads_to, done)
            if circle:
                path = " -> ".join(circle)
                self._note(self._lines[name], key, f"a circle: {path}", "a meter cannot be a part of itself: cut it")

    def _note(self, index: int, key: str, message: str, remedy: str) -> None:
        line = self._file.line("meter", index, key)
        self._mistakes.add(self._file.name, line, f"[[meter]] {key}", message, remedy)


def _circle(start: str, leads_to: Mapping[str, Iterable[str]], done: set[str]) -> list[str]:
    """A way from a meter back to one on it, empty where there is none; ``done`` collects what was looked at."""
    way: list[str] = []
    steps = [iter([start])]
    while steps:
        name = next(steps[-1], None)
        if name is None:
            steps.pop()
            if way:
                way.pop()
        elif name in way:
            done.update(way)
            return [*way[way.index(name) :], name]
        elif name not in done and name in leads_to:
            done.add(name)
            way.append(name)
            steps.append(iter(leads_to[name]))
    return []
