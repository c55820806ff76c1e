"""Read ``references.toml``: declared figures of years that nobody sampled, and how complete data must be."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from cityhall_bms.adapters.site_files.energy_fields import OfWhat, PeriodText, Table, check_known
from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.energy.comparison import COVERAGE_MIN
from cityhall_bms.domain.energy.meters import Metering
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.energy.references import DeclaredFigure, References

REFERENCES_FILE: Final = "references.toml"


class ReferenceTable(OfWhat):
    """One ``[[reference]]``."""

    period: PeriodText
    amount: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    source: Annotated[str, Field(min_length=1, max_length=200)]


class ComparisonTable(Table):
    """``[comparison]``."""

    coverage_min: Annotated[float, Field(gt=0.0, le=1.0)] = COVERAGE_MIN


class ReferencesFile(Table):
    """The whole file."""

    comparison: ComparisonTable = ComparisonTable()
    reference: list[ReferenceTable] = Field(default_factory=list)


def read_references(folder: Path, metering: Metering, mistakes: Mistakes) -> References:
    """Declared figures of a site folder; none where there is no such file. Every mistake in it is noted."""
    if not (folder / REFERENCES_FILE).exists():
        return References()
    file = read_toml(folder / REFERENCES_FILE, REFERENCES_FILE, mistakes)
    tables = validated(file, ReferencesFile, mistakes) if file else None
    if file is None or tables is None:
        return References()
    for index, table in enumerate(tables.reference):
        check_known(file, "reference", index, table, metering, mistakes)
        _check_once(file, index, tables.reference, mistakes)
    return References(tuple(_declared(table) for table in tables.reference), tables.comparison.coverage_min)


def _declared(table: ReferenceTable) -> DeclaredFigure:
    period = parse_period(table.period)
    return DeclaredFigure(table.commodity, period, table.amount, table.source, table.tenant, table.meter)


def _check_once(file: TomlFile, index: int, tables: list[ReferenceTable], mistakes: Mistakes) -> None:
    table = tables[index]
    for before, other in enumerate(tables[:index]):
        if (other.commodity, other.tenant, other.meter, other.period) == (
            table.commodity, table.tenant, table.meter, table.period,
        ):  # fmt: skip
            message = f"{table.period} stands on line {file.line('reference', before, 'period')} too"
            line = file.line("reference", index, "period")
            mistakes.add(file.name, line, "[[reference]] period", message, "delete one of them")
            return
