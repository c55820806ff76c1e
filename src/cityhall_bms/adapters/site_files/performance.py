"""Read ``performance.toml``: how baselines are judged, and which performance indicators a site watches."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.fit_statistics import Limits
from cityhall_bms.domain.energy.meters import Flow, Metering
from cityhall_bms.domain.energy.performance import Better, Indicator, MeterChoice, Per, Performance
from cityhall_bms.domain.site import Point

PERFORMANCE_FILE: Final = "performance.toml"
_LIMITS: Final = Limits()

Percent = Annotated[float, Field(gt=0.0, le=1_000.0)]
NonEmpty = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BaselinesTable(_Table):
    """``[baselines]``: limits in percent, days, and the point of the outdoor temperature."""

    cvrmse_month: Percent = _LIMITS.cvrmse_month
    cvrmse_hour: Percent = _LIMITS.cvrmse_hour
    nmbe_month: Percent = _LIMITS.nmbe_month
    nmbe_hour: Percent = _LIMITS.nmbe_hour
    uncertainty: Percent = _LIMITS.uncertainty
    days: Annotated[int, Field(ge=28, le=1_100)] = _LIMITS.days
    missing_days: Annotated[int, Field(ge=0, le=365)] = _LIMITS.missing_days
    hours_of_month: Annotated[float, Field(ge=0.0, le=100.0)] = _LIMITS.hours_of_month
    interval_coverage: Annotated[float, Field(ge=0.0, le=100.0)] = _LIMITS.interval_coverage
    temperature_point: str = ""

    def limits(self) -> Limits:
        """In the domain's terms."""
        return Limits(**self.model_dump(exclude={"temperature_point"}))


class ChoiceTable(_Table):
    """Which meters are added up."""

    commodity: Commodity | None = None
    classes: list[NonEmpty] = []
    flow: Flow = Flow.IMPORT
    meters: list[NonEmpty] = []

    def choice(self) -> MeterChoice:
        """In the domain's terms."""
        return MeterChoice(self.commodity, tuple(self.classes), self.flow, tuple(self.meters))


class IndicatorTable(_Table):
    """One ``[[enpi]]``."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    text_zh: NonEmpty
    text_en: NonEmpty
    unit: str
    count: ChoiceTable
    per: Per | ChoiceTable = Per.NOTHING
    months: Annotated[int, Field(ge=1, le=12)] = 12
    factor: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 1.0
    better: Better = Better.LOWER
    target: Finite | None = None
    base: Finite | None = None

    def indicator(self) -> Indicator:
        """In the domain's terms."""
        per = self.per if isinstance(self.per, Per) else self.per.choice()
        rest = self.model_dump(exclude={"count", "per"})
        return Indicator(**rest, count=self.count.choice(), per=per)


class PerformanceFile(_Table):
    """The whole file."""

    baselines: BaselinesTable = BaselinesTable()
    enpi: list[IndicatorTable] = []


def read_performance(folder: Path, metering: Metering, points: Mapping[str, Point], mistakes: Mistakes) -> Performance:
    """Limits and indicators of a site folder; the shipped ones where there is no such file. Mistakes are noted."""
    if not (folder / PERFORMANCE_FILE).exists():
        return Performance(indicators=shipped_indicators())
    file = read_toml(folder / PERFORMANCE_FILE, PERFORMANCE_FILE, mistakes)
    tables = validated(file, PerformanceFile, mistakes) if file else None
    if file is None or tables is None:
        return Performance(indicators=shipped_indicators())
    _check_point(file, tables.baselines.temperature_point, points, mistakes)
    _check_indicators(file, tables.enpi, metering, mistakes)
    own = {table.id: table.indicator() for table in tables.enpi}
    indicators = {indicator.id: indicator for indicator in shipped_indicators()} | own
    return Performance(tables.baselines.limits(), tables.baselines.temperature_point, tuple(indicators.values()))


@cache
def shipped_indicators() -> tuple[Indicator, ...]:
    """Indicators that every site has."""
    text = (files("cityhall_bms.energy") / "data" / "enpi.toml").read_text(encoding="utf-8")
    return tuple(table.indicator() for table in PerformanceFile.model_validate(tomllib.loads(text)).enpi)


def _check_point(file: TomlFile, name: str, points: Mapping[str, Point], mistakes: Mistakes) -> None:
    if name and points and name not in points:
        line = file.line("baselines", "temperature_point")
        mistakes.add(file.name, line, "[baselines] temperature_point", f"unknown point '{name}'", suggest(name, points))


def _check_indicators(file: TomlFile, tables: list[IndicatorTable], metering: Metering, mistakes: Mistakes) -> None:
    seen: set[str] = set()
    for index, table in enumerate(tables):
        if table.id in seen:
            line = file.line("enpi", index, "id")
            mistakes.add(file.name, line, "[[enpi]] id", f"'{table.id}' stands here twice", "delete one of them")
        seen.add(table.id)
        for key, choice in (("count", table.count), ("per", table.per)):
            if isinstance(choice, ChoiceTable):
                _check_choice(file, (index, key), choice, metering, mistakes)


def _check_choice(
    file: TomlFile, place: tuple[int, str], choice: ChoiceTable, metering: Metering, mistakes: Mistakes
) -> None:
    line, field = file.line("enpi", *place), f"[[enpi]] {place[1]}"
    if not choice.meters and choice.commodity is None:
        mistakes.add(file.name, line, field, "no meters", "name meters = [...] or a commodity")
    for name in choice.meters:
        if name not in metering.meters:
            mistakes.add(file.name, line, field, f"unknown meter '{name}'", suggest(name, metering.meters))
