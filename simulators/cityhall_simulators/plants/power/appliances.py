"""Audio-visual rooms, dishwashers, and the photovoltaics on the roof."""

from functools import lru_cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, full, lag, slow_noise, sound
from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.power.uses import kitchen

_STANDBY_KW, _SHOW_KW = 0.06, 2.6
_MEETINGS_BEGIN_H, _MEETINGS_END_H = 9.0, 17.0
_MEETS: Final = 0.45
"""A room is used in so many of the hours."""
_WASH_KW, _WARM_KW, _CYCLE_S, _WASHING_PART = 9.0, 0.6, 420.0, 0.7

_PEAK_KW, _SYSTEM_PART, _PER_K = 60.0, 0.86, 0.004
_MPPT, _SLEEPING, _STANDBY, _FAULT = 4.0, 2.0, 8.0, 7.0
_WAKE_W_M2: Final = 15.0


def initial_room(units: int) -> Columns:
    """Columns of rooms in standby."""
    return full(units, PwrSts=0.0, kW=_STANDBY_KW)


def step_room(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """On while somebody meets there."""
    moment, units = around.moment, len(columns["kW"])
    used = np.zeros(units)
    if moment.workday and _MEETINGS_BEGIN_H <= moment.hour < _MEETINGS_END_H:
        used = _booked(int(moment.epoch_s // 3600.0), units)
    used = used * around.supply.normal
    wave = 1.0 + 0.1 * slow_noise(moment.epoch_s, 40.0, units)
    return columns | {"PwrSts": used, "kW": (_STANDBY_KW + _SHOW_KW * used * wave) * around.supply.normal}


@lru_cache(maxsize=4)
def _booked(hour: int, units: int) -> Column:
    return (np.random.default_rng(hour).random(units) < _MEETS).astype(np.float64)


def initial_washer(units: int) -> Columns:
    """Columns of cold dishwashers."""
    return full(units, kW=0.0, kWh=21_400.0)


def step_washer(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Wash one load after another while and after people eat."""
    moment, units = around.moment, len(columns["kW"])
    part = _dishes(moment)
    phase = (moment.epoch_s / _CYCLE_S + 0.37 * np.arange(units)) % 1.0
    washing = (phase < _WASHING_PART * part).astype(np.float64)
    kw = (_WARM_KW * (part > 0.02) + _WASH_KW * washing) * around.supply.normal
    return columns | {"kW": kw, "kWh": columns["kWh"] + kw * dt_s / 3600.0}


def _dishes(moment: Moment) -> float:
    """Dishes come back most of an hour after they were cooked for."""
    after_h = moment.hour - 12.9
    return float(np.exp(-((after_h / 1.2) ** 2))) if kitchen(moment) > 0.0 else 0.0


def initial_solar(units: int) -> Columns:
    """Columns of sleeping inverters."""
    return full(
        units, kW=0.0, kWh=186_000.0, DcV=0.0, DcA=0.0, Sts=_SLEEPING, Fault=0.0, HeatsinkT=25.0, Irr=0.0
    ) | sound(units, "pv_fault")


def step_solar(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Follow the sun while there is a grid to feed."""
    moment, units = around.moment, len(columns["kW"])
    sun = moment.solar_w_m2 * (1.0 + 0.01 * slow_noise(moment.epoch_s, 45.0, units))
    sun = np.clip(sun, 0.0, 1400.0)
    awake = (sun > _WAKE_W_M2).astype(np.float64)
    works = awake * around.supply.normal * (1.0 - columns["_fault_pv_fault"])
    cell_c = moment.outdoor_t + 0.028 * sun
    kw = works * np.minimum(_PEAK_KW * sun / 1000.0 * _SYSTEM_PART * (1.0 - _PER_K * (cell_c - 25.0)), _PEAK_KW)
    volts = 640.0 * (1.0 - np.exp(-sun / 12.0)) - 1.2 * (cell_c - 25.0) * awake
    status = np.where(awake > 0.0, np.where(works > 0.0, _MPPT, _STANDBY), _SLEEPING)
    return columns | {
        "kW": kw,
        "kWh": columns["kWh"] + kw * dt_s / 3600.0,
        "DcV": np.maximum(0.0, volts),
        "DcA": kw / 0.975 * 1000.0 / np.maximum(volts, 100.0),
        "Sts": np.where(columns["_fault_pv_fault"] > 0.0, _FAULT, status),
        "Fault": columns["_fault_pv_fault"],
        "HeatsinkT": lag(columns["HeatsinkT"], moment.outdoor_t + 0.45 * kw, dt_s, 600.0),
        "Irr": sun,
    }
