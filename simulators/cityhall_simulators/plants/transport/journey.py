"""Trips that are over within a step of minutes: counted, not watched."""

import numpy as np

from cityhall_simulators.plants.common import Column, Columns
from cityhall_simulators.plants.transport.energy import mean_trip_kwh, regenerated_part, used_part
from cityhall_simulators.plants.transport.motion import (
    DOOR_CYCLE_S,
    RATED_FLOORS_S,
    Orders,
    between_floors,
    way_behind,
)
from cityhall_simulators.plants.transport.traffic import GROUND, Traffic, load_percent, mean_floors, next_stops

_STARTING_AND_BRAKING_S = 4.0
_OPENED_S = 5.0


def journeys(own: Columns, orders: Orders, now: Traffic, dice: Column, dt_s: float) -> Columns:
    """Counts of a step and where the cars are found after it: always at a landing, unless somebody is trapped."""
    travel_s = mean_floors(now.ground) / RATED_FLOORS_S + _STARTING_AND_BRAKING_S
    served = np.minimum(own["_calls"], np.floor(dt_s / (travel_s + DOOR_CYCLE_S)))
    under_way = (np.abs(own["_target"] - own["CarPos"]) > 1e-6) & ~orders.trapped
    behind = way_behind(own, np.abs(own["_target"] - own["CarPos"]))
    used_kwh, back_kwh = mean_trip_kwh(now)
    found = np.where(served > 0.0, next_stops(own["CarPos"], now.ground, dice[0]), np.rint(own["_target"]))
    found = np.where(orders.homing, GROUND, found)
    position = between_floors(np.where(orders.trapped, own["CarPos"], found), orders.trapped)
    opened = (dice[2] < served * DOOR_CYCLE_S / dt_s) | (orders.hold_open & (position == GROUND))
    load = load_percent(now.way, now.fill, np.where(dice[2] < 0.5, 1.0, -1.0), dice[1])
    return {
        "CarPos": position,
        "LoadPct": np.where(orders.trapped, own["LoadPct"], np.where(opened & (served > 0.0), load, 0.0)),
        "Trips": own["Trips"] + served,
        "RunHr": own["RunHr"] + (served + under_way * (1.0 - behind)) * (travel_s / 3600.0),
        "_calls": own["_calls"] - served,
        "_target": np.where(orders.trapped, own["_target"], position),
        "_speed": np.zeros_like(position),
        "_door_s": np.where(opened & ~orders.trapped, _OPENED_S, 0.0),
        "_trip_floors": own["_trip_floors"],
        "_trip_kwh": np.where(orders.trapped, own["_trip_kwh"], 0.0),
        "_trip_back_kwh": np.where(orders.trapped, own["_trip_back_kwh"], 0.0),
        "_used_kwh": served * used_kwh + under_way * own["_trip_kwh"] * (1.0 - used_part(behind)),
        "_back_kwh": served * back_kwh + under_way * own["_trip_back_kwh"] * (1.0 - regenerated_part(behind)),
    }
