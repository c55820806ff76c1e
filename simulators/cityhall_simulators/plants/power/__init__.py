"""Electricity: supply, meters, distribution, emergency power."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.power import distribution, meters

PLANTS: Final[Mapping[str, Plant]] = {
    "EM": Plant(meters.initial_sub, meters.step_sub),
    "HVM": Plant(meters.initial_main, meters.step_main),
    "TR": Plant(distribution.initial_transformer, distribution.step_transformer),
    "LVP": Plant(distribution.initial_panel, distribution.step_panel),
}
"""In the order in which one acts on the next within a step."""
