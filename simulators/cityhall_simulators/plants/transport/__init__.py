"""Lifts and escalators."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.transport import escalators, lifts

PLANTS: Final[Mapping[str, Plant]] = {
    "ELV": Plant(lifts.initial, lifts.step),
    "ESC": Plant(escalators.initial, escalators.step),
}
"""In the order in which one acts on the next within a step."""
