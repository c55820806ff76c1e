"""Water dispensers: a boiler with a thermostat, heated on working days only."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, free, full, held, slow_noise, sound
from cityhall_simulators.plants.water.cycle import two_point
from cityhall_simulators.plants.years import factor

HEATING_HOURS: Final = (7.0, 18.0)
_OFF_C, _ON_C, _SERVICE_C, _ROOM_C = 96.6, 93.0, 90.0, 26.0
_BOILER_KJ_PER_K: Final = 30.0 * 4.186
_HEATER_KW, _LOSS_KW_PER_K = 6.0, 0.0017
_DRAW_M3_H: Final = 0.06
"""Of each dispenser with everybody present."""
_SLEEPING_M3_H: Final = 0.0004
_FILTER_DAYS, _REPLACED_AT_DAYS = 180.0, 5.0
_COLD_S: Final = 1_800.0
_DAY_S: Final = 86_400.0


def initial(units: int) -> Columns:
    """Columns of dispensers in service."""
    return (
        full(units, PwrSts=1.0, TankT=94.5, HeatEn=1.0, FltDays=46.0, AlmSum=0.0)
        | full(units, _heating=0.0, _cold_s=0.0, _draw_m3_h=0.0, _kw=0.0)
        | free(units, "HeatEn")
        | sound(units, "element", "clock", "filter")
    )


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Boiler temperature between thermostat and draw; the filter counts down to its service.

    The summary alarm tells of a boiler that stays cold, a filter at its end, and a clock that has lost the hours.
    """
    moment, powered = around.moment, around.supply.normal > 0.0
    in_service = moment.workday and HEATING_HOURS[0] <= moment.hour < HEATING_HOURS[1]
    confused = own["_fault_clock"] > 0.0
    enabled = held(own, "HeatEn", np.where(confused, 1.0, float(in_service)))
    wave = 1.0 + 0.15 * slow_noise(moment.epoch_s, 23.0, len(enabled))
    draw_m3_h = (_SLEEPING_M3_H + _DRAW_M3_H * moment.occupancy * wave) * factor(moment.year, "water")
    hot = (enabled > 0.0) & powered & (own["_fault_element"] == 0.0)
    warmth, heating, kw = _boiler(own, draw_m3_h, hot, dt_s)
    cold_s = np.where((enabled > 0.0) & (warmth < _SERVICE_C), own["_cold_s"] + dt_s, 0.0)
    filter_days = np.where(own["_fault_filter"] > 0.0, 0.0, _filter_days(moment.epoch_s, len(enabled)))
    return own | {
        "PwrSts": np.full_like(enabled, float(powered)),
        "TankT": warmth,
        "HeatEn": enabled,
        "FltDays": filter_days,
        "AlmSum": (powered & ((cold_s > _COLD_S) | (filter_days <= 0.0) | confused)).astype(np.float64),
        "_heating": heating,
        "_cold_s": cold_s,
        "_draw_m3_h": draw_m3_h,
        "_kw": kw + 0.02 * powered,
    }


def _boiler(own: Columns, draw_m3_h: Column, hot: Mask, dt_s: float) -> tuple[Column, Column, Column]:
    """Temperature, whether the element is on, and its mean power."""
    dt_h, warmth = dt_s / 3600.0, own["TankT"]
    leaving_kw_per_k = _LOSS_KW_PER_K + draw_m3_h * (1000.0 * 4.186 / 3600.0)
    cooling = _ROOM_C + (warmth - _ROOM_C) * np.exp(-leaving_kw_per_k * dt_s / _BOILER_KJ_PER_K)
    leaving_k_h = leaving_kw_per_k * (warmth - _ROOM_C) * 3600.0 / _BOILER_KJ_PER_K
    full_k_h = np.full_like(warmth, _HEATER_KW * 3600.0 / _BOILER_KJ_PER_K)
    lacking, on = two_point(_OFF_C - warmth, own["_heating"] > 0.0, leaving_k_h, full_k_h, _OFF_C - _ON_C, dt_h)
    heated_kw = (leaving_k_h + (_OFF_C - lacking - warmth) / dt_h) * _BOILER_KJ_PER_K / 3600.0
    return (
        np.where(hot, _OFF_C - lacking, cooling),
        (hot & on).astype(np.float64),
        np.where(hot, np.clip(heated_kw, 0.0, _HEATER_KW), 0.0),
    )


def _filter_days(epoch_s: float, units: int) -> Column:
    """Whole days of filter life left; the service comes a few days before the end, at each on another day."""
    age = np.mod(epoch_s / _DAY_S + 8.7 * np.arange(units), _FILTER_DAYS - _REPLACED_AT_DAYS)
    found: Column = np.floor(_FILTER_DAYS - age)
    return found
