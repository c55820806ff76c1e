"""Where safety plant stands: levels, panels, and which smoke fans serve which zone."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Column
from cityhall_simulators.plants.site import whole_site

LEVELS: Final = ("B2", "B1", *(f"{number:02d}" for number in range(1, 13)), "R")

# A fire zone draws on the fans above it and on those of the corners that it touches.
_FANS_OF_ZONE: Final = {
    "E": {"E", "NE", "SE"},
    "W": {"W", "NW", "SW"},
    "N": {"N", "NE", "NW"},
    "S": {"S", "SE", "SW"},
    "CN": {"CN", "CS"},
}


@cache
def level_of(code: str) -> NDArray[np.intp]:
    """For each unit of a type, the place of its floor among the levels."""
    return np.array([LEVELS.index(floor) for floor in whole_site().floors[code]], dtype=np.intp)


@cache
def panel_of(code: str) -> NDArray[np.intp]:
    """The fire panel that hears a unit: the first one has the floors, the second the basements."""
    return np.array([int(floor.startswith("B")) for floor in whole_site().floors[code]], dtype=np.intp)


@cache
def fans_of_zones() -> Column:
    """1.0 where a fire zone (row) starts a smoke fan (column)."""
    site = whole_site()
    return np.array([[float(fan in _FANS_OF_ZONE[zone]) for fan in site.zones["SMK"]] for zone in site.zones["FZN"]])
