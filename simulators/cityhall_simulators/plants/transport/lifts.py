"""Lifts: calls wait for a free car, it travels, its doors open. Steps of seconds move cars, longer ones count trips."""

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, full, sound
from cityhall_simulators.plants.safety.fire import burning
from cityhall_simulators.plants.transport.energy import IN_SERVICE_KW, STANDBY_KW
from cityhall_simulators.plants.transport.journey import journeys
from cityhall_simulators.plants.transport.motion import Orders, move
from cityhall_simulators.plants.transport.traffic import (
    cars,
    load_percent,
    moving_without_utility,
    next_stops,
    serving,
    traffic,
)

_VISIBLE_STEP_S = 5.0
_NO_FAULT = 255.0
_BETWEEN, _DOOR_CLOSING, _DRIVE = 8.0, 6.0, 1.0
_NORMAL, _PARKING, _EMERGENCY_POWER, _FIRE, _OUT_OF_SERVICE = 1.0, 4.0, 7.0, 11.0, 12.0


def initial(units: int) -> Columns:
    """Columns of cars that wait at the ground floor with closed doors; only some have regenerative drives."""
    unit = np.arange(units)
    return (
        full(units, CarMode=1.0, CarPos=1.0, Dir=2.0, DoorSts=0.0, DriveSts=1.0, FaultSig=_NO_FAULT, LoadPct=0.0)
        | full(units, AlmBell=0.0, _kw=IN_SERVICE_KW, _calls=0.0, _target=1.0, _speed=0.0, _door_s=0.0)
        | full(units, _trip_floors=1.0, _trip_kwh=0.0, _trip_back_kwh=0.0, _used_kwh=0.0, _back_kwh=0.0)
        | {
            "Trips": np.floor(1_480_200.0 * (1.0 + 0.01 * unit)),
            "RunHr": 9_870.0 * (1.0 + 0.01 * unit),
            "kWh": np.floor(361_420.0 * (1.0 + 0.01 * unit)),
            "kWhRegen": np.where(cars().regenerative, np.floor(7_330.0 * (1.0 + 0.01 * unit)), 0.0),
        }
        | sound(units, "entrapment", "door", "drive", "no_regen", "out_of_service")
    )


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Columns after a step; energy and trips of many short steps equal those of one long one, on average."""
    now = traffic(around.moment, dt_s)
    orders = _orders(own, around)
    # Drawn for every car whatever its state, so that a fault leaves the chance of all others alone.
    arriving = rng.poisson(now.trips_per_h * (dt_s / 3600.0)).astype(np.float64)
    dice = rng.random((3, len(arriving)))
    calls = np.where(orders.carries, own["_calls"] + arriving, 0.0)
    if dt_s <= _VISIBLE_STEP_S:
        stops = next_stops(own["CarPos"], now.ground, dice[0])
        loads = load_percent(now.way, now.fill, np.sign(stops - own["CarPos"]), dice[1])
        changed = move(own | {"_calls": calls}, orders, now, (stops, loads), dt_s)
    else:
        changed = journeys(own | {"_calls": calls}, orders, now, dice, dt_s)
    return own | changed | _signals(own, orders, changed) | _energy(own, around, orders, changed, dt_s)


def _orders(own: Columns, around: Around) -> Orders:
    trapped = own["_fault_entrapment"] > 0.0
    out, drive = own["_fault_out_of_service"] > 0.0, own["_fault_drive"] > 0.0
    powered, fire = moving_without_utility(around), burning(around)
    in_service = serving(around.moment)
    broken = trapped | drive | (own["_fault_door"] > 0.0)
    homing = out | ~in_service | fire
    return Orders(
        carries=~broken & ~homing & powered,
        homing=homing & ~broken & powered,
        hold_open=fire,
        trapped=trapped,
        landing=(drive | ~powered) & ~trapped,
        jammed=(own["_fault_door"] > 0.0) & ~trapped,
        gives_back=own["_fault_no_regen"] == 0.0,
        mode=_mode(out, in_service, fire=fire, utility=around.supply.normal > 0.0),
        fault=np.where(trapped, _BETWEEN, np.where(drive, _DRIVE, np.where(broken, _DOOR_CLOSING, _NO_FAULT))),
        powered=powered,
    )


def _mode(out: Mask, in_service: Mask, *, fire: bool, utility: bool) -> Column:
    if fire:
        return np.where(out, _OUT_OF_SERVICE, _FIRE)
    if not utility:
        return np.where(out, _OUT_OF_SERVICE, _EMERGENCY_POWER)
    return np.where(out, _OUT_OF_SERVICE, np.where(in_service, _NORMAL, _PARKING))


def _signals(own: Columns, orders: Orders, changed: Columns) -> Columns:
    """What the controller reports."""
    door_s, moving = changed["_door_s"], changed["_speed"] > 0.0
    ahead = changed["_target"] - changed["CarPos"]
    opened = np.where(door_s > 3.0, 1.0, np.where(door_s > 0.0, 6.0, 0.0))
    door = np.where(door_s > 8.0, 7.0, opened)
    quicker = changed["_speed"] > own["_speed"] + 1e-9
    drive = np.where(np.abs(ahead) < 0.5, 4.0, np.where(quicker, 3.0, 5.0))
    return {
        "CarMode": orders.mode,
        "Dir": np.where(moving, np.where(ahead > 0.0, 3.0, 4.0), 2.0),
        "DoorSts": np.where(orders.trapped, 0.0, np.where(orders.jammed & ~moving, 3.0, door)),
        "DriveSts": np.where(moving, drive, 1.0),
        "FaultSig": orders.fault,
        "LoadPct": np.where(orders.trapped, np.maximum(changed["LoadPct"], 18.0), changed["LoadPct"]),
        "AlmBell": orders.trapped.astype(np.float64),
    }


def _energy(own: Columns, around: Around, orders: Orders, changed: Columns, dt_s: float) -> Columns:
    """Counters: use with standby, and what drives gave back; power is the difference."""
    standby_kw = np.where(serving(around.moment), IN_SERVICE_KW, STANDBY_KW) * orders.powered
    used_kwh = changed["_used_kwh"] + standby_kw * dt_s / 3600.0
    back_kwh = changed["_back_kwh"] * orders.gives_back
    return {
        "kWh": own["kWh"] + used_kwh,
        "kWhRegen": own["kWhRegen"] + back_kwh,
        "_kw": (used_kwh - back_kwh) * 3600.0 / dt_s,
    }
