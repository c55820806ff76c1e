"""Rain water: collected from a roof, filtered, disinfected, used for the plaza; the tap helps out."""

import math
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, full, lag, slow_noise, sound
from cityhall_simulators.plants.water.cycle import part_within

_ROOF_M2, _RUNOFF = 420.0, 0.85
_TANK_M3: Final = 30.0
_USE_M3_PER_DAY: Final = 0.6189225
"""112 m³ from January to June 2015."""
_USE_HOURS: Final = (6.5, 7.5)
_DIVERT_PERCENT, _SPILL_PERCENT, _DRY_PERCENT = 92.0, 98.0, 2.0
_TAP_OPEN_PERCENT, _TAP_SHUT_PERCENT, _TAP_M3_H = 12.0, 18.0, 1.0
_TAP_STUCK_M3_H = 6.0
_OVERFLOW_S = 600.0
_PUMP_KW, _PUMP_M3_H = 0.75, 1.2
_BACKWASH_M3 = 18.0
_TURBID_NTU = 7.0


def initial(units: int) -> Columns:
    """Columns of a half-full tank in its fourth year."""
    return full(
        units, Lvl=64.0, InVol=742.0, UsedVol=690.0, TapMkupVol=118.0, PumpRun=0.0, PumpTrip=0.0, FltDP=0.0, UvSts=1.0,
        Turb=1.2, RainMm=0.0, _use_m3_h=0.0, _tap_m3_h=0.0, _kw=0.0,
    ) | sound(units, "uv", "turbid", "tap")  # fmt: skip


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """The tank between rain, use and tap; InVol counts what the diverter let in."""
    moment, dt_h, powered = around.moment, dt_s / 3600.0, around.supply.normal > 0.0
    level = own["Lvl"]
    day = 1.0 + 0.15 * slow_noise(moment.epoch_s / 40.0, 55.0, len(level))
    watering = part_within(moment.hour, dt_s, *_USE_HOURS) * powered
    use = np.where(level > _DRY_PERCENT, _USE_M3_PER_DAY / (_USE_HOURS[1] - _USE_HOURS[0]) * day * watering, 0.0)
    room_m3 = np.maximum(_DIVERT_PERCENT - level, 0.0) / 100.0 * _TANK_M3
    rain_m3 = np.minimum(moment.rain_mm_h / 1000.0 * _ROOF_M2 * _RUNOFF * dt_h, room_m3)
    tap = _tap_m3_h(own, dt_h)
    running = (watering > 0.0) & (_USE_HOURS[0] <= moment.hour <= _USE_HOURS[1]) & (use > 0.0)
    used = own["UsedVol"] + use * dt_h
    return own | {
        "Lvl": _level(own, rain_m3 + (tap - use) * dt_h, dt_s),
        "InVol": own["InVol"] + rain_m3,
        "UsedVol": used,
        "TapMkupVol": own["TapMkupVol"] + tap * dt_h,
        "PumpRun": running.astype(np.float64),
        "FltDP": running * (14.0 + 1.4 * np.mod(used, _BACKWASH_M3)),
        "UvSts": (powered & (own["_fault_uv"] == 0.0)).astype(np.float64),
        "Turb": _turbidity_ntu(own, around, dt_s),
        "RainMm": lag(own["RainMm"], moment.rain_mm_h, dt_s, 1_800.0),
        "_use_m3_h": use,
        "_tap_m3_h": tap,
        "_kw": use * (_PUMP_KW / _PUMP_M3_H) + 0.04 * powered,
    }


def _tap_m3_h(own: Columns, dt_h: float) -> Column:
    """Tap water while the tank is low, mean of the step; a valve that sticks lets it run."""
    level, running = own["Lvl"], own["_tap_m3_h"] > 0.0
    opened = (level < _TAP_OPEN_PERCENT) | (running & (level < _TAP_SHUT_PERCENT - 0.01))
    room_m3 = np.maximum(_TAP_SHUT_PERCENT - level, 0.0) / 100.0 * _TANK_M3
    return np.where(own["_fault_tap"] > 0.0, _TAP_STUCK_M3_H, opened * np.minimum(room_m3 / dt_h, _TAP_M3_H))


def _level(own: Columns, gained_m3: Column, dt_s: float) -> Column:
    level = own["Lvl"] + gained_m3 / _TANK_M3 * 100.0
    above = np.maximum(level - _DIVERT_PERCENT, 0.0)
    spilled = np.minimum(level, _DIVERT_PERCENT + above * math.exp(-dt_s / _OVERFLOW_S))
    return np.clip(np.where(own["_fault_tap"] > 0.0, level, spilled), 0.0, _SPILL_PERCENT)


def _turbidity_ntu(own: Columns, around: Around, dt_s: float) -> Column:
    """Rain washes dust off the roof; it settles within hours."""
    washed = 1.0 + 0.5 * min(around.moment.rain_mm_h, 4.0) / 4.0 + 0.15 * slow_noise(around.moment.epoch_s, 57.0)[0]
    settled = lag(own["Turb"], washed, dt_s, 3_600.0)
    return np.where(own["_fault_turbid"] > 0.0, lag(own["Turb"], _TURBID_NTU, dt_s, 300.0), settled)
