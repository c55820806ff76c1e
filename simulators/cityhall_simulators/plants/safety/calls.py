"""What people press, say and hear: call buttons, intercoms, public address."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, full, sound
from cityhall_simulators.plants.safety.fire import alarm_on_levels
from cityhall_simulators.plants.safety.passing import left_s
from cityhall_simulators.plants.safety.places import level_of

_CALL_S: Final = 45.0
_CALLS_PER_H: Final = 1.5
"""At one intercom in the busiest hour."""


def initial_button(units: int) -> Columns:
    """Columns of buttons that nobody presses."""
    return full(units, Pressed=0.0, Fault=0.0) | sound(units, "pressed", "broken")


def initial_intercom(units: int) -> Columns:
    """Columns of intercoms on line."""
    return full(units, Online=1.0, CallActive=0.0, _call_s=0.0) | sound(units, "offline")


def initial_address(units: int) -> Columns:
    """Columns of loudspeaker zones in order."""
    return full(units, ZoneSts=1.0, AmpFault=0.0, EmgMode=0.0) | sound(units, "amplifier")


def step_button(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Pressed until it is reset."""
    return columns | {"Pressed": columns["_fault_pressed"], "Fault": columns["_fault_broken"]}


def step_intercom(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Visitors call now and then; one that is off line carries no call."""
    call_s = left_s(columns["_call_s"], _CALLS_PER_H * around.moment.visitors, _CALL_S, dt_s, rng)
    online = 1.0 - columns["_fault_offline"]
    return columns | {"_call_s": call_s, "Online": online, "CallActive": (call_s > 0.0) * online}


def step_address(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """A level in alarm hears the evacuation message; batteries carry it."""
    return columns | {"AmpFault": columns["_fault_amplifier"], "EmgMode": alarm_on_levels(around)[level_of("PAA")]}
