"""Water: inlets, tanks, pumps, rain, dispensers."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.water import supply

PLANTS: Final[Mapping[str, Plant]] = {
    "TNK": Plant(supply.initial_tank, supply.step_tank),
    "WM": Plant(supply.initial_meter, supply.step_meter),
}
"""In the order in which one acts on the next within a step."""
