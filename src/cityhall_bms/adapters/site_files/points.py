"""``points.csv``: one row per point; an empty cell takes the value of the device's profile."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from cityhall_bms.adapters.site_files.csv_file import Row
from cityhall_bms.adapters.site_files.devices import DeviceEntry
from cityhall_bms.adapters.site_files.mistakes import suggest
from cityhall_bms.adapters.site_files.models import ProfilePoint
from cityhall_bms.domain.site import NAME_PATTERN, Encoding, Point, PointKind, Text
from cityhall_bms.domain.units import UNITS, find_unit

POINTS_FILE: Final = "points.csv"
POINTS_COLUMNS: Final = (
    "name",
    "text_zh",
    "text_en",
    "equipment",
    "role",
    "kind",
    "unit",
    "device",
    "address",
    "type",
    "word_order",
    "scale",
    "offset",
    "low",
    "high",
    "scan_s",
    "deadband",
    "states",
)
OPTIONAL_COLUMNS: Final = ("rollover",)

_KINDS: Final = [kind.value for kind in PointKind]
_STATE_KINDS: Final = frozenset({PointKind.DI, PointKind.MI, PointKind.DO, PointKind.MO})
_STATE: Final = re.compile(r"\s*(-?\d+)\s*=\s*([^/=]+?)\s*/\s*([^/=]+?)\s*")
_NOTHING: Final = ProfilePoint(role="none", address="none")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What points refer to; none where that could not be read, so that nothing is called unknown."""

    equipment: Collection[str] | None
    devices: Mapping[str, DeviceEntry] | None


def read_points(rows: list[Row], around: Surroundings) -> dict[str, Point]:
    """Every row that has no mistake, by name."""
    points: dict[str, Point] = {}
    lines: dict[str, int] = {}
    for row in rows:
        name = row["name"]
        if name and name in lines:
            row.wrong("name", f"'{name}' stands already on line {lines[name]}", "delete or rename one of them")
            continue
        lines[name] = row.line
        before = len(row.mistakes)
        point = _point(row, around)
        if point is not None and len(row.mistakes) == before:
            points[name] = point
    return points


def _point(row: Row, around: Surroundings) -> Point | None:
    _check_name(row, around)
    role = row["role"]
    text = (row.required("text_zh"), row.required("text_en"))
    kind = _kind(row)
    entry = _entry(row, around)
    mapped = (entry.profile.points.get(role) if entry and entry.profile else None) or _NOTHING
    address = _address(row, entry, mapped)
    unit = _unit(row, mapped)
    encoding = _encoding(row, mapped)
    low, high = _limits(row, mapped)
    scan_s, deadband = _scan(row)
    states = _states(row, kind)
    if kind is None or text[0] is None or text[1] is None or address is None:
        return None
    return Point(
        name=row["name"],
        text=Text(text[0], text[1]),
        equipment=row["equipment"],
        role=role,
        kind=kind,
        unit=unit,
        device=row["device"],
        address=address,
        encoding=encoding,
        low=low,
        high=high,
        scan_s=scan_s,
        deadband=deadband,
        rollover=_rollover(row, kind),
        states=states,
        line=row.line,
    )


def _check_name(row: Row, around: Surroundings) -> None:
    """A name is that of its equipment, a dot and its role; all three are permanent."""
    name, equipment, role = row.required("name"), row.required("equipment"), row.required("role")
    if name is not None and (not NAME_PATTERN.fullmatch(name) or name.count(".") != 4):
        remedy = "write SITE.FLOOR.ZONE.EQUIPnn.ROLE with letters, digits, '_' and '.' only"
        row.wrong("name", f"'{name}' is no point name", remedy)
    elif name is not None and equipment is not None and role is not None and name != f"{equipment}.{role}":
        row.wrong("name", f"'{name}' is not equipment and role", f"write '{equipment}.{role}', or correct these two")
    if equipment is not None and around.equipment is not None and equipment not in around.equipment:
        remedy = suggest(equipment, around.equipment, "add it to equipment.csv")
        row.wrong("equipment", f"unknown equipment '{equipment}'", remedy)


def _kind(row: Row) -> PointKind | None:
    kind = row.required("kind")
    if kind is None:
        return None
    if kind not in _KINDS:
        row.wrong("kind", f"unknown kind '{kind}'", suggest(kind, _KINDS, f"use one of {', '.join(_KINDS)}"))
        return None
    return PointKind(kind)


def _entry(row: Row, around: Surroundings) -> DeviceEntry | None:
    device = row.required("device")
    if device is None or around.devices is None:
        return None
    if device not in around.devices:
        row.wrong("device", f"unknown device '{device}'", suggest(device, around.devices, f"add devices/{device}.toml"))
    return around.devices.get(device)


def _address(row: Row, entry: DeviceEntry | None, mapped: ProfilePoint) -> str | None:
    """Address of its own or of the profile; none when it is missing, which is noted unless the device is at fault."""
    if row["address"]:
        return row["address"]
    if mapped is not _NOTHING:
        return mapped.address.replace("{equipment}", row["equipment"])
    if entry is None or (entry.profile is None and entry.profile_name is not None):
        return None  # the device or its profile is at fault, and was reported
    role = row["role"]
    if entry.profile is not None:
        remedy = suggest(role, entry.profile.points, "fill in 'address', or add the role to the profile")
        row.wrong("address", f"empty, and profile '{entry.profile.name}' has no role '{role}'", remedy)
    elif entry.device is not None:
        row.wrong("address", f"empty, and device '{entry.name}' has no profile", "fill in 'address'")
    return None


def _unit(row: Row, mapped: ProfilePoint) -> str:
    symbol = row["unit"] or mapped.unit or ""
    unit = find_unit(symbol) if symbol else None
    if symbol and unit is None:
        row.wrong("unit", f"unknown unit '{symbol}'", suggest(symbol, UNITS))
    return unit.symbol if unit else ""


def _encoding(row: Row, mapped: ProfilePoint) -> Encoding:
    default = Encoding()
    scale = _number(row, "scale", mapped.scale, default.scale)
    if scale == 0.0:
        row.wrong("scale", "0 makes every value the same", "write the factor, or leave the cell empty for 1")
    return Encoding(
        type=row["type"] or mapped.type or default.type,
        word_order=row["word_order"] or mapped.word_order or default.word_order,
        scale=scale,
        offset=_number(row, "offset", mapped.offset, default.offset),
    )


def _number(row: Row, column: str, mapped: float | None, default: float) -> float:
    value = row.number(column)
    if value is not None:
        return value
    return default if mapped is None else mapped


def _limits(row: Row, mapped: ProfilePoint) -> tuple[float | None, float | None]:
    low, high = row.number("low"), row.number("high")
    low = mapped.low if low is None else low
    high = mapped.high if high is None else high
    if low is not None and high is not None and low > high:
        row.wrong("low", f"low ({low:g}) is greater than high ({high:g})", "exchange the two, or correct one")
    return low, high


def _scan(row: Row) -> tuple[float, float]:
    scan_s = row.number("scan_s")
    if scan_s is None:
        row.required("scan_s")
    elif scan_s <= 0.0:
        row.wrong("scan_s", f"{scan_s:g} is not greater than 0", "write seconds between two readings, like 10")
    deadband = row.number("deadband") or 0.0
    if deadband < 0.0:
        row.wrong("deadband", f"{deadband:g} is less than 0", "write the smallest change to record, or leave it empty")
    return math.nan if scan_s is None else scan_s, deadband


def _rollover(row: Row, kind: PointKind | None) -> float | None:
    """Where a counter begins again at zero, in its unit."""
    rollover = row.number("rollover")
    if rollover is not None and kind is not PointKind.CI:
        row.wrong("rollover", f"a point of kind {kind} does not roll over", "leave the cell empty, or correct 'kind'")
    elif rollover is not None and rollover <= 0.0:
        row.wrong("rollover", f"{rollover:g} is not greater than 0", "write what follows 999999.9, like 1000000")
    return rollover


def _states(row: Row, kind: PointKind | None) -> dict[int, Text]:
    """State texts, as in ``0=停止/Stopped;1=運轉/Running``."""
    if not row["states"]:
        return {}
    if kind is not None and kind not in _STATE_KINDS:
        row.wrong("states", f"a point of kind {kind} has no states", "leave the cell empty, or correct 'kind'")
        return {}
    states: dict[int, Text] = {}
    for part in row["states"].strip(";").split(";"):
        match = _STATE.fullmatch(part)
        if match is None:
            row.wrong("states", f"'{part}' is no state", "write number=zh/en, like 0=停止/Stopped;1=運轉/Running")
        elif int(match[1]) in states:
            row.wrong("states", f"state {match[1]} appears twice", "give every state one text")
        else:
            states[int(match[1])] = Text(match[2], match[3])
    return states
