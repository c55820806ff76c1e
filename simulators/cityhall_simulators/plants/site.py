"""What the physics must know of the building: how many units of each type, where they stand, what feeds them.

Every site that can be simulated shows a selection of the same building, and the physics behind it is always whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.description import load_building

WHOLE_BUILDING = "full"


@dataclass(frozen=True, slots=True)
class Site:
    """Facts that never change while the plants run."""

    units: Mapping[str, int]
    """How many there are of each type."""
    floors: Mapping[str, tuple[str, ...]]
    """The floor of each unit: ``B2``, ``B1``, ``01`` … ``12``, ``R``."""
    zones: Mapping[str, tuple[str, ...]]
    """The zone of each unit: ``CS``, ``N``, …"""
    loads: Mapping[str, tuple[str, ...]]
    """What a meter measures, as the description says it; empty for other plant."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """Numbers of the building as a whole."""

    def where(self, code: str, floor: str = "", zone: str = "") -> NDArray[np.intp]:
        """Units of a type on a floor and in a zone; an empty one means any."""
        places = zip(self.floors[code], self.zones[code], strict=True)
        found = [unit for unit, (f, z) in enumerate(places) if floor in {"", f} and zone in {"", z}]
        return np.array(found, dtype=np.intp)


@cache
def whole_site() -> Site:
    """The site that all plants stand on."""
    building = load_building(WHOLE_BUILDING)
    places: dict[str, list[tuple[str, str, str]]] = {}
    for item in building.equipment:
        floor, zone = item.place.split(".")
        places.setdefault(item.type.code, []).append((floor, zone, item.load))
    return Site(
        units={code: len(rows) for code, rows in places.items()},
        floors={code: tuple(floor for floor, _, _ in rows) for code, rows in places.items()},
        zones={code: tuple(zone for _, zone, _ in rows) for code, rows in places.items()},
        loads={code: tuple(load for _, _, load in rows) for code, rows in places.items()},
        parameters=building.parameters,
    )
