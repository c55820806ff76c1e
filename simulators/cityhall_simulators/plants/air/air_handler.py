"""Air handling units: schedule, fan, coil, outdoor air damper, and the zone that each of them serves."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.air import coil, economizer, fan, places, starter, zone
from cityhall_simulators.plants.air.moist import humidity_ratio
from cityhall_simulators.plants.common import Around, Column, Columns, Mask, free, full, held, lag, sound
from cityhall_simulators.plants.moment import Moment

DESIGN_FLOW_M3_H: Final = 28_000.0
_RATED_KW: Final = 20.0
_FLOW_PART_MIN: Final = 0.15
_FILTER_REFERENCE_PART: Final = 0.75
_SLIPPING: Final = 0.5
"""Part of the drive's speed that reaches the fan over a slipping belt."""
_STUCK_PERCENT: Final = 30.0
_STUCK_SPEED: Final = 45.0
"""Where a drive stands that hears its command no more."""
_LEAKING: Final = 0.95
_FOULED: Final = 0.42
"""Part of its effectiveness that a dirty coil keeps."""
_HUNTING_S: Final = 360.0
_HUNTS_TO: Final = 0.97
_LEAST_OPENING: Final = (0.005, 0.03)
"""Below the first a valve shuts, above the second it lifts."""
_SURFACE_K: Final = 1.0
"""The outside of a coil is this much warmer than the water in it."""
_MOVING_TAU_S, _STILL_TAU_S = 25.0, 240.0
_OVERTIME_UNTIL_H: Final = 20.0
_OVERTIME_CHANCE: Final = 0.04
_SHORT_S: Final = 120.0
_FIRE_ALARM: Final = 2.0
_NOWHERE: Final = np.zeros((), dtype=np.bool_)
_OCCUPIED, _PRECOOLING = 1.0, 2.0


def initial(units: int) -> Columns:
    """Columns of units that stand, in remote, with filters of any age and rooms at their usual temperature."""
    unit = np.arange(units, dtype=np.float64)
    columns = full(
        units, SpdFb=0.0, SpdCmd=0.0, kW=0.0, VfdFault=0.0, SAT=25.5, RAT=25.5, MAT=25.5, RA_RH=55.0, RA_CO2=450.0,
        DSP=0.0, DSP_SP=fan.REFERENCE_DSP_PA, SAT_SP=14.0, CCV_Cmd=0.0, CCV_Fb=0.0, OAD_Cmd=0.0, OAD_Fb=0.0,
        FltDP=0.0, DuctSmoke=0.0, SA_Flow=0.0, OccMode=0.0, SchOvr=0.0, _mixed_t=25.5, _mass_t=25.5, _ratio=0.011,
        _supply_ratio=0.009, _free=0.0, _sun_kw=0.0, _coil_kw=0.0,
    )  # fmt: skip
    columns["RunHr"] = 15_000.0 + 37.0 * unit
    columns["_filter_pa"] = fan.FILTER_CLEAN_PA + 11.0 * (unit * 5.0 % 12.0)
    faults = sound(
        units, "smoke", "schedule", "valve_stuck", "valve_leak", "fouled", "clogged", "damper_closed", "damper_open",
        "hunting", "slip", "free", "sensor_on_coil", "drive_stuck", "drive",
    )  # fmt: skip
    return starter.initial(units) | columns | faults | free(units, "SpdCmd", "CCV_Cmd", "OAD_Cmd", "OccMode")


@dataclass(frozen=True, slots=True)
class _Duty:
    """What the unit is to do in this step."""

    on: Column
    set_t: Column
    fresh: Column
    """1 where people are to get outdoor air."""
    water_t: float
    water_part: float
    cooling: Column
    """1 where the valve may open."""
    wave: float
    """0 or 1: where a valve that hunts goes."""


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Hold supply temperature, duct pressure and the zone at their set points while the fan runs."""
    switched, duty = _switched(own, around)
    air = zone.acting(own, around, dt_s)
    moving = _moving(own, around, duty, air, dt_s)
    cooled = _conditioned(own, around, duty, moving, dt_s)
    zoned = zone.after(own, air, around, _supplied(moving, cooled), dt_s)
    if dt_s > _SHORT_S:
        # Within a long step the air that returns changes: the coil meets what is between begin and end.
        between = own | {role: 0.6 * own[role] + 0.4 * zoned[role] for role in ("RAT", "_ratio")}
        cooled = _conditioned(between, around, duty, moving, dt_s)
        zoned = zone.after(own, air, around, _supplied(moving, cooled), dt_s)
    return own | switched | moving | cooled | zoned | {"RunHr": own["RunHr"] + duty.on * (dt_s / 3600.0)}


def _supplied(moving: Columns, cooled: Columns) -> zone.Supplied:
    return zone.Supplied(moving["SA_Flow"], cooled["OAD_Fb"] / 100.0, cooled["SAT"], cooled["_supply_ratio"])


def _switched(own: Columns, around: Around) -> tuple[Columns, _Duty]:
    moment = around.moment
    water_t, water_part = coil.chilled_water(around)
    overtime = _overtime(moment, len(own["SAT"]))
    scheduled = float(moment.air_conditioning)
    due = np.maximum(np.maximum(overtime, scheduled), own["_fault_schedule"])
    smoke = (own["_fault_smoke"] > 0.0) | _burning(around)
    switched = starter.started(own, due, around.supply.normal, smoke | (own["_fault_drive"] > 0.0))
    watered = water_part > 0.05
    # Rooms count as in use only while they can be cooled: after hours without chilled water the air is just changed.
    mode = held(own, "OccMode", np.maximum(scheduled, overtime * watered))
    switched |= {
        "DuctSmoke": smoke.astype(np.float64),
        "VfdFault": np.maximum(own["_fault_trip"], own["_fault_drive"]),
        "OccMode": mode,
        "SchOvr": overtime,
    }
    set_t = zone.set_points(moment) + 2.0 * (mode == 0.0) - 1.0 * (mode == _PRECOOLING)
    on = switched["RunSts"]
    fresh = np.maximum(overtime, mode == _OCCUPIED) * on
    wave = float((moment.epoch_s // _HUNTING_S) % 2.0)
    return switched, _Duty(on, set_t, fresh, water_t, water_part, on * max(scheduled, float(watered)), wave)


def _overtime(moment: Moment, units: int) -> Column:
    """1 where somebody asked for air after hours: each unit on a few evenings of the year."""
    if not (moment.workday and 17.5 <= moment.hour < _OVERTIME_UNTIL_H):
        return np.zeros(units)
    drawn = np.sin(12.9898 * (moment.year * 366 + moment.day_of_year) + 78.233 * np.arange(units)) * 43_758.5453
    return np.asarray(drawn - np.floor(drawn) < _OVERTIME_CHANCE, dtype=np.float64)


def _burning(around: Around) -> Mask:
    """Air handlers of the floors where it burns."""
    alarms = around.plants["FZN"]["State"] == _FIRE_ALARM
    return np.asarray((places.fire_zones() & alarms).any(axis=1)) if alarms.any() else _NOWHERE


def _moving(own: Columns, around: Around, duty: _Duty, air: zone.Acting, dt_s: float) -> Columns:
    """Fan, duct and filter: the boxes of the zone take the flow that its heat calls for."""
    flow_m3_h = air.wanted_flow_m3_h(own, duty.set_t, dt_s) + places.boxes_of_handlers() @ around.plants["VAV"]["Flow"]
    wanted = np.minimum(1.0, np.maximum(_FLOW_PART_MIN, flow_m3_h / DESIGN_FLOW_M3_H))
    clogged, grip = own["_fault_clogged"], 1.0 - _SLIPPING * own["_fault_slip"]
    loss = fan.loss_pa(fan.dusty_pa(own["_filter_pa"], clogged))
    needed = 100.0 * np.minimum(1.0, fan.speed_for(wanted, own["DSP_SP"], loss) / grip) * duty.on
    command = held(own, "SpdCmd", needed)
    turns = np.where(own["_fault_drive_stuck"] > 0.0, _STUCK_SPEED, command)
    speed = lag(own["SpdFb"], turns * duty.on, dt_s, 6.0)
    speed *= speed > 0.5
    duct = fan.blown(speed / 100.0 * grip, wanted, loss)
    filter_pa, shown_pa = fan.filtered(own["_filter_pa"], clogged, duct.part / _FILTER_REFERENCE_PART, duty.on, dt_s)
    return {
        "SpdCmd": command,
        "SpdFb": speed,
        "kW": _RATED_KW * (speed / 100.0) ** 3 * around.supply.normal,
        "DSP": duct.static_pa,
        "SA_Flow": DESIGN_FLOW_M3_H * duct.part,
        "FltDP": shown_pa,
        "_filter_pa": filter_pa,
    }


def _conditioned(own: Columns, around: Around, duty: _Duty, moving: Columns, dt_s: float) -> Columns:
    """Mixed air, coil and supply air, with the two actuators that hold the supply temperature."""
    flow_m3_h = moving["SA_Flow"]
    fan_k = fan.warmed_k(moving["kW"], flow_m3_h)
    task = _task(own, flow_m3_h, own["SAT_SP"] - fan_k)
    idle_effect = task.effectiveness * coil.effect_of(task.passing * duty.water_part)
    wish = economizer.Wish(duty.fresh, task.wanted_t, idle_effect, duty.water_t)
    damper = economizer.positioned(own, around.moment, wish, dt_s)
    still = np.exp(-dt_s / np.where(duty.on > 0.0, _MOVING_TAU_S, _STILL_TAU_S))
    mixed_t, mixed_ratio = _mixed(own, around.moment, damper["OAD_Fb"] / 100.0 * duty.on, still)
    valve = _valve(own, task, mixed_t, duty, dt_s)
    opening = np.maximum(valve["CCV_Fb"] / 100.0, _LEAKING * own["_fault_valve_leak"]) * duty.water_part
    left = coil.cooled(mixed_t, mixed_ratio, flow_m3_h, task.effectiveness * coil.effect_of(opening), duty.water_t)
    supply_t = np.where(duty.on > 0.0, left.t + fan_k, own["RAT"])
    touching = (own["_fault_sensor_on_coil"] > 0.0) & (opening > 0.0) & (duty.on > 0.0)
    return damper | valve | {
        "MAT": np.where(touching, np.minimum(mixed_t, duty.water_t + _SURFACE_K), mixed_t),
        "SAT": supply_t + (own["SAT"] - supply_t) * still,
        "_mixed_t": mixed_t,
        "_supply_ratio": left.ratio,
        "_coil_kw": left.kw,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Task:
    """What the coil can do at its best, what is wanted behind it, and how far its valve passes when it should not."""

    effectiveness: Column
    wanted_t: Column
    passing: Column


def _task(own: Columns, flow_m3_h: Column, wanted_t: Column) -> _Task:
    clean = (1.0 - 0.15 * flow_m3_h / DESIGN_FLOW_M3_H) * (flow_m3_h > 0.0)
    passing = np.maximum(_LEAKING * own["_fault_valve_leak"], _STUCK_PERCENT / 100.0 * own["_fault_valve_stuck"])
    return _Task(clean * (1.0 - (1.0 - _FOULED) * own["_fault_fouled"]), wanted_t, passing)


def _mixed(own: Columns, moment: Moment, share: Column, still: Column) -> tuple[Column, Column]:
    """Temperature and humidity ratio of return air with a share of outdoor air."""
    t = own["RAT"] + share * (moment.outdoor_t - own["RAT"])
    outdoor_ratio = humidity_ratio(moment.outdoor_t, moment.outdoor_rh)
    return t + (own["_mixed_t"] - t) * still, own["_ratio"] + share * (outdoor_ratio - own["_ratio"])


def _valve(own: Columns, task: _Task, mixed_t: Column, duty: _Duty, dt_s: float) -> Columns:
    """The valve goes where the supply air meets its set point; one that passes what it should not, to its end."""
    able_k = (task.effectiveness + 1e-9) * np.maximum(0.5, mixed_t - duty.water_t)
    opening = coil.opening_for((mixed_t - task.wanted_t) / able_k) / max(0.05, duty.water_part)
    # A valve that is shut does not lift for a trifle.
    least = np.where(own["CCV_Cmd"] > 0.0, *_LEAST_OPENING)
    opening = np.where(opening > least, np.minimum(1.0, opening), 0.0)
    stuck = own["_fault_valve_stuck"] > 0.0
    beyond = opening > task.passing + _LEAST_OPENING[1]
    opening = np.where(stuck | ((task.passing > 0.0) & ~beyond), stuck & beyond, opening)
    opening = np.where(own["_fault_hunting"] > 0.0, _HUNTS_TO * duty.wave, opening) * (1.0 - own["_fault_free"])
    command = held(own, "CCV_Cmd", 100.0 * opening * duty.cooling)
    return {"CCV_Cmd": command, "CCV_Fb": lag(own["CCV_Fb"], np.where(stuck, _STUCK_PERCENT, command), dt_s, 12.0)}
