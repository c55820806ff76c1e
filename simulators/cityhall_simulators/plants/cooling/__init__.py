"""Chilled and condenser water: chillers, pumps, towers, headers."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.cooling import centrifugal, condenser, headers, primary, screw, secondary, tower

PLANTS: Final[Mapping[str, Plant]] = {
    "PCHP": Plant(primary.initial, primary.step),
    "SCHP": Plant(secondary.initial, secondary.step),
    "CWP": Plant(condenser.initial, condenser.step),
    "CT": Plant(tower.initial, tower.step),
    "CHC": Plant(centrifugal.initial, centrifugal.step),
    "CHS": Plant(screw.initial, screw.step),
    "PLT": Plant(headers.initial, headers.step),
}
"""In the order in which one acts on the next within a step."""
