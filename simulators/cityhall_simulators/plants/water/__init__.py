"""Water: dispensers, rain, meters, pumps, tanks."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.water import dispensers, lifting, meters, rain, sumps, tanks

PLANTS: Final[Mapping[str, Plant]] = {
    "HWD": Plant(dispensers.initial, dispensers.step),
    "RWS": Plant(rain.initial, rain.step),
    "WM": Plant(meters.initial, meters.step),
    "WPP": Plant(lifting.initial, lifting.step),
    "SMP": Plant(sumps.initial, sumps.step),
    "TNK": Plant(tanks.initial, tanks.step),
}
"""In the order in which one acts on the next within a step."""
