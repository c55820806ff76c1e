"""The car park: traffic, its air, charging stations."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.parking import charging, traffic

PLANTS: Final[Mapping[str, Plant]] = {
    "EVSE": Plant(charging.initial, charging.step),
    "PMS": Plant(traffic.initial_site, traffic.step_site),
    "PKG": Plant(traffic.initial_detector, traffic.step_detector),
    "PKF": Plant(traffic.initial_fan, traffic.step_fan),
}
"""In the order in which one acts on the next within a step."""
