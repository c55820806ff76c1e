"""Faults by name: what they are called, where they strike, which rules they provoke. The tables are data files."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from cityhall_simulators.description import Building, Text


class Reach(Enum):
    """What a fault changes."""

    PLANT = "equipment"
    SENSOR = "point"
    DEVICE = "device"


_REACH_OF_FILE: Final = {"sensors": Reach.SENSOR, "devices": Reach.DEVICE}


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the tables.

    ``codes`` are the equipment types, the kinds of point or the protocols that can have it; ``column`` is the plant's
    disturbance; ``rules`` are the limits and fault rules of the domain reference that it provokes.
    """

    name: str
    text: Text
    reach: Reach
    default: str
    codes: tuple[str, ...]
    column: str
    rules: tuple[str, ...]


class FaultTargetError(ValueError):
    """The fault cannot strike there; the message names what it can strike."""


def _read_tables() -> Iterator[Fault]:
    for table in sorted((files("cityhall_simulators") / "sites" / "faults").iterdir(), key=lambda entry: entry.name):
        reach = _REACH_OF_FILE.get(table.name.removesuffix(".csv"), Reach.PLANT)
        for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
            yield Fault(
                name=row["name"],
                text=Text(row["text_zh"], row["text_en"]),
                reach=reach,
                default=row["default"],
                codes=tuple(row["codes"].split()),
                column=row["column"],
                rules=tuple(row["rules"].split()),
            )


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType({fault.name: fault for fault in _read_tables()})


def targets(building: Building, fault: Fault) -> list[str]:
    """Full names of everything at this site that a fault can strike."""
    if fault.reach is Reach.PLANT:
        return [item.name for item in building.equipment if item.type.code in fault.codes]
    if fault.reach is Reach.SENSOR:
        return [point.name for point in building.points if point.role.kind in fault.codes]
    return [device.name for device in building.devices if device.protocol in fault.codes]


def resolve_target(building: Building, fault: Fault, target: str | None) -> str:
    """Full name of what a fault strikes: equipment, point or device. :class:`FaultTargetError` when it cannot."""
    wanted = target or fault.default
    fitting = targets(building, fault)
    for name in fitting:
        if name == wanted or (fault.reach is not Reach.DEVICE and name.endswith(f".{wanted}")):
            return name
    if not fitting:
        msg = f"{fault.name} strikes {' or '.join(fault.codes)}, and this site shows none"
    elif fault.reach is Reach.SENSOR:
        msg = f"{fault.name} strikes points of kind {', '.join(fault.codes)}, and none of them is called {wanted!r}; "
        msg += f"write {fault.default} or the full name"
    else:
        shorts = [name.rsplit(".", 1)[-1] for name in fitting]
        msg = f"{fault.name} strikes one of {', '.join(shorts)}, not {wanted!r}"
    raise FaultTargetError(msg)
