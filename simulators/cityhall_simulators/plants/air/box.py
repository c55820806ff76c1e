"""Boxes of variable air volume: a room of the core each, fed by an air handler of its floor."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.air import core, fan, places, room
from cityhall_simulators.plants.air.moist import KWH_M3_K
from cityhall_simulators.plants.common import Around, Column, Columns, free, full, held, lag, sound

MAX_M3_H: Final = 1_500.0
_LEAST_PART: Final = 0.12
"""What people need even in a cool room."""
_ROOM: Final = room.Room(air_kwh_k=0.15, mass_kwh_k=8.0, mass_kw_k=0.25)
_NEIGHBOUR_KW_K: Final = 0.10
_NIGHT_KW, _DAY_KW = 0.25, 2.85
_PEOPLE: Final = 5.0
_VOLUME_M3: Final = 180.0
_LEAKAGE_M3_H: Final = 45.0
_DUCT_WARMS_K: Final = 0.4
_HOT_KW_K: Final = 1.6
_STUCK: Final = 0.08
_OFFSET_M3_H: Final = 420.0
_CLOSES_BELOW_K: Final = 1.0
"""A room this far below its set point gets no air at all."""


def initial(units: int) -> Columns:
    """Columns of closed boxes in rooms at their set point."""
    columns = full(
        units, ZoneT=25.8, ZoneSP=26.0, Flow=0.0, FlowSP=0.0, DmprCmd=0.0, DAT=25.8, CO2=450.0, OccMode=0.0,
        _mass_t=25.8, _damper=0.0,
    )  # fmt: skip
    faults = sound(units, "damper_stuck", "leak", "flow_offset", "hot", "overcooled")
    return columns | faults | free(units, "DmprCmd")


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Take as much air from the duct as brings the room to its set point."""
    moment, handler = around.moment, places.box_handlers()
    units = around.plants["AHU"]
    started, mode = units["StartCmd"][handler], units["OccMode"][handler]
    supply_t = units["SAT"][handler] + _DUCT_WARMS_K
    people = _PEOPLE * core.own_gain(len(handler)) * moment.occupancy
    load = _load(own, around, handler)
    set_point = started * np.where(
        mode > 0.0, _flow_set_point(own, around, load, supply_t, dt_s), _LEAST_PART * MAX_M3_H
    )
    pressure = np.sqrt(np.maximum(0.0, units["DSP"][handler]) / fan.REFERENCE_DSP_PA)
    damper = _damper(own, set_point, pressure, dt_s)
    passing = np.maximum(damper["_damper"] / 100.0, own["_fault_leak"])
    flow = MAX_M3_H * passing * pressure
    carried = KWH_M3_K * flow
    air_t, mass_t = room.after(
        _ROOM, own["ZoneT"], own["_mass_t"], room.Load(load.kw + carried * supply_t, load.kw_k + carried), dt_s
    )
    supply_ppm = _supply_ppm(units, handler)
    source = flow * supply_ppm + _LEAKAGE_M3_H * room.OUTDOOR_CO2_PPM + 1e6 * room.CO2_M3_H_PERSON * people
    return own | damper | {
        "ZoneT": air_t,
        "_mass_t": mass_t,
        "FlowSP": set_point,
        "Flow": np.minimum(2_900.0, flow + _OFFSET_M3_H * own["_fault_flow_offset"]),
        "DAT": np.where(flow > 0.0, supply_t, lag(own["DAT"], own["ZoneT"], dt_s, 300.0)),
        "CO2": room.exchanged(own["CO2"], source, flow + _LEAKAGE_M3_H, _VOLUME_M3, dt_s),
        "OccMode": mode,
    }  # fmt: skip


def _load(own: Columns, around: Around, handler: places.Index) -> room.Load:
    """People, lamps, screens, the zone around, and through a fault the hot air of a plant room."""
    gain_kw = core.own_gain(len(handler)) * (_NIGHT_KW + _DAY_KW * around.moment.occupancy)
    hot_kw_k = _HOT_KW_K * own["_fault_hot"]
    kw = gain_kw + _NEIGHBOUR_KW_K * around.plants["AHU"]["RAT"][handler] + hot_kw_k * core.HOT_T
    return room.Load(kw, _NEIGHBOUR_KW_K + hot_kw_k)


def _flow_set_point(own: Columns, around: Around, load: room.Load, supply_t: Column, dt_s: float) -> Column:
    """Between the least flow and the box's own maximum; nothing into a room that is cold already."""
    set_t = core.set_points(own["ZoneSP"], around, 0.3)
    kw, mean_t = room.wanted_kw(_ROOM, own["ZoneT"], own["_mass_t"], load, set_t, dt_s)
    flow = np.minimum(MAX_M3_H, kw / (KWH_M3_K * np.maximum(2.0, mean_t - supply_t)))
    least = _LEAST_PART * np.minimum(1.0, np.maximum(0.0, (own["ZoneT"] - set_t) / _CLOSES_BELOW_K + 1.0))
    # Somebody has set the least flow to the largest.
    least = np.maximum(least, own["_fault_overcooled"])
    return np.maximum(MAX_M3_H * least, flow)


def _damper(own: Columns, set_point: Column, pressure: Column, dt_s: float) -> Columns:
    """The damper goes where the measured flow meets its set point; one that cannot, to its end."""
    reachable = MAX_M3_H * np.maximum(0.05, pressure)
    wanted = (set_point - _OFFSET_M3_H * own["_fault_flow_offset"]) / reachable
    wanted = np.where(own["_fault_leak"] > 0.0, 0.0, wanted)
    wanted = np.where(own["_fault_damper_stuck"] > 0.0, set_point > 0.0, np.minimum(1.0, np.maximum(0.0, wanted)))
    command = held(own, "DmprCmd", 100.0 * wanted)
    stands = np.where(own["_fault_damper_stuck"] > 0.0, 100.0 * _STUCK, command)
    return {"DmprCmd": command, "_damper": lag(own["_damper"], stands, dt_s, 40.0)}


def _supply_ppm(units: Columns, handler: places.Index) -> Column:
    """Carbon dioxide in the air that an air handler blows: return air with its share of outdoor air."""
    share = units["OAD_Fb"][handler] / 100.0
    return units["RA_CO2"][handler] + share * (room.OUTDOOR_CO2_PPM - units["RA_CO2"][handler])
