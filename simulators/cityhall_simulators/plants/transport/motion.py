"""Cars that visibly move: within steps of at most a few seconds."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Column, Columns, Mask
from cityhall_simulators.plants.transport.energy import regenerated_part, trip_kwh, used_part
from cityhall_simulators.plants.transport.traffic import GROUND, Traffic

RATED_FLOORS_S: Final = 0.5
_FLOORS_S2: Final = 0.25
_CREEP_FLOORS_S: Final = 0.04
DOOR_CYCLE_S: Final = 10.0
_HELD_OPEN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What each car is told, and what it suffers."""

    carries: Mask
    """Answers calls."""
    homing: Mask
    """Goes to the ground floor and stays."""
    hold_open: bool
    trapped: Mask
    landing: Mask
    """Crawls to the nearest floor and stays."""
    jammed: Mask
    """Its doors do not close."""
    gives_back: Mask
    mode: Column
    fault: Column
    powered: Mask


def move(own: Columns, orders: Orders, now: Traffic, called: tuple[Column, Column], dt_s: float) -> Columns:
    """Motion, doors and energy of one step; ``called`` are stops and loads of cars that start now."""
    stops, loads = called
    position = between_floors(own["CarPos"], orders.trapped)
    free = (own["_door_s"] <= 0.0) & (np.abs(position - own["_target"]) < 1e-6)
    taking = free & orders.carries & (own["_calls"] >= 1.0)
    homing = free & orders.homing & (position != GROUND)
    starting = taking | homing
    target = np.where(taking, stops, np.where(homing, GROUND, own["_target"]))
    target = np.where(orders.landing, np.rint(position), target)
    load = np.where(taking, loads, np.where(free, 0.0, own["LoadPct"]))
    trip = _trip(own, now, starting, (position, target, load))
    distance = np.abs(target - position)
    at_landing = np.abs(position - np.rint(position)) < 1e-6
    stuck = orders.trapped | (orders.jammed & at_landing)
    may_move = (own["_door_s"] <= 0.0) & ~stuck & (distance > 1e-6)
    speed = _speed(own["_speed"], distance, may_move, dt_s)
    moved = np.minimum(speed * dt_s, distance)
    arrived = may_move & (distance - moved < 1e-6)
    door_s = np.where(arrived, DOOR_CYCLE_S, np.maximum(own["_door_s"] - dt_s, 0.0))
    position = np.where(arrived, target, position + moved * np.sign(target - position))
    door_s = np.where(orders.hold_open & (position == GROUND) & ~may_move, _HELD_OPEN_S, door_s)
    return trip | {
        "CarPos": position,
        "LoadPct": load,
        "Trips": own["Trips"] + starting,
        "RunHr": own["RunHr"] + may_move * (dt_s / 3600.0),
        "_calls": own["_calls"] - taking,
        "_target": target,
        "_speed": np.where(arrived | ~may_move, 0.0, speed),
        "_door_s": np.where(orders.trapped, 0.0, door_s),
        **_energy_on_the_way(trip, distance, moved),
    }


def between_floors(position: Column, trapped: Mask) -> Column:
    """An entrapped car stands between two floors, also when it was caught at a landing."""
    at_landing = np.abs(position - np.rint(position)) < 0.2
    aside = np.where(position < 12.0, 0.5, -0.5)
    return np.where(trapped & at_landing, np.rint(position) + aside, position)


def way_behind(trip: Columns, distance: Column) -> Column:
    """Part of its trip that a car has behind it when ``distance`` is left."""
    return np.clip(1.0 - distance / trip["_trip_floors"], 0.0, 1.0)


def _trip(own: Columns, now: Traffic, starting: Mask, journey: tuple[Column, Column, Column]) -> Columns:
    """Length and energy of the trip that each car is on."""
    position, target, load = journey
    floors = np.abs(target - position)
    used_kwh, back_kwh = trip_kwh(floors, load, np.sign(target - position), now.ground)
    return {
        "_trip_floors": np.where(starting, np.maximum(floors, 1e-6), own["_trip_floors"]),
        "_trip_kwh": np.where(starting, used_kwh, own["_trip_kwh"]),
        "_trip_back_kwh": np.where(starting, back_kwh, own["_trip_back_kwh"]),
    }


def _energy_on_the_way(trip: Columns, distance: Column, moved: Column) -> Columns:
    before, after = way_behind(trip, distance), way_behind(trip, distance - moved)
    return {
        "_used_kwh": trip["_trip_kwh"] * (used_part(after) - used_part(before)),
        "_back_kwh": trip["_trip_back_kwh"] * (regenerated_part(after) - regenerated_part(before)),
    }


def _speed(speed: Column, distance: Column, may_move: Mask, dt_s: float) -> Column:
    braking = np.sqrt(0.5 * distance) * 0.7 + _CREEP_FLOORS_S
    faster = np.minimum(speed + _FLOORS_S2 * dt_s, RATED_FLOORS_S)
    return np.where(may_move, np.minimum(faster, braking), 0.0)
