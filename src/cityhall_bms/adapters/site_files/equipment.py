"""``equipment.csv``: one row per piece of plant."""

import re
from dataclasses import dataclass, field
from typing import Final

from cityhall_bms.adapters.site_files.csv_file import Row
from cityhall_bms.adapters.site_files.mistakes import near, suggest
from cityhall_bms.adapters.site_files.models import SiteFile
from cityhall_bms.domain.site import NAME_PATTERN, Equipment, System, Text

EQUIPMENT_FILE: Final = "equipment.csv"
EQUIPMENT_COLUMNS: Final = ("equipment", "class", "system", "text_zh", "text_en", "fed_by", "part_of")

_CLASS: Final = re.compile(r"(x:)?[A-Z][A-Za-z0-9_.]*")
_SYSTEMS: Final = [system.value for system in System]


@dataclass(slots=True)
class EquipmentList:
    """Equipment that is right, and the first line of every name that is there at all.

    A name whose row has a mistake still counts as known, so that one mistake is not reported by every point too.
    """

    readable: bool = True
    """False when the file itself could not be read: then nothing may be called unknown."""
    good: dict[str, Equipment] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def read_equipment(rows: list[Row] | None, site: SiteFile | None) -> EquipmentList:
    """Every row as equipment; without a readable ``site.toml`` places are not checked."""
    if rows is None:
        return EquipmentList(readable=False)
    found = EquipmentList()
    for row in rows:
        name = row.required("equipment")
        if name is None:
            continue
        if name in found.lines:
            row.wrong(
                "equipment", f"'{name}' stands already on line {found.lines[name]}", "delete or rename one of them"
            )
            continue
        found.lines[name] = row.line
        equipment = _equipment(row, name, site)
        if equipment is not None:
            found.good[name] = equipment
    for row in rows:
        _check_relations(row, found)
    return found


def _equipment(row: Row, name: str, site: SiteFile | None) -> Equipment | None:
    before = len(row.mistakes)
    _check_name(row, name, site)
    brick_class = row.required("class")
    if brick_class is not None and not _CLASS.fullmatch(brick_class):
        row.wrong("class", f"'{brick_class}' is no class name", "write a Brick class like 'Elevator', or 'x:OwnClass'")
    system = row.required("system")
    if system is not None and system not in _SYSTEMS:
        row.wrong("system", f"unknown system '{system}'", suggest(system, _SYSTEMS))
    text_zh, text_en = row.required("text_zh"), row.required("text_en")
    if len(row.mistakes) > before or not (brick_class and system and text_zh and text_en):
        return None
    return Equipment(
        name=name,
        brick_class=brick_class,
        system=System(system),
        text=Text(text_zh, text_en),
        fed_by=tuple(row["fed_by"].split()),
        part_of=tuple(row["part_of"].split()),
    )


def _check_name(row: Row, name: str, site: SiteFile | None) -> None:
    """A name is SITE.FLOOR.ZONE.EQUIPnn of a known site, floor and zone."""
    if not NAME_PATTERN.fullmatch(name) or name.count(".") != 3:
        remedy = "write SITE.FLOOR.ZONE.EQUIPnn in capital letters and digits, like 'TCH.B2.CN.CHC01'"
        row.wrong("equipment", f"'{name}' is no equipment name", remedy)
        return
    if site is None:
        return
    code, floor, zone, _ = name.split(".")
    if code != site.site.code:
        row.wrong("equipment", f"'{name}' does not begin with the site's code", f"begin with '{site.site.code}.'")
    for word, kind, places in ((floor, "floor", site.floors), (zone, "zone", site.zones)):
        codes = [place.code for place in places]
        if word not in codes:
            hint = near(word, codes)
            remedy = f"did you mean '{hint}'?" if hint else f"add it under [[{kind}s]] in site.toml"
            row.wrong("equipment", f"unknown {kind} '{word}' in '{name}'", remedy)


def _check_relations(row: Row, found: EquipmentList) -> None:
    for column in ("fed_by", "part_of"):
        for other in row[column].split():
            if other == row["equipment"]:
                row.wrong(column, f"'{other}' names itself", "name the other equipment, or leave the cell empty")
            elif other not in found.lines:
                row.wrong(
                    column, f"unknown equipment '{other}'", suggest(other, found.lines, "add it to equipment.csv")
                )
