"""Outdoor-air units: they cool and dry air from outside and send it into the zones."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.air import coil, fan, starter
from cityhall_simulators.plants.air.moist import humidity_ratio, relative_humidity
from cityhall_simulators.plants.common import Around, Column, Columns, free, full, held, lag, sound

_RATED_M3_H: Final = 16_700.0
"""Flow at full speed with the damper as in summer."""
_REFERENCE_M3_H: Final = 12_000.0
_RATED_KW: Final = 15.0
_SPEED: Final = 72.0
_EFFECTIVENESS: Final = 0.95
"""Eight rows: deeper than the coil of an air handler."""
_SUMMER_PERCENT, _WINTER_PERCENT = 60.0, 100.0
_COLD_T, _MILD_T = 13.0, 22.0
"""Below the first and above the second the dampers let in as much as in summer; more between."""
_ROOMS_COLD_T, _SHUT_PART = 23.6, 0.3
_MOVING_TAU_S, _STILL_TAU_S = 25.0, 240.0


def initial(units: int) -> Columns:
    """Columns of units that stand, in remote."""
    columns = full(
        units, SpdFb=0.0, SpdCmd=0.0, kW=0.0, VfdFault=0.0, SAT=24.0, OAT=24.0, SA_RH=70.0, SAT_SP=16.0, CCV_Cmd=0.0,
        OAD_Fb=0.0, FltDP=0.0, OA_Flow=0.0, DuctSmoke=0.0, RunHr=15_200.0, _ratio=0.011, _valve=0.0, _coil_kw=0.0,
    )  # fmt: skip
    columns["_filter_pa"] = fan.FILTER_CLEAN_PA + 21.0 * np.arange(units, dtype=np.float64)
    return starter.initial(units) | columns | sound(units, "smoke", "clogged") | free(units, "SpdCmd", "CCV_Cmd")


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Blow a constant flow at the supply set point while people are there."""
    due = np.full_like(own["SAT"], float(around.moment.air_conditioning))
    smoke = own["_fault_smoke"] > 0.0
    switched = starter.started(own, due, around.supply.normal, smoke)
    on = switched["RunSts"]
    moving = _moving(own, around, on, dt_s)
    return own | switched | moving | _cooled(own, around, on, moving, dt_s) | {
        "DuctSmoke": smoke.astype(np.float64),
        "VfdFault": own["_fault_trip"],
        "OAT": lag(own["OAT"], around.moment.outdoor_t, dt_s, 120.0),
        "RunHr": own["RunHr"] + on * (dt_s / 3600.0),
    }  # fmt: skip


def _moving(own: Columns, around: Around, on: Column, dt_s: float) -> Columns:
    command = held(own, "SpdCmd", _SPEED * on)
    speed = lag(own["SpdFb"], command * on, dt_s, 6.0)
    speed *= speed > 0.5
    rooms_t = float(around.plants["AHU"]["RAT"].mean())
    damper = lag(own["OAD_Fb"], on * _damper_percent(around.moment.outdoor_t, rooms_t), dt_s, 12.0)
    flow_m3_h = _RATED_M3_H * speed / 100.0 * np.sqrt(damper / _SUMMER_PERCENT)
    flow_m3_h /= np.sqrt(1.0 + own["_fault_clogged"])
    filter_pa, shown_pa = fan.filtered(own["_filter_pa"], own["_fault_clogged"], flow_m3_h / _REFERENCE_M3_H, on, dt_s)
    return {
        "SpdCmd": command,
        "SpdFb": speed,
        "kW": _RATED_KW * (speed / 100.0) ** 3 * around.supply.normal,
        "OAD_Fb": damper,
        "OA_Flow": flow_m3_h,
        "FltDP": shown_pa,
        "_filter_pa": filter_pa,
    }


def _damper_percent(outdoor_t: float, rooms_t: float) -> float:
    """Wide open while outdoor air is pleasant, and nearly shut on a cold morning until people have warmed the rooms."""
    pleasant = min(1.0, max(0.0, min(outdoor_t - _COLD_T, _MILD_T - outdoor_t) / 2.0))
    percent = _SUMMER_PERCENT + (_WINTER_PERCENT - _SUMMER_PERCENT) * pleasant
    return percent * min(1.0, max(_SHUT_PART, rooms_t - _ROOMS_COLD_T))


def _cooled(own: Columns, around: Around, on: Column, moving: Columns, dt_s: float) -> Columns:
    moment, flow_m3_h = around.moment, moving["OA_Flow"]
    water_t, water_part = coil.chilled_water(around)
    fan_k = fan.warmed_k(moving["kW"], flow_m3_h)
    entering_t = np.full_like(own["SAT"], moment.outdoor_t)
    drop_k = entering_t - own["SAT_SP"] + fan_k
    opening = coil.opening_for(drop_k / (_EFFECTIVENESS * np.maximum(0.5, entering_t - water_t)))
    automatic = 100.0 * on * np.minimum(1.0, opening / max(0.05, water_part))
    command = held(own, "CCV_Cmd", automatic)
    valve = lag(own["_valve"], command, dt_s, 12.0)
    entering_ratio = np.full_like(entering_t, humidity_ratio(moment.outdoor_t, moment.outdoor_rh))
    effectiveness = _EFFECTIVENESS * coil.effect_of(valve / 100.0 * water_part)
    left = coil.cooled(entering_t, entering_ratio, flow_m3_h, effectiveness, water_t)
    supply_t = np.where(on > 0.0, left.t + fan_k, moment.outdoor_t)
    supply_t += (own["SAT"] - supply_t) * np.exp(-dt_s / np.where(on > 0.0, _MOVING_TAU_S, _STILL_TAU_S))
    return {
        "CCV_Cmd": command,
        "_valve": valve,
        "SAT": supply_t,
        "SA_RH": relative_humidity(supply_t, left.ratio),
        "_ratio": left.ratio,
        "_coil_kw": left.kw,
    }
