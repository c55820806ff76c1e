"""The car park: traffic, its air, charging stations."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.parking import air, charging, traffic

PLANTS: Final[Mapping[str, Plant]] = {
    "EVSE": Plant(charging.initial, charging.step),
    "PMS": Plant(traffic.initial_site, traffic.step_site),
    "PKZ": Plant(traffic.initial_zone, traffic.step_zone),
    "PKG": Plant(air.initial_detector, air.step_detector),
    "PKF": Plant(air.initial_fan, air.step_fan),
}
"""In the order in which one acts on the next within a step."""
