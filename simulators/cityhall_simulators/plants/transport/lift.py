"""Lifts: calls, travel, doors, regeneration; recalled by fire."""

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, full
from cityhall_simulators.plants.safety.fire import burning

_STOPS = np.array([-1.0, 0.0, 1.0, 1.0, 1.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0])
"""Floors that are called: B2 is -1, B1 is 0; 2F and 3F are skipped, the ground floor is called most."""
_RATED_FLOORS_S = 0.5
_DOOR_CYCLE_S = 10.0
_NO_FAULT = 255.0


def initial(units: int) -> Columns:
    """Columns of cars that wait at the ground floor with closed doors."""
    return full(
        units, CarMode=1.0, CarPos=1.0, Dir=2.0, DoorSts=0.0, DriveSts=1.0, FaultSig=_NO_FAULT, LoadPct=0.0,
        AlmBell=0.0, Trips=148_200.0, RunHr=9_870.0, kWh=61_420.0, kWhRegen=17_330.0, _kw=0.6, _target=1.0, _speed=0.0,
        _door_s=0.0, _fault_entrapment=0.0,
    )  # fmt: skip


def step(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """One car moves at a time through: waiting, called, travelling, door cycle."""
    trapped = columns["_fault_entrapment"] > 0.0
    position = _between_floors(columns["CarPos"], trapped)
    target, load, called = _calls(columns, around, dt_s, rng)
    target = np.where(trapped, columns["_target"], target)
    distance = target - position
    may_move = (columns["_door_s"] <= 0.0) & ~trapped & (np.abs(distance) > 1e-6)
    speed = _speed(columns["_speed"], np.abs(distance), may_move, dt_s)
    moved = np.minimum(speed * dt_s, np.abs(distance)) * np.sign(distance)
    arrived = may_move & (np.abs(np.abs(distance) - np.abs(moved)) < 1e-6)
    position = np.where(arrived, target, position + moved)
    door_s = np.where(arrived, _DOOR_CYCLE_S, np.maximum(0.0, columns["_door_s"] - dt_s))
    # A recalled car holds its doors open at the ground floor.
    door_s = np.where(burning(around) & (position == 1.0) & ~may_move, 5.0, door_s)
    power_kw = _power_kw(load, np.sign(distance), may_move)
    return (
        columns
        | _signals(columns, around, door_s, distance, may_move, speed)
        | {
            "CarPos": position,
            "LoadPct": np.where(trapped, np.maximum(load, 18.0), load),
            "Trips": columns["Trips"] + called,
            "RunHr": columns["RunHr"] + may_move * dt_s / 3600.0,
            "kWh": columns["kWh"] + np.maximum(power_kw, 0.0) * dt_s / 3600.0,
            "kWhRegen": columns["kWhRegen"] + np.maximum(-power_kw, 0.0) * dt_s / 3600.0,
            "_kw": power_kw,
            "_target": target,
            "_speed": np.where(arrived | ~may_move, 0.0, speed),
            "_door_s": np.where(trapped, 0.0, door_s),
        }
    )


def _between_floors(position: Column, trapped: Mask) -> Column:
    """An entrapped car stands between two floors, also when it was caught at a landing."""
    at_landing = np.abs(position - np.round(position)) < 0.2
    aside = np.where(position < 12.0, 0.5, -0.5)
    return np.where(trapped & at_landing, np.round(position) + aside, position)


def _calls(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> tuple[Column, Column, Column]:
    """New targets and loads of the cars that were called in this step."""
    units = len(columns["CarPos"])
    stops = _STOPS[rng.integers(0, len(_STOPS), units)]
    loads = np.round(rng.uniform(2.0, 25.0 + 50.0 * around.moment.occupancy, units), 1)
    chance = 1.0 - np.exp(-dt_s / (4.0 + 90.0 * (1.0 - min(around.moment.occupancy, 1.0))))
    waiting = (columns["_door_s"] <= 0.0) & (columns["CarPos"] == columns["_target"])
    called = waiting & (rng.random(units) < chance) & (stops != columns["CarPos"])
    called &= not burning(around)
    called &= columns["_fault_entrapment"] == 0.0
    target = np.where(called, stops, columns["_target"])
    target = np.where(burning(around) & (columns["_door_s"] <= 0.0), 1.0, target)
    load = np.where(called, loads, np.where(waiting, 0.0, columns["LoadPct"]))
    return target, load, called.astype(np.float64)


def _speed(speed: Column, distance: Column, may_move: Mask, dt_s: float) -> Column:
    braking = np.sqrt(0.5 * distance) * 0.7 + 0.04
    faster = np.minimum(speed + 0.25 * max(dt_s, 1e-3), _RATED_FLOORS_S)
    return np.where(may_move, np.minimum(faster, braking), 0.0)


def _power_kw(load_percent: Column, direction: Column, moving: Mask) -> Column:
    """Negative while the drive feeds back; the counterweight balances 45 % of the rated load."""
    torque = (load_percent - 45.0) / 55.0 * direction
    return 0.6 + moving * (1.5 + 9.0 * torque)


def _signals(
    columns: Columns, around: Around, door_s: Column, distance: Column, moving: Mask, speed: Column
) -> Columns:
    trapped = columns["_fault_entrapment"] > 0.0
    shut = np.zeros_like(door_s)
    door = np.select([door_s > 8.0, door_s > 3.0, door_s > 0.0], [shut + 7.0, shut + 1.0, shut + 6.0], shut)
    speeding_up = speed > columns["_speed"] + 1e-9
    drive = np.select([~moving, np.abs(distance) < 0.5, speeding_up], [shut + 1.0, shut + 4.0, shut + 3.0], shut + 5.0)
    return {
        "CarMode": np.full_like(door, 11.0 if burning(around) else 1.0),
        "Dir": np.where(moving, np.where(distance > 0.0, 3.0, 4.0), 2.0),
        "DoorSts": np.where(trapped, 0.0, door),
        "DriveSts": drive,
        "FaultSig": np.where(trapped, 8.0, _NO_FAULT),
        "AlmBell": trapped.astype(np.float64),
    }
