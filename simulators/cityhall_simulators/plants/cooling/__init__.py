"""Chilled and condenser water: chillers, pumps, towers, headers."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.cooling import chiller

PLANTS: Final[Mapping[str, Plant]] = {
    "CHC": Plant(chiller.initial, chiller.step),
}
"""In the order in which one acts on the next within a step."""
