"""What each sub-meter measures: a use, a bank of lifts, a charging feeder, or plant with a power of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from cityhall_simulators.plants.common import Columns, Surroundings, slow_noise

CONSUMERS: Final = ("CHC", "AHU", "PKF", "CHS", "CT", "PCHP", "SCHP", "CWP", "OAH", "PAC", "AVR", "DWS")
"""Types that use power; each counts once, behind the sub-meter that names it or in the unmetered rest."""
PRODUCERS: Final = ("PV",)


@dataclass(frozen=True, slots=True)
class Load:
    """A ``kind`` of use times ``part``; lifts and chargers of ``zones`` (all when empty); or types of ``plant``."""

    kind: str
    zones: frozenset[str] = frozenset()
    plant: tuple[str, ...] = ()
    part: float = 1.0

    @classmethod
    def of(cls, text: str) -> Self:
        """Read ``lifts@N,NE``, ``plant:CT+CWP``, ``food*0.07`` or a bare kind."""
        rest, _, part = text.partition("*")
        rest, _, zones = rest.partition("@")
        kind, _, plant = rest.partition(":")
        return cls(
            kind,
            frozenset(zones.split(",")) if zones else frozenset(),
            tuple(plant.split("+")) if plant else (),
            float(part or 1.0),
        )


def load_kw(
    load: Load, number: int, around: Surroundings, columns: Mapping[str, Columns], zones: Mapping[str, tuple[str, ...]]
) -> float:
    """Power behind a sub-meter, never negative: what the lifts feed back is used on the spot."""
    wave = float(slow_noise(around.epoch_s * 4.0, 90.0 + number)[0])
    if load.kind == "plant":
        return sum(float(columns[code]["kW"].sum()) for code in load.plant)
    if load.kind == "lifts" and "ELV" in columns:
        return max(0.5, 6.0 + _sum_in(load, columns["ELV"], "_kw", zones["ELV"]))
    if load.kind == "ev" and "EVSE" in columns:
        return 0.3 + _sum_in(load, columns["EVSE"], "kW", zones["EVSE"])
    if load.kind == "food":
        lunch = float(np.exp(-(((around.hour - 12.0) / 1.5) ** 2)))
        people = (60.0 * around.occupancy + 90.0 * lunch) * (1.0 if around.workday else 0.3)
        return (28.0 + people + 3.0 * wave) * load.part
    return (9.0 + 52.0 * around.occupancy + 1.5 * wave) * load.part


def unmetered_kw(loads: tuple[Load, ...], columns: Mapping[str, Columns]) -> float:
    """Plant that stands behind no sub-meter, less what the roof produces."""
    metered = {code for load in loads for code in load.plant}
    used = sum(float(columns[code]["kW"].sum()) for code in CONSUMERS if code in columns and code not in metered)
    produced = sum(float(columns[code]["kW"].sum()) for code in PRODUCERS if code in columns)
    return used - produced


def _sum_in(load: Load, columns: Columns, role: str, zones: tuple[str, ...]) -> float:
    if not load.zones:
        return float(columns[role].sum())
    return float(columns[role][[zone in load.zones for zone in zones]].sum())
