"""Uninterruptible power supplies (as RFC 1628 describes them) and the station batteries."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, full, lag, slow_noise, sound
from cityhall_simulators.plants.power.grid import SQRT3, lines_at

_RATED_KW, _RATED_PF, _PHASE_V = 54.0, 0.9, 220.0
_BATTERY_KWH: Final = 13.0
"""Half an hour at the usual load."""
_LOAD_PCT, _OVERLOAD_PCT = 45.0, 108.0
_EFFICIENCY, _CHARGE_EFFICIENCY = 0.94, 0.9
_FLOAT_V, _EMPTY_V = 272.0, 240.0
_NONE, _NORMAL, _BYPASS, _BATTERY = 2.0, 3.0, 4.0, 5.0
_BATTERY_NORMAL, _BATTERY_LOW, _BATTERY_DEPLETED = 2.0, 3.0, 4.0
_TEST_PASSED, _TEST_ERROR = 1.0, 3.0
_LOW_MIN: Final = 5.0
_FEEDING_LINE: Final = 1
"""The essential panel hangs on the second line."""

_STRING_V, _STRING_DARK_V, _STRING_HIGH_V = 125.0, 119.5, 133.0
_RESISTANCE_MOHM, _AGED_PART, _SOH_PCT, _AGED_SOH_PCT = 0.82, 0.42, 94.0, 68.0


def initial_ups(units: int) -> Columns:
    """Columns of supplies on the utility. ``_in_kw`` is what they take from it."""
    return full(
        units, OutSrc=_NORMAL, BattSts=_BATTERY_NORMAL, OnBattSec=0.0, MinRem=32.0, ChgPct=100.0, BattV=_FLOAT_V,
        BattT=25.0, InV=_PHASE_V, InHz=60.0, OutV=_PHASE_V, OutA=41.0, OutPct=_LOAD_PCT, Bypass=0.0, AlmCnt=0.0,
        TestRes=_TEST_PASSED, kWh=212_000.0, _in_kw=26.0,
    ) | sound(units, "ups_on_battery", "ups_overload", "ups_bypass", "ups_battery_hot", "ups_test_failed")  # fmt: skip


def step_ups(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Carry the load from the utility, on bypass, or from the battery until it is empty."""
    units, epoch_s = len(columns["OutPct"]), around.moment.epoch_s
    fed = around.supply.essential * (1.0 - columns["_fault_ups_on_battery"])
    bypass = columns["_fault_ups_bypass"] * fed
    usual = _LOAD_PCT + 1.5 * around.moment.occupancy + 1.2 * slow_noise(epoch_s * 2.0, 80.0, units)
    percent = usual + (_OVERLOAD_PCT - usual) * columns["_fault_ups_overload"]
    wanted_kw = _RATED_KW * percent / 100.0
    alive = np.where((fed > 0.0) | (columns["ChgPct"] > 0.0), 1.0, 0.0)
    kw = wanted_kw * alive
    given_pct = kw * dt_s / 3600.0 / _BATTERY_KWH * 100.0
    charge = np.where(
        fed > 0.0, lag(columns["ChgPct"], 100.0, dt_s, 5_400.0), np.maximum(0.0, columns["ChgPct"] - given_pct)
    )
    charge_kw = np.maximum(0.0, charge - columns["ChgPct"]) / 100.0 * _BATTERY_KWH * 3600.0 / dt_s
    taken_kw = np.where(bypass > 0.0, kw, kw / _EFFICIENCY) + charge_kw / _CHARGE_EFFICIENCY
    source = np.where(fed == 0.0, _BATTERY, np.where(bypass > 0.0, _BYPASS, _NORMAL))
    lines = lines_at(around)
    in_pu = lines.volts_pu[:, _FEEDING_LINE].mean() if around.supply.normal else around.supply.essential
    out_v = _PHASE_V * alive * (1.0 + 0.001 * slow_noise(epoch_s, 81.0, units))
    return (
        columns
        | _battery(columns, charge, wanted_kw, fed, epoch_s, dt_s)
        | {
            "OutSrc": np.where(alive == 0.0, _NONE, source),
            "OnBattSec": np.where(fed > 0.0, 0.0, np.minimum(columns["OnBattSec"] + dt_s, 86_400.0)),
            "InV": _PHASE_V * in_pu * fed * (1.0 + 0.004 * slow_noise(epoch_s, 82.0, units)),
            "InHz": lines.hz[_FEEDING_LINE] * fed,
            "OutV": out_v,
            "OutA": kw / _RATED_PF * 1000.0 / (SQRT3 * _PHASE_V),
            "OutPct": percent * alive,
            "Bypass": bypass,
            "kWh": columns["kWh"] + kw * dt_s / 3600.0,
            "_in_kw": taken_kw * fed,
            "TestRes": np.where(columns["_fault_ups_test_failed"] > 0.0, _TEST_ERROR, _TEST_PASSED),
            "AlmCnt": (1.0 - fed) + bypass + columns["_fault_ups_overload"] + columns["_fault_ups_battery_hot"],
        }
    )  # fmt: skip


def _battery(columns: Columns, charge: Column, kw: Column, fed: Column, epoch_s: float, dt_s: float) -> Columns:
    minutes = charge / 100.0 * _BATTERY_KWH / kw * 60.0
    usual = 25.0 + 0.6 * slow_noise(epoch_s / 4.0, 83.0, len(kw)) + 3.0 * (1.0 - fed)
    hot = columns["_fault_ups_battery_hot"]
    state = np.where(minutes < _LOW_MIN, _BATTERY_LOW, _BATTERY_NORMAL)
    sagging = _EMPTY_V + (_FLOAT_V - 12.0 - _EMPTY_V) * charge / 100.0
    return {
        "ChgPct": charge,
        "MinRem": minutes,
        "BattSts": np.where(charge <= 0.0, _BATTERY_DEPLETED, state),
        "BattV": np.where(fed > 0.0, _FLOAT_V + 0.5 * slow_noise(epoch_s, 84.0, len(kw)), sagging),
        "BattT": lag(columns["BattT"], usual + (44.0 - usual) * hot, dt_s, 600.0),
    }


def initial_string(units: int) -> Columns:
    """Columns of floating battery strings."""
    return full(
        units, StrV=_STRING_V, StrI=0.4, StrT=25.0, SoH=_SOH_PCT, CellRmax=_RESISTANCE_MOHM, AlmSum=0.0
    ) | sound(units, "battery_aged", "battery_voltage")


def step_string(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Float on the charger; feed the switchgear's controls while there is no voltage to charge from."""
    units, epoch_s = len(columns["StrV"]), around.moment.epoch_s
    dark = 1.0 - around.supply.essential
    aged, high = columns["_fault_battery_aged"], columns["_fault_battery_voltage"]
    volts = _STRING_V + 0.25 * slow_noise(epoch_s, 85.0, units)
    volts = volts + (_STRING_DARK_V - volts) * dark
    fresh = _RESISTANCE_MOHM + 0.008 * slow_noise(epoch_s / 30.0, 86.0, units)
    return columns | {
        "StrV": lag(columns["StrV"], volts + (_STRING_HIGH_V - volts) * high, dt_s, 10.0),
        "StrI": 0.4 + 0.08 * slow_noise(epoch_s, 87.0, units) - 12.0 * dark,
        "StrT": lag(columns["StrT"], 25.0 + 0.5 * slow_noise(epoch_s / 4.0, 88.0, units) + 2.0 * high, dt_s, 1800.0),
        "SoH": lag(columns["SoH"], _SOH_PCT + (_AGED_SOH_PCT - _SOH_PCT) * aged, dt_s, 300.0),
        "CellRmax": lag(columns["CellRmax"], fresh * (1.0 + _AGED_PART * aged), dt_s, 300.0),
        "AlmSum": np.maximum(aged, high),
    }
