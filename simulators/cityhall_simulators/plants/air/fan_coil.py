"""Fan coil units: a room of the core or the basement, three fan speeds, a chilled-water valve."""

from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.air import coil, core, places, room
from cityhall_simulators.plants.air.moist import KWH_M3_K
from cityhall_simulators.plants.common import Around, Column, Columns, free, full, held, sound
from cityhall_simulators.plants.site import whole_site

_ROOM: Final = room.Room(air_kwh_k=0.35, mass_kwh_k=25.0, mass_kw_k=0.6)
_NEIGHBOUR_KW_K: Final = 0.25
_OUTDOOR_KW_K, _REST_AREA_KW_K = 0.02, 0.15
_NIGHT_KW, _DAY_KW = 0.5, 5.5
_FLOW_M3_H: Final = np.array([0.0, 1_200.0, 1_700.0, 2_200.0])
_FAN_KW: Final = np.array([0.0, 0.10, 0.16, 0.25])
_EFFECTIVENESS: Final = 0.75
_LATENT: Final = 1.25
"""Total over sensible heat of a small wet coil (ASHRAE: sensible heat ratio 0.80)."""
_HEATER_KW: Final = 4.0
_OFF, _COOLING, _FAN_ONLY, _HEATING = 0.0, 1.0, 2.0, 3.0
_HIGH: Final = 3.0
_RESTS_BELOW_K, _WORKS_ABOVE_K = 1.2, 0.4
"""A room this far below its set point needs no fan until it is warmer than the second."""
_FULL_ABOVE, _ENOUGH_ABOVE = 0.85, 0.45
"""The next speed is taken from this part of what a coil can do; it is left when the lower one does it easily."""
_BLOCKED: Final = 0.4
"""Part of its flow that a unit keeps whose room is too hot."""
_HOT_KW_K: Final = 1.5


@cache
def _outdoor_kw_k() -> Column:
    """The rest area in the north of 1F has windows, rooms in the core have none."""
    zones = np.array(whole_site().zones["FCU"])
    return np.where(zones == "N", _REST_AREA_KW_K, _OUTDOOR_KW_K).astype(np.float64)


def initial(units: int) -> Columns:
    """Columns of units that are switched off, in rooms at their set point."""
    columns = full(
        units, RunSts=0.0, ZoneT=25.8, ZoneSP=26.0, FanSpd=0.0, VlvCmd=0.0, ModeCmd=0.0, _mass_t=25.8, _speed=_HIGH,
        _resting=0.0, _kw=0.0, _coil_kw=0.0,
    )  # fmt: skip
    faults = sound(units, "hot", "overcooled", "heating", "schedule")
    return columns | faults | free(units, "FanSpd", "VlvCmd", "ModeCmd")


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Hold the room at its set point with speed and valve while the building is in use."""
    air, overcooled = own["ZoneT"], own["_fault_overcooled"]
    load = _load(own, around)
    set_t = core.set_points(own["ZoneSP"], around, 0.3) - 0.2
    wanted, mean_t = room.wanted_kw(_ROOM, air, own["_mass_t"], load, set_t, dt_s)
    water_t, water_part = coil.chilled_water(around)
    modes = _modes(own, around)
    resting = np.where(air < set_t - _RESTS_BELOW_K, 1.0, own["_resting"] * (air < set_t - _WORKS_ABOVE_K))
    per_flow = _EFFECTIVENESS * KWH_M3_K * (1.0 - (1.0 - _BLOCKED) * own["_fault_hot"])
    per_flow *= np.maximum(1e-3, mean_t - water_t)
    speed = _speed(own["_speed"], wanted / per_flow)
    asked = speed * np.maximum(1.0 - resting, modes > _COOLING)
    asked = np.where(overcooled + own["_fault_heating"] > 0.0, _HIGH, asked)
    fan = held(own, "FanSpd", asked * (modes > _OFF))
    running = (modes > _OFF) * (fan > 0.0) * around.supply.normal
    blown = fan.astype(np.intp)
    able_kw = per_flow * _FLOW_M3_H[blown] * running
    heated_kw = _HEATER_KW * running * (modes == _HEATING)
    valve = _valve(own, wanted + heated_kw, able_kw, modes, water_part)
    cooled_kw = able_kw * coil.effect_of(valve / 100.0 * water_part)
    lost = room.Load(load.kw - cooled_kw + heated_kw, load.kw_k)
    air_t, mass_t = room.after(_ROOM, air, own["_mass_t"], lost, dt_s)
    return own | {
        "RunSts": running,
        "ZoneT": air_t,
        "FanSpd": fan,
        "VlvCmd": valve,
        "ModeCmd": modes,
        "_mass_t": mass_t,
        # It starts at high speed: a room that has stood all night is to be cool soon.
        "_speed": np.where(modes > _OFF, speed, _HIGH),
        "_resting": resting,
        "_kw": _FAN_KW[blown] * running + heated_kw,
        "_coil_kw": _LATENT * cooled_kw,
    }


def _load(own: Columns, around: Around) -> room.Load:
    """People and lamps, the zones or the ground around, and through a fault the hot air of a plant room."""
    moment, zone_t = around.moment, around.plants["AHU"]["RAT"]
    east, west, basement = places.fan_coil_handlers()
    beside_t = np.where(basement, core.GROUND_T, 0.5 * (zone_t[east] + zone_t[west]))
    gain_kw = core.own_gain(len(basement)) * (_NIGHT_KW + _DAY_KW * moment.occupancy)
    hot_kw_k = _HOT_KW_K * own["_fault_hot"]
    kw = gain_kw + _NEIGHBOUR_KW_K * beside_t + _outdoor_kw_k() * moment.outdoor_t + hot_kw_k * core.HOT_T
    return room.Load(kw, _NEIGHBOUR_KW_K + _outdoor_kw_k() + hot_kw_k)


def _modes(own: Columns, around: Around) -> Column:
    # Left on after hours, it blows without cooling: nobody makes cold water for it.
    due = _COOLING if around.moment.air_conditioning else _FAN_ONLY * own["_fault_schedule"]
    return held(own, "ModeCmd", np.where(own["_fault_heating"] > 0.0, _HEATING, due))


def _speed(before: Column, needed_m3_h: Column) -> Column:
    """The lowest speed that suffices, with a step kept as long as it is neither too little nor far too much."""
    low, middle = _FLOW_M3_H[1], _FLOW_M3_H[2]
    least = 1.0 + (needed_m3_h > _FULL_ABOVE * low) + (needed_m3_h > _FULL_ABOVE * middle)
    most = 1.0 + (needed_m3_h > _ENOUGH_ABOVE * low) + (needed_m3_h > _ENOUGH_ABOVE * middle)
    return np.asarray(np.minimum(most, np.maximum(least, before)), dtype=np.float64)


def _valve(own: Columns, wanted_kw: Column, able_kw: Column, modes: Column, water_part: float) -> Column:
    """Cooling that is wanted, in cooling mode; the heater and the valve fight when somebody wired them so."""
    opening = coil.opening_for(wanted_kw / np.maximum(1e-3, able_kw)) / max(0.05, water_part)
    cooling = (modes == _COOLING) | (own["_fault_heating"] > 0.0)
    opening = np.minimum(1.0, opening) * (cooling & (able_kw > 0.0))
    opening = np.where(own["_fault_overcooled"] > 0.0, 1.0 * (modes > _OFF), opening)
    return held(own, "VlvCmd", 100.0 * opening)
