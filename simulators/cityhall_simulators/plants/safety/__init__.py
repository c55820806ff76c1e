"""Fire protection and security."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Plant
from cityhall_simulators.plants.safety import calls, extinguishing, fire, security, smoke

PLANTS: Final[Mapping[str, Plant]] = {
    "FZN": Plant(fire.initial_zone, fire.step_zone),
    "FOM": Plant(extinguishing.initial_foam, extinguishing.step_foam),
    "ACV": Plant(extinguishing.initial_valve, extinguishing.step_valve),
    "FPP": Plant(extinguishing.initial_pump, extinguishing.step_pump),
    "EOL": Plant(extinguishing.initial_end, extinguishing.step_end),
    "FACP": Plant(fire.initial_panel, fire.step_panel),
    "FSH": Plant(smoke.initial_shutter, smoke.step_shutter),
    "SMK": Plant(smoke.initial_fan, smoke.step_fan),
    "PAA": Plant(calls.initial_address, calls.step_address),
    "ACS": Plant(security.initial_door, security.step_door),
    "CAM": Plant(security.initial_camera, security.step_camera),
    "NVR": Plant(security.initial_recorder, security.step_recorder),
    "IDS": Plant(security.initial_loop, security.step_loop),
    "ICM": Plant(calls.initial_intercom, calls.step_intercom),
    "SOS": Plant(calls.initial_button, calls.step_button),
}
"""In the order in which one acts on the next within a step."""
