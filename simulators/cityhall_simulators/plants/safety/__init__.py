"""Fire protection and security."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.safety import fire

PLANTS: Final[Mapping[str, Plant]] = {
    "FZN": Plant(fire.initial_zone, fire.step_zone),
    "FACP": Plant(fire.initial_panel, fire.step_panel),
    "ACS": Plant(fire.initial_reader, fire.step_reader),
    "SOS": Plant(fire.initial_button, fire.step_button),
}
"""In the order in which one acts on the next within a step."""
