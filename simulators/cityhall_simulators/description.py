"""The compact description of a simulated building, expanded: types x placement = equipment and points."""

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from cityhall_simulators.placement import expand_layout

WRITABLE_KINDS: Final = frozenset({"AO", "DO", "MO", "SP"})
READ_ONLY_SYSTEMS: Final = frozenset({"fire", "lift", "security"})
"""Life safety: their faces refuse every write."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text for people, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Role:
    """A point of an equipment type. ``resolution`` is the sensor's, in engineering units."""

    role: str
    text: Text
    kind: str
    unit: str
    low: float | None
    high: float | None
    resolution: float
    encoding: str
    states: Mapping[int, Text]


@dataclass(frozen=True, slots=True)
class EquipmentType:
    """A kind of plant with its points; ``scan_s`` is the domain's default."""

    code: str
    brick_class: str
    system: str
    scan_s: float
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Equipment:
    """One piece of plant; ``unit`` is its place among all of its type in the whole building, from zero."""

    name: str
    type: EquipmentType
    unit: int
    brick_class: str
    """Its type's, unless it serves a purpose for which the limits of its type are wrong."""
    text: Text
    fed_by: tuple[str, ...]
    part_of: tuple[str, ...]
    load: str

    @property
    def short(self) -> str:
        """Last part of the name, ``CHC01``."""
        return self.name.rsplit(".", 1)[1]

    @property
    def place(self) -> str:
        """Floor and zone, ``B1.N``."""
        return ".".join(self.name.split(".")[1:3])


@dataclass(frozen=True, slots=True)
class Point:
    """One point of one piece of equipment; ``index`` is its place in every column."""

    index: int
    name: str
    equipment: Equipment
    role: Role
    device: str
    scan_s: float

    @property
    def writable(self) -> bool:
        """Whether its face accepts writes."""
        return self.role.kind in WRITABLE_KINDS and self.equipment.type.system not in READ_ONLY_SYSTEMS


@dataclass(frozen=True, slots=True)
class Device:
    """Something that speaks a protocol for its points; devices of one ``port`` label share a port."""

    name: str
    protocol: str
    port: str
    text: Text
    equipment: tuple[Equipment, ...]
    points: tuple[Point, ...]
    profile: str = ""
    unit_id: int = 1
    word_order: str = "ABCD"
    device_instance: int = 0
    security: str = "none"
    framing: str = "tcp"
    """``rtu`` for a serial line over TCP, frames and checksum as they are on the wire."""
    bus_baud: int = 0
    """Speed of the serial bus behind a gateway; 0 when there is none to wait for."""


@dataclass(frozen=True, slots=True)
class Building:
    """Everything that a simulator needs to know before it starts."""

    code: str
    text: Text
    time_zone: str
    floors: tuple[tuple[str, Text], ...]
    zones: tuple[tuple[str, Text], ...]
    parameters: Mapping[str, float]
    """Numbers of the whole building; a smaller site has none of its own."""
    equipment: tuple[Equipment, ...]
    devices: tuple[Device, ...]
    points: tuple[Point, ...]
    by_name: Mapping[str, Point] = field(default_factory=dict)

    @property
    def port_labels(self) -> tuple[str, ...]:
        """Labels of the ports, in the order of the devices."""
        return tuple(dict.fromkeys(device.port for device in self.devices))

    def find_equipment(self, name: str) -> Equipment:
        """By full name or last part; :class:`KeyError` when there is none."""
        for equipment in self.equipment:
            if name in {equipment.name, equipment.short}:
                return equipment
        raise KeyError(name)


def site_names() -> list[str]:
    """Names of the described buildings."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


@cache
def load_building(name: str = "small") -> Building:
    """Expand a described building, once; :class:`KeyError` when there is none of this name."""
    if name not in site_names():
        raise KeyError(name)
    placement = tomllib.loads((_folder() / f"{name}.toml").read_text(encoding="utf-8"))
    placement["layout"] = expand_layout(placement["layout"])
    types = _load_types()
    equipment = _place_equipment(placement, types)
    devices, points = _wire(placement, equipment)
    site, layout = placement["site"], placement["layout"]
    return Building(
        code=site["code"],
        text=Text(site["name_zh"], site["name_en"]),
        time_zone=site["time_zone"],
        floors=tuple((code, Text(zh, en)) for code, zh, en in layout["floors"]),
        zones=tuple((code, Text(zh, en)) for code, zh, en in layout["zones"]),
        parameters=placement.get("building", {}),
        equipment=tuple(equipment),
        devices=tuple(devices),
        points=tuple(points),
        by_name={point.name: point for point in points},
    )


def _folder() -> Traversable:
    return files("cityhall_simulators") / "sites"


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((_folder() / name).read_text(encoding="utf-8").splitlines()))


def _load_types() -> dict[str, EquipmentType]:
    states: dict[str, dict[int, Text]] = {}
    for row in _rows("states.csv"):
        states.setdefault(row["set"], {})[int(row["value"])] = Text(row["zh"], row["en"])
    roles: dict[str, list[Role]] = {}
    for row in _rows("points.csv"):
        roles.setdefault(row["code"], []).append(_role(row, states))
    types = {}
    for row in _rows("equipment_types.csv"):
        listed = [role for macro in row["macros"].split() for role in roles[f"@{macro}"]] + roles.get(row["code"], [])
        # A type that lists a role of its macro again gives it other ranges; the place stays the macro's.
        own = tuple({role.role: role for role in listed}.values())
        types[row["code"]] = EquipmentType(row["code"], row["class"], row["system"], float(row["scan_s"]), own)
    return types


def _role(row: Mapping[str, str], states: Mapping[str, Mapping[int, Text]]) -> Role:
    return Role(
        role=row["role"],
        text=Text(row["text_zh"], row["text_en"]),
        kind=row["kind"],
        unit=row["unit"],
        low=float(row["low"]) if row["low"] else None,
        high=float(row["high"]) if row["high"] else None,
        resolution=float(row["resolution"] or 0.0),
        encoding=row["encoding"],
        states=states[row["states"]] if row["states"] else {},
    )


def _place_equipment(placement: Mapping[str, Any], types: Mapping[str, EquipmentType]) -> list[Equipment]:
    rows = placement["layout"]["equipment"]
    full = {row["at"].rsplit(".", 1)[1]: f"{placement['site']['code']}.{row['at']}" for row in rows}
    equipment = []
    for row in rows:
        short = row["at"].rsplit(".", 1)[1]
        code = short.rstrip("0123456789")
        # A smaller site numbers its equipment anew; the plant behind it keeps its number.
        unit = int(row.get("stands_for", short).removeprefix(code)) - 1
        equipment.append(
            Equipment(
                name=full[short],
                type=types[code],
                unit=unit,
                brick_class=row.get("class", types[code].brick_class),
                text=Text(row["zh"], row["en"]),
                fed_by=tuple(full[other] for other in row.get("fed_by", ())),
                part_of=tuple(full[other] for other in row.get("part_of", ())),
                load=row.get("load", ""),
            )
        )
    return equipment


def _wire(placement: Mapping[str, Any], equipment: list[Equipment]) -> tuple[list[Device], list[Point]]:
    """Give each piece of equipment to the device that speaks for it, and number the points in that order."""
    by_short = {item.short: item for item in equipment}
    devices: list[Device] = []
    points: list[Point] = []
    for row in placement["layout"]["device"]:
        speaks_for = tuple(by_short[short] for short in row["equipment"])
        first = len(points)
        for item in speaks_for:
            for role in item.type.roles:
                scan_s = _scan_s(placement["scan"], item.type, role)
                points.append(Point(len(points), f"{item.name}.{role.role}", item, role, row["name"], scan_s))
        options = {key: row[key] for key in _DEVICE_OPTIONS if key in row}
        devices.append(
            Device(
                name=row["name"],
                protocol=row["protocol"],
                port=row["port"],
                text=Text(row["zh"], row["en"]),
                equipment=speaks_for,
                points=tuple(points[first:]),
                **options,
            )
        )
    return devices, points


_DEVICE_OPTIONS: Final = ("profile", "unit_id", "word_order", "device_instance", "security", "framing", "bus_baud")


def _scan_s(scan: Mapping[str, Any], kind: EquipmentType, role: Role) -> float:
    if f"{kind.code}.{role.role}" in scan["alarm"]:
        return float(scan["alarm_s"])
    if kind.code in scan["by_type"]:
        return float(scan["by_type"][kind.code])
    return min(kind.scan_s, float(scan["max_s"]))
