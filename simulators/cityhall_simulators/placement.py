"""Placement by rules: a large building described in a page, expanded into the rows that a small one writes by hand.

A *place* rule puts units of one type on floors and in zones; a *wire* rule gives units to the devices that speak for
them. The rows that come out are those of ``layout.equipment`` and ``layout.device``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cityhall_simulators.feeders import with_feeders

_FIRST_INSTANCE: Final = 2001
_PASSED_ON: Final = ("protocol", "profile", "word_order", "security", "framing", "bus_baud")

Row = dict[str, Any]


def expand_layout(layout: Mapping[str, Any]) -> Row:
    """A layout whose rules have become rows; one without rules comes back as it is."""
    if "place" not in layout:
        return dict(layout)
    equipment = _placed(layout)
    return dict(layout) | {"equipment": equipment, "device": _wired(layout["wire"], equipment)}


def _placed(layout: Mapping[str, Any]) -> list[Row]:
    floors = {code: (zh, en) for code, zh, en in layout["floors"]}
    zones = {code: (zh, en) for code, zh, en in layout["zones"]}
    counted: dict[str, int] = {}
    rows: list[Row] = []
    for rule in layout["place"]:
        for floor, zone, within in _places(rule, list(floors)):
            number = counted[rule["code"]] = counted.get(rule["code"], 0) + 1
            numbers = {"n": number, "i": within, "zone_code": zone}
            row: Row = {"at": f"{floor}.{zone}.{rule['code']}{number:02d}"}
            for column, (floor_text, zone_text) in zip(
                ("zh", "en"), zip(floors[floor], zones[zone], strict=True), strict=True
            ):
                row[column] = rule[column].format(floor=floor_text, zone=zone_text, **numbers)
            row |= {key: rule[key] for key in ("class", "part_of") if key in rule}
            if "fed_by" in rule:
                row["fed_by"] = [_feeder(other, floor, rows) for other in rule["fed_by"]]
            rows.append(row | {"load": rule.get("load", "").format(**numbers)})
    return with_feeders(rows)


def _feeder(feeder: str, floor: str, placed: Sequence[Row]) -> str:
    """Short name of what feeds a unit; ``AHU@E`` is the one in the east of its own floor."""
    code, _, zone = feeder.partition("@")
    if not zone:
        return feeder
    found: str = next(row["at"] for row in placed if row["at"].startswith(f"{floor}.{zone}.{code}"))
    return found.rsplit(".", 1)[1]


def _places(rule: Mapping[str, Any], floors: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Floor, zone, and number within the place."""
    for floor in _floors(rule["floors"], floors):
        for zone in rule["zones"].split():
            for within in range(1, rule.get("each", 1) + 1):
                yield floor, zone, within


def _floors(text: str, floors: Sequence[str]) -> Iterator[str]:
    """Floors of ``B1 01-12``, a range in the building's own order."""
    for part in text.split():
        first, _, last = part.partition("-")
        yield from floors[floors.index(first) : floors.index(last or first) + 1]


def _wired(rules: Sequence[Mapping[str, Any]], equipment: Sequence[Row]) -> list[Row]:
    texts: dict[str, list[tuple[str, Row]]] = {}
    for row in equipment:
        short = row["at"].rsplit(".", 1)[1]
        texts.setdefault(short.rstrip("0123456789"), []).append((short, row))
    devices: list[Row] = []
    for rule in rules:
        units = [unit for code in rule["codes"] for unit in texts[code]]
        per = rule.get("per", 1) or len(units)
        for number, start in enumerate(range(0, len(units), per), 1):
            devices.append(_device(rule, number, units[start : start + per], len(devices)))
    return devices


def _device(rule: Mapping[str, Any], number: int, units: Sequence[tuple[str, Row]], before: int) -> Row:
    words = {"n": number, "code": rule["codes"][0].lower()}
    name = rule["name"].format(**words)
    # A device that stands for one piece of plant is called like it.
    own = units[0][1]
    device = {key: rule[key] for key in _PASSED_ON if key in rule} | {
        "name": name,
        "zh": rule.get("zh", own["zh"]).format(**words),
        "en": rule.get("en", own["en"]).format(**words),
        "equipment": [short for short, _ in units],
        "port": name,
    }
    if rule["protocol"] == "bacnet":
        device["device_instance"] = _FIRST_INSTANCE + before
    elif rule["protocol"] == "modbus":
        gateway, unit = divmod(number - 1, rule.get("port_units", len(units) + number))
        device |= {"port": rule["port"].format(g=gateway + 1, **words), "unit_id": unit + 1}
    return device
