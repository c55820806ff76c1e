"""Air handling: the rooms and what conditions their air."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.air import (
    air_handler,
    box,
    exhaust,
    fan_coil,
    indoor_air,
    outdoor_air,
    room_cooler,
)
from cityhall_simulators.plants.common import Plant

PLANTS: Final[Mapping[str, Plant]] = {
    "OAH": Plant(outdoor_air.initial, outdoor_air.step),
    "AHU": Plant(air_handler.initial, air_handler.step),
    "VAV": Plant(box.initial, box.step),
    "FCU": Plant(fan_coil.initial, fan_coil.step),
    "EF": Plant(exhaust.initial, exhaust.step),
    "IAQ": Plant(indoor_air.initial, indoor_air.step),
    "PAC": Plant(room_cooler.initial, room_cooler.step),
}
"""In the order in which one acts on the next within a step."""
