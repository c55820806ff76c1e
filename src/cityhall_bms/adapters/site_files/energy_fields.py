"""Fields that the files of energy share: years and periods of either calendar, and what an amount is of."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.toml_file import TomlFile
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Metering
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.roc import YEARS, ce_year


def _year(year: int) -> int:
    found = ce_year(year)
    if found not in YEARS:
        msg = f"{year} is no year: write an ROC year like 104, or a CE year like 2015"
        raise ValueError(msg)
    return found


Year = Annotated[int, AfterValidator(_year)]
"""ROC or CE, CE inside."""


PeriodText = Annotated[str, AfterValidator(lambda text: parse_period(text).name)]
"""A period as people write it; in its canonical name inside."""
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Table(BaseModel):
    """Base of the tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OfWhat(Table):
    """What an amount is of: the whole site, a tenant, or one meter."""

    commodity: Commodity
    tenant: str = ""
    meter: str = ""


def check_known(file: TomlFile, key: str, index: int, table: OfWhat, metering: Metering, mistakes: Mistakes) -> None:
    """Note a tenant or a meter that nobody knows, and a meter of another commodity."""

    def note(field: str, message: str, remedy: str) -> None:
        mistakes.add(file.name, file.line(key, index, field), f"[[{key}]] {field}", message, remedy)

    named: Mapping[str, tuple[str, Mapping[str, object]]] = {
        "tenant": (table.tenant, metering.tenants),
        "meter": (table.meter, metering.meters),
    }
    for field, (name, known) in named.items():
        if name and name not in known:
            note(field, f"there is no {field} '{name}'", suggest(name, known, "add it to meters.toml"))
    if table.tenant and table.meter:
        note("meter", "a figure is of a tenant or of a meter", "delete one of the two")
    meter = metering.meters.get(table.meter)
    if meter is not None and meter.commodity is not table.commodity:
        note("commodity", f"'{meter.name}' counts {meter.commodity}", f"write '{meter.commodity}', or another meter")
