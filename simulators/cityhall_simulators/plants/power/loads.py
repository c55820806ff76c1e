"""What each sub-meter measures: a use, a bank of lifts, a charging feeder, or plant with a power of its own."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, slow_noise

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


def loads_kw(around: Around) -> Column:
    """Power behind each sub-meter."""
    loads = [Load.of(text) for text in around.site.loads["EM"]]
    return np.array([_load_kw(load, number, around) for number, load in enumerate(loads)])


def _load_kw(load: Load, number: int, around: Around) -> float:
    """Never negative: what the lifts feed back is used on the spot."""
    moment, columns = around.moment, around.plants
    wave = float(slow_noise(moment.epoch_s * 4.0, 90.0 + number)[0])
    if load.kind == "plant":
        return sum(around.total(code, "kW") for code in load.plant)
    if load.kind == "lifts":
        return max(0.5, 6.0 + _sum_in(load, columns["ELV"], "_kw", around.site.zones["ELV"]))
    if load.kind == "ev":
        return 0.3 + _sum_in(load, columns["EVSE"], "kW", around.site.zones["EVSE"])
    if load.kind == "food":
        lunch = float(np.exp(-(((moment.hour - 12.0) / 1.5) ** 2)))
        people = (60.0 * moment.occupancy + 90.0 * lunch) * (1.0 if moment.workday else 0.3)
        return (28.0 + people + 3.0 * wave) * load.part
    return (9.0 + 52.0 * moment.occupancy + 1.5 * wave) * load.part


def unmetered_kw(around: Around) -> float:
    """Plant and rooms that stand behind no sub-meter, less what the roof produces."""
    metered = {code for text in around.site.loads["EM"] for code in Load.of(text).plant}
    used = sum(around.total(code, "kW") for code in CONSUMERS if code not in metered)
    night, day = around.site.parameters["rest_night_kw"], around.site.parameters["rest_day_kw"]
    return used + night + (day - night) * around.moment.occupancy - sum(around.total(code, "kW") for code in PRODUCERS)


def _sum_in(load: Load, columns: Columns, role: str, zones: tuple[str, ...]) -> float:
    if not load.zones:
        return float(columns[role].sum())
    return float(columns[role][[zone in load.zones for zone in zones]].sum())
