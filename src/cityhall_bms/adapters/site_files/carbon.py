"""Read factors of carbon: those that the service ships, and those of a site's ``carbon.toml``."""

from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from cityhall_bms.adapters.site_files.energy_fields import Positive, Table, Year
from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.energy.carbon import ALL, CarbonFactor, CarbonFactors
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.errors import SiteError

CARBON_FILE: Final = "carbon.toml"
SHIPPED: Final = "data/carbon_tw.toml"

Version = tuple[Commodity, int, str, date | None]


class FactorTable(Table):
    """One ``[[factor]]``: kgCO2e per unit of the commodity."""

    commodity: Commodity
    year: Year
    kg_per_unit: Positive
    source: Annotated[str, Field(min_length=1, max_length=200)]
    category: str = ALL
    published: date | None = None


class CarbonFile(Table):
    """The whole file."""

    category: str = ALL
    factor: list[FactorTable] = Field(default_factory=list)


def read_carbon(folder: Path, mistakes: Mistakes) -> CarbonFactors:
    """Factors of a site: the shipped ones, and its own; every mistake in its file is noted.

    A factor of the site's takes the place of a shipped one of the same commodity, year, category and day.
    """
    shipped = {_version(factor): factor for factor in shipped_factors()}
    if not (folder / CARBON_FILE).exists():
        return CarbonFactors(tuple(shipped.values()))
    file = read_toml(folder / CARBON_FILE, CARBON_FILE, mistakes)
    tables = validated(file, CarbonFile, mistakes) if file else None
    if file is None or tables is None:
        return CarbonFactors(tuple(shipped.values()))
    own: dict[Version, CarbonFactor] = {}
    for index, table in enumerate(tables.factor):
        factor = _factor(table)
        if _version(factor) in own:
            message = f"a factor of {factor.commodity} for {factor.year} published on the same day stands above"
            remedy = "say when this one was published, or delete one of them"
            mistakes.add(file.name, file.line("factor", index, "year"), "[[factor]] year", message, remedy)
        own[_version(factor)] = factor
    return CarbonFactors(tuple((shipped | own).values()), tables.category)


def shipped_factors() -> list[CarbonFactor]:
    """Factors that come with the service."""
    mistakes = Mistakes()
    with resources.as_file(resources.files("cityhall_bms.energy") / SHIPPED) as path:
        file: TomlFile | None = read_toml(path, SHIPPED, mistakes)
    tables = validated(file, CarbonFile, mistakes) if file else None
    if tables is None:
        raise SiteError(mistakes.sorted())
    return [_factor(table) for table in tables.factor]


def _factor(table: FactorTable) -> CarbonFactor:
    return CarbonFactor(
        table.commodity, table.year, table.kg_per_unit, table.source, table.category, table.published
    )  # fmt: skip


def _version(factor: CarbonFactor) -> Version:
    return factor.commodity, factor.year, factor.category, factor.published
