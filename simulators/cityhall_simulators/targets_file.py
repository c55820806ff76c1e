"""``targets.toml`` and ``references.toml`` of a simulated building: what its years are held to, and told against."""

from collections.abc import Iterator
from typing import Final

from cityhall_simulators.description import Building
from cityhall_simulators.toml_text import table

YEARS: Final = (104, 115)
"""ROC years with targets: that of the published figures, and that of the demo."""
RAINWATER_M3: Final = 150
SAVING_PERCENT: Final = 1.0
FUEL_L: Final = {"95H1": 19_595, "104H1": 9_098}
"""Published fuel of official vehicles: nothing in the building measures it."""
_SOURCE: Final = "市政大樓 104 年上半年成果報告"
_Entry = dict[str, object]


def targets_toml(building: Building) -> str:
    """Text of ``targets.toml``; empty for a building that no utility meter feeds."""
    if not _has(building, "HVM"):
        return ""
    return "".join(table("[[energy_target]]", entry) for year in YEARS for entry in _targets(building, year))


def references_toml(building: Building) -> str:
    """Text of ``references.toml``; empty for a building that no utility meter feeds."""
    if not _has(building, "HVM"):
        return ""
    common: _Entry = {"commodity": "fuel"}
    entries = [common | {"period": period, "amount": amount, "source": _SOURCE} for period, amount in FUEL_L.items()]
    return "".join(table("[[reference]]", entry) for entry in entries)


def _targets(building: Building, year: int) -> Iterator[_Entry]:
    for commodity, zh, en in (("electricity", "用電", "Electricity"), ("water", "用水", "Water")):
        entry: _Entry = {"name": f"{commodity.upper()}-{year}", "year": year, "commodity": commodity}
        entry |= {"kind": "saving_on_year_before", "percent": SAVING_PERCENT}
        entry |= {"text_zh": f"{year} 年{zh}較前一年節約 1 %", "text_en": f"{en}: save one percent on the year before"}
        yield entry
    if _has(building, "RWS"):
        rain: _Entry = {"name": f"RAIN-{year}", "year": year, "commodity": "rainwater", "kind": "at_least"}
        yield rain | {"amount": RAINWATER_M3, "text_zh": f"{year} 年雨水利用", "text_en": "Rainwater used"}


def _has(building: Building, code: str) -> bool:
    return any(item.type.code == code for item in building.equipment)
