"""The zones behind the air handlers: half a floor of offices each, with its heat, moisture and carbon dioxide."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.air import places, room
from cityhall_simulators.plants.air.moist import KG_M3, KWH_M3_K, humidity_ratio, relative_humidity
from cityhall_simulators.plants.air.sun import facades_w_m2
from cityhall_simulators.plants.common import Around, Column, Columns, lag
from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.site import whole_site

PEOPLE: Final = 158.0
"""Present in a zone when all are there."""
VOLUME_M3: Final = 8_000.0
_ROOM: Final = room.Room(air_kwh_k=5.0, mass_kwh_k=250.0, mass_kw_k=10.0, control_s=1_800.0)
"""2,700 m² with 0.2 m of concrete. They are cooled down slowly in the morning, for all of them begin at once."""
_WALL_KW_K: Final = 0.5
_LEAKAGE_M3_H: Final = 2_000.0
"""Air through doors and windows, a quarter of the volume per hour."""
_GLASS_M2: Final = 22.0
"""Windows of a façade, times the part of the sun's heat that passes glass and blinds."""
_SUN_TAU_S: Final = 2_400.0
"""The sun warms blinds and floors first: clouds that pass are not felt."""
_LIGHT_AND_PLUG_NIGHT_KW, _LIGHT_AND_PLUG_KW = 7.0, 38.0
_SET_T: Final = 25.7


@cache
def _own_gain() -> Column:
    """No two zones are alike: share of the usual people, lamps and computers."""
    unit = np.arange(whole_site().units["AHU"], dtype=np.float64)
    return 0.90 + 0.04 * ((unit * 3.0) % 6.0)


@cache
def _phase() -> Column:
    return 1.7 * np.arange(whole_site().units["AHU"], dtype=np.float64)


def set_points(moment: Moment) -> Column:
    """What the thermostats of the zones hold: people turn them a little, now here, now there."""
    return _SET_T + 0.35 * room.wander(moment.epoch_s, _phase())


@dataclass(frozen=True, slots=True)
class Supplied:
    """Air from the unit: flow, share of outdoor air, temperature, humidity ratio."""

    flow_m3_h: Column
    share: Column
    t: Column
    ratio: Column


@dataclass(frozen=True, slots=True)
class Acting:
    """What acts on the zones in this step besides the unit's own air."""

    load: room.Load
    people: Column
    sun_kw: Column
    outdoor_m3_h: Column
    """From the outdoor-air units."""
    outdoor_ratio: Column

    def wanted_flow_m3_h(self, own: Columns, set_t: Column, dt_s: float) -> Column:
        """Supply air that brings the zone to its set point. A unit that starts counts on its set point."""
        kw, mean_t = room.wanted_kw(_ROOM, own["RAT"], own["_mass_t"], self.load, set_t, dt_s)
        supply_t = np.where(own["RunSts"] > 0.0, own["SAT"], own["SAT_SP"])
        return kw / (KWH_M3_K * np.maximum(2.0, mean_t - supply_t))


def acting(own: Columns, around: Around, dt_s: float) -> Acting:
    """Walls, sun, people, lamps, computers, and the air of the outdoor-air units."""
    moment, units = around.moment, around.plants["OAH"]
    flow = places.outdoor_shares() @ units["OA_Flow"]
    carried = places.outdoor_shares() @ (units["OA_Flow"] * units["SAT"])
    wet = places.outdoor_shares() @ (units["OA_Flow"] * units["_ratio"])
    east, west = facades_w_m2(moment)
    shining_kw = _GLASS_M2 / 1000.0 * (west + (east - west) * places.east())
    sun_kw = lag(own["_sun_kw"], shining_kw, dt_s, _SUN_TAU_S)
    people = PEOPLE * moment.occupancy * _own_gain()
    lamps = _LIGHT_AND_PLUG_NIGHT_KW + _LIGHT_AND_PLUG_KW * moment.occupancy
    leak_kw_k = _WALL_KW_K + KWH_M3_K * _LEAKAGE_M3_H
    gain_kw = room.PERSON_KW * people + lamps * _own_gain() + sun_kw
    kw = gain_kw + leak_kw_k * moment.outdoor_t + KWH_M3_K * carried
    return Acting(room.Load(kw, leak_kw_k + KWH_M3_K * flow), people, sun_kw, flow, wet)


def after(own: Columns, air: Acting, around: Around, supplied: Supplied, dt_s: float) -> Columns:
    """Temperature, humidity and carbon dioxide of the zones a step later."""
    moment = around.moment
    boxes = places.boxes_of_handlers() @ around.plants["VAV"]["Flow"]
    flow = np.maximum(0.0, supplied.flow_m3_h - boxes)
    carried_kw_k = KWH_M3_K * flow
    load = room.Load(air.load.kw + carried_kw_k * supplied.t, air.load.kw_k + carried_kw_k)
    air_t, mass_t = room.after(_ROOM, own["RAT"], own["_mass_t"], load, dt_s)
    outside = _LEAKAGE_M3_H + air.outdoor_m3_h
    water = _LEAKAGE_M3_H * humidity_ratio(moment.outdoor_t, moment.outdoor_rh) + air.outdoor_ratio
    water = water + flow * supplied.ratio + air.people * (room.PERSON_KG_H / KG_M3)
    ratio = room.exchanged(own["_ratio"], water, outside + flow, VOLUME_M3, dt_s)
    fresh = outside + flow * supplied.share
    breath = room.OUTDOOR_CO2_PPM * fresh + 1e6 * room.CO2_M3_H_PERSON * air.people
    return {
        "RAT": air_t,
        "_mass_t": mass_t,
        "_sun_kw": air.sun_kw,
        "_ratio": ratio,
        "RA_RH": relative_humidity(air_t, ratio),
        "RA_CO2": room.exchanged(own["RA_CO2"], breath, fresh, VOLUME_M3, dt_s),
    }
