"""What keeps fire and smoke away: shutters and smoke exhaust fans, both started by the fire panel."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, full, sound
from cityhall_simulators.plants.safety.fire import ALARM, alarm_on_levels
from cityhall_simulators.plants.safety.places import fans_of_zones, level_of

_OPEN, _CLOSED, _MID = 0.0, 1.0, 2.0
_TRAVEL_S: Final = 30.0
_FAN_KW: Final = 15.0


def initial_shutter(units: int) -> Columns:
    """Columns of open shutters that passed their last test."""
    return full(units, Pos=_OPEN, TripAlm=0.0, TestRes=0.0, _down=0.0) | sound(units, "closed", "stuck", "trip")


def initial_fan(units: int) -> Columns:
    """Columns of fans at rest, ready."""
    return full(units, RunSts=0.0, TripAlm=0.0, AutoPos=1.0, _kw=0.0) | sound(units, "manual", "trip")


def step_shutter(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Down by gravity while its level is in alarm, up again by motor; a tripped motor lifts nothing."""
    wanted = np.maximum(alarm_on_levels(around)[level_of("FSH")], columns["_fault_closed"])
    wanted = np.where(columns["_fault_stuck"] > 0.0, 0.5, wanted)
    reach = dt_s / _TRAVEL_S
    lift = reach * (1.0 - columns["_fault_trip"]) * around.supply.normal
    down = columns["_down"] + np.clip(wanted - columns["_down"], -lift, reach)
    return columns | {
        "Pos": np.where(down <= 0.0, _OPEN, np.where(down >= 1.0, _CLOSED, _MID)),
        "TripAlm": columns["_fault_trip"],
        "_down": down,
    }


def step_fan(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Run while a zone that they serve is in alarm."""
    called = np.minimum((around.plants["FZN"]["State"] == ALARM).astype(np.float64) @ fans_of_zones(), 1.0)
    automatic, sound_motor = 1.0 - columns["_fault_manual"], 1.0 - columns["_fault_trip"]
    running = called * automatic * sound_motor * around.supply.essential
    return columns | {
        "RunSts": running,
        "TripAlm": columns["_fault_trip"],
        "AutoPos": automatic,
        "_kw": _FAN_KW * running,
    }
