"""Escalators: one up and one down on each floor, by the hours of the building."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, full, sound
from cityhall_simulators.plants.safety.fire import burning
from cityhall_simulators.plants.water.cycle import part_within

SERVICE_HOURS: Final = (7.5, 19.0)
_STOP, _UP, _DOWN = 1.0, 2.0, 3.0
_NO_FAULT, _DRIVE, _OVERSPEED = 255.0, 1.0, 3.0
_EMPTY_KW, _FULL_KW, _CONTROLLER_KW = 3.4, 1.8, 0.1


def initial(units: int) -> Columns:
    """Columns of escalators at rest."""
    return (
        full(units, Mode=_STOP, Dir=2.0, FaultSig=_NO_FAULT, StopBtn=0.0, _kw=0.0)
        | {"RunHr": np.linspace(41_200.0, 42_100.0, units), "kWh": np.linspace(168_000.0, 174_300.0, units)}
        | sound(units, "button", "overspeed", "drive")
    )


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """The first of a floor goes up, the second down; button, fault, fire and darkness stop it."""
    moment = around.moment
    upwards = np.arange(len(own["Mode"])) % 2 == 0
    pressed, fast, drive = own["_fault_button"] > 0.0, own["_fault_overspeed"] > 0.0, own["_fault_drive"] > 0.0
    allowed = ~(pressed | fast | drive) & moment.workday & (around.supply.normal > 0.0) & (not burning(around))
    running = allowed & (SERVICE_HOURS[0] <= moment.hour < SERVICE_HOURS[1])
    part = allowed * part_within(moment.hour, dt_s, *SERVICE_HOURS)
    riders = np.where(upwards, 1.0, -0.3) * min(moment.occupancy, 1.0)
    kw = part * (_EMPTY_KW + _FULL_KW * riders) + _CONTROLLER_KW * around.supply.normal
    return own | {
        "Mode": np.where(running, np.where(upwards, _UP, _DOWN), _STOP),
        "Dir": np.where(running, np.where(upwards, 3.0, 4.0), 2.0),
        "FaultSig": np.where(fast, _OVERSPEED, np.where(drive, _DRIVE, _NO_FAULT)),
        "StopBtn": pressed.astype(np.float64),
        "RunHr": own["RunHr"] + part * (dt_s / 3600.0),
        "kWh": own["kWh"] + kw * (dt_s / 3600.0),
        "_kw": kw,
    }
