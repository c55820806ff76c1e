"""Doors, intrusion loops, cameras and their recorders. Batteries carry all of them through a power failure."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Around, Columns, full, lag, slow_noise, sound
from cityhall_simulators.plants.safety.passing import left_s
from cityhall_simulators.plants.site import whole_site

_FORCED, _HELD, _TAMPER = 1.0, 2.0, 3.0
_DOOR_S, _PASSES_PER_H, _HELD_AFTER_S = 6.0, 80.0, 30.0
"""A passage, how many there are at one door at full occupancy, when a door that stays open is reported."""
_ARMED_FROM_H, _ARMED_TO_H = 22.0, 6.5
_DISK_PERCENT, _DISK_SWING, _DISK_PERIOD_S, _DISK_FULL = 84.0, 1.0, 5.0 * 86_400.0, 97.0
_POLICY_DAYS, _SHORT_DAYS = 31.0, 24.0
_DISK_TAU_S: Final = 60.0


def initial_door(units: int) -> Columns:
    """Columns of closed, locked doors."""
    closed = full(units, DoorSts=0.0, LockSts=1.0, AlmSts=0.0, _open_s=0.0, _held_s=0.0)
    return closed | sound(units, "forced", "held", "tamper")


def initial_loop(units: int) -> Columns:
    """Columns of disarmed loops."""
    return full(units, Alarm=0.0, Armed=0.0, Tamper=0.0) | sound(units, "intrusion", "tamper")


def initial_camera(units: int) -> Columns:
    """Columns of cameras that record."""
    return full(units, Online=1.0, RecSts=1.0) | sound(units, "offline")


def initial_recorder(units: int) -> Columns:
    """Columns of recorders with room on their disks."""
    return full(units, DiskPct=_DISK_PERCENT, RecDays=_POLICY_DAYS, ChLoss=0.0, TempC=41.0) | sound(
        units, "disk", "channel", "short"
    )


def step_door(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """People pass now and then; a forced door stands open though locked, a held one is reported after a while."""
    open_s = left_s(columns["_open_s"], _PASSES_PER_H * around.moment.occupancy, _DOOR_S, dt_s, rng)
    forced, held = columns["_fault_forced"] > 0.0, columns["_fault_held"] > 0.0
    held_s = np.where(held, columns["_held_s"] + dt_s, 0.0)
    alarm = np.where(held_s >= _HELD_AFTER_S, _HELD, 0.0)
    alarm = np.where(forced, _FORCED, alarm)
    passing = (open_s > 0.0) | held
    return columns | {
        "_open_s": open_s,
        "_held_s": held_s,
        "DoorSts": (forced | passing).astype(np.float64),
        "LockSts": (forced | ~passing).astype(np.float64),
        "AlmSts": np.where(columns["_fault_tamper"] > 0.0, _TAMPER, alarm),
    }


def step_loop(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Armed at night and on days off; only an armed loop rings when somebody breaks in."""
    moment = around.moment
    armed = float(not moment.workday or moment.hour >= _ARMED_FROM_H or moment.hour < _ARMED_TO_H)
    return columns | {
        "Armed": np.full_like(columns["Armed"], armed),
        "Alarm": columns["_fault_intrusion"] * armed,
        "Tamper": columns["_fault_tamper"],
    }


def step_camera(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """One that is lost is not recorded either."""
    online = 1.0 - columns["_fault_offline"]
    return columns | {"Online": online, "RecSts": online}


def step_recorder(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Writes in a ring, so its disk stays at one level; lost are the channels of its cameras that are off line."""
    units = len(columns["DiskPct"])
    epoch_s = around.moment.epoch_s
    usual = _DISK_PERCENT + _DISK_SWING * np.sin(2.0 * np.pi * epoch_s / _DISK_PERIOD_S + np.arange(units))
    disk = np.where(columns["_fault_disk"] > 0.0, _DISK_FULL, usual)
    lost = np.bincount(_recorder_of_camera(units), weights=1.0 - around.plants["CAM"]["Online"], minlength=units)
    return columns | {
        "DiskPct": lag(columns["DiskPct"], disk, dt_s, _DISK_TAU_S),
        "RecDays": np.where(columns["_fault_short"] > 0.0, _SHORT_DAYS, _POLICY_DAYS),
        "ChLoss": lost + columns["_fault_channel"],
        "TempC": 41.0 + 0.6 * slow_noise(epoch_s, 21.0, units),
    }


@cache
def _recorder_of_camera(recorders: int) -> NDArray[np.intp]:
    return np.arange(whole_site().units["CAM"]) % recorders
