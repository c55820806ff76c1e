"""Control network and telephones."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.networks import plants

PLANTS: Final[Mapping[str, Plant]] = {
    "ICT": Plant(plants.initial_controller, plants.step_controller),
    "PBX": Plant(plants.initial_exchange, plants.step_exchange),
}
"""In the order in which one acts on the next within a step."""
