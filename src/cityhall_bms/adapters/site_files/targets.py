"""Read ``targets.toml``: the figures that a site wants to keep to."""

from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.saving_targets import EnergyTargetTable, checked_targets
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.energy.meters import Metering
from cityhall_bms.domain.energy.saving_targets import EnergyTarget
from cityhall_bms.domain.targets import Target, Targets
from cityhall_bms.domain.units import UNITS, find_unit

TARGETS_FILE: Final = "targets.toml"


class TargetTable(BaseModel):
    """One ``[[target]]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=40)]
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: str = ""
    valid_from: date | None = None
    text_zh: str = ""
    text_en: str = ""


class TargetsFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: list[TargetTable] = []
    energy_target: list[EnergyTargetTable] = []


def read_targets(folder: Path, time_zone: str, mistakes: Mistakes) -> Targets:
    """Targets of a site folder; none where there is no such file. Every mistake in it is noted."""
    file, tables = _read(folder, mistakes)
    if file is None or tables is None:
        return Targets(time_zone)
    first: dict[str, int] = {}
    for index, table in enumerate(tables.target):
        _check(file, index, table, tables.target[first.setdefault(table.name, index)], mistakes)
        _check_day(file, index, tables.target, mistakes)
    return Targets(time_zone, tuple(_target(table) for table in tables.target))


def read_energy_targets(folder: Path, metering: Metering, mistakes: Mistakes) -> tuple[EnergyTarget, ...]:
    """Targets of years that the same file has; what is wrong in it as a whole is noted once."""
    file, tables = _read(folder, mistakes)
    if file is None or tables is None:
        return ()
    return checked_targets(file, tables.energy_target, metering, mistakes)


def _read(folder: Path, mistakes: Mistakes) -> tuple[TomlFile | None, TargetsFile | None]:
    if not (folder / TARGETS_FILE).exists():
        return None, None
    file = read_toml(folder / TARGETS_FILE, TARGETS_FILE, mistakes)
    return file, validated(file, TargetsFile, mistakes) if file else None


def _target(table: TargetTable) -> Target:
    unit = find_unit(table.unit)
    symbol = unit.symbol if unit is not None else table.unit
    return Target(table.name, table.value, symbol, table.valid_from, table.text_zh, table.text_en)


def _check(file: TomlFile, index: int, table: TargetTable, first: TargetTable, mistakes: Mistakes) -> None:
    line = file.line("target", index, "unit")
    if table.unit and find_unit(table.unit) is None:
        mistakes.add(file.name, line, "[[target]] unit", f"unknown unit '{table.unit}'", suggest(table.unit, UNITS))
    elif find_unit(table.unit) != find_unit(first.unit):
        message = f"'{table.name}' is in '{first.unit}' above"
        mistakes.add(file.name, line, "[[target]] unit", message, "keep to one unit, or give it another name")


def _check_day(file: TomlFile, index: int, tables: list[TargetTable], mistakes: Mistakes) -> None:
    table = tables[index]
    for before, other in enumerate(tables[:index]):
        if (other.name, other.valid_from) == (table.name, table.valid_from):
            line = file.line("target", before, "name")
            message = f"'{table.name}' stands on line {line} for the same day"
            remedy = "give it another valid_from, or delete one of them"
            mistakes.add(file.name, file.line("target", index, "name"), "[[target]] name", message, remedy)
            return
