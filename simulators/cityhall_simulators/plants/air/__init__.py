"""Air handling: the rooms and what conditions their air."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.air import air_handler, indoor_air
from cityhall_simulators.plants.common import Plant

PLANTS: Final[Mapping[str, Plant]] = {
    "AHU": Plant(air_handler.initial, air_handler.step),
    "IAQ": Plant(indoor_air.initial, indoor_air.step),
}
"""In the order in which one acts on the next within a step."""
