"""Electricity: what is switched on, the tree of meters, panels and transformers over it, emergency power.

Loads come first, then the tree from its leaves to the utility, last what stands by for it.
"""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.power import (
    appliances,
    batteries,
    distribution,
    generators,
    lighting,
    meters,
    switchgear,
)

PLANTS: Final[Mapping[str, Plant]] = {
    "LTG": Plant(lighting.initial, lighting.step),
    "AVR": Plant(appliances.initial_room, appliances.step_room),
    "DWS": Plant(appliances.initial_washer, appliances.step_washer),
    "PV": Plant(appliances.initial_solar, appliances.step_solar),
    "UPS": Plant(batteries.initial_ups, batteries.step_ups),
    "BAT": Plant(batteries.initial_string, batteries.step_string),
    "EM": Plant(meters.initial_sub, meters.step_sub),
    "LVP": Plant(distribution.initial_panel, distribution.step_panel),
    "CAP": Plant(distribution.initial_bank, distribution.step_bank),
    "TR": Plant(distribution.initial_transformer, distribution.step_transformer),
    "HVM": Plant(meters.initial_main, meters.step_main),
    "GIS": Plant(switchgear.initial_bay, switchgear.step_bay),
    "GEN": Plant(generators.initial_generator, generators.step_generator),
    "FTK": Plant(generators.initial_tank, generators.step_tank),
    "ATS": Plant(switchgear.initial_transfer, switchgear.step_transfer),
}
"""In the order in which one acts on the next within a step."""
