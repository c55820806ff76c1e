"""Lifts and escalators."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.transport import lift

PLANTS: Final[Mapping[str, Plant]] = {
    "ELV": Plant(lift.initial, lift.step),
}
"""In the order in which one acts on the next within a step."""
