"""Centrifugal chillers, 600 RT with a variable speed drive."""

import math
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, free, full, lag, sound
from cityhall_simulators.plants.cooling import chiller
from cityhall_simulators.plants.cooling.lines import CENTRIFUGAL, CENTRIFUGAL_KW, CHILLED_M3_H

MACHINE: Final = chiller.Machine(
    lines=CENTRIFUGAL, capacity_kw=CENTRIFUGAL_KW, condenser_m3_h=430.0, kw_per_rt=0.635, curve=0.05, best_part=0.65,
    kw_per_k=0.01, idle_kw=18.0, most_kw=445.0,
)  # fmt: skip
_RATED_KW: Final = 420.0
_EVAPORATOR_KPA: Final = 75.0
_OIL_KPA: Final = 182.0
_WEAK_OIL_KPA: Final = 78.0
_AIR_PPM: Final = 3.0
_LEAK_PPM: Final = 140.0
_FLOW_METER_LOSS: Final = 0.22
_HOT_BEARING_K: Final = 34.0
_HOT_WINDING_K: Final = 52.0


def initial(units: int) -> Columns:
    """Columns of chillers that stand ready; the first one has run least, so that it leads."""
    columns = chiller.initial(units, kWh=3_184_220.0, Starts=812.0) | full(
        units, DmdLimit=100.0, CHW_DP=0.0, CDW_Flow=0.0, OilT=40.0, BrgT=32.0, WindT=34.0, VanePos=0.0, AmpsPct=0.0,
        VfdHz=0.0, CapPct=0.0, RefLeak=_AIR_PPM,
    )  # fmt: skip
    hours: Columns = {"RunHr": 21_480.0 + 15.0 * np.arange(units, dtype=np.float64)}
    faults = sound(units, "bearing", "winding", "oil", "leak", "flow_meter")
    return columns | hours | faults | free(units, "DmdLimit")


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Cool the water that flows by; show what the panel shows."""
    found = chiller.step(own, around, MACHINE, dt_s)
    on = found["RunSts"]
    part = found["_taken_kw"] / CENTRIFUGAL_KW
    flow_part = found["CHW_Flow"] / CHILLED_M3_H[CENTRIFUGAL]
    warnings = on * np.maximum(chiller.LOW_OIL * own["_fault_oil"], chiller.HOT_MOTOR * own["_fault_winding"])
    panel = chiller.alarms(own, around, MACHINE, warnings)
    panel["AlmSum"] = np.maximum(panel["AlmSum"], on * own["_fault_bearing"])
    limit = own["_ovr_DmdLimit"]
    return found | panel | _body(own, on, part, dt_s) | {
        "DmdLimit": np.where(np.isnan(limit), 100.0, limit),
        "CHW_DP": _EVAPORATOR_KPA * flow_part * flow_part,
        "CDW_Flow": found["_cdw_m3_h"] * (1.0 - _FLOW_METER_LOSS * own["_fault_flow_meter"]),
        "VanePos": on * np.minimum(100.0, 18.0 + 78.0 * part),
        "AmpsPct": found["kW"] * (100.0 / _RATED_KW),
        "VfdHz": on * np.minimum(60.0, 33.0 + 26.0 * part),
        "CapPct": 100.0 * part,
        "RefLeak": _leaking(own, around.moment.epoch_s, dt_s),
    }  # fmt: skip


def _body(own: Columns, on: Column, part: Column, dt_s: float) -> Columns:
    """Oil, bearings and windings warm within minutes of a start."""
    oil_kpa = _OIL_KPA - (_OIL_KPA - _WEAK_OIL_KPA) * own["_fault_oil"]
    return {
        "OilP": lag(own["OilP"], oil_kpa * on, dt_s, 4.0),
        "OilT": lag(own["OilT"], 40.0 + (6.0 + 6.0 * part) * on, dt_s, 600.0),
        "BrgT": lag(own["BrgT"], 32.0 + on * (22.0 + 8.0 * part + _HOT_BEARING_K * own["_fault_bearing"]), dt_s, 400.0),
        "WindT": lag(
            own["WindT"], 34.0 + on * (28.0 + 22.0 * part + _HOT_WINDING_K * own["_fault_winding"]), dt_s, 400.0
        ),
    }


def _leaking(own: Columns, epoch_s: float, dt_s: float) -> Column:
    breath = 0.4 * math.sin(epoch_s / 1_800.0)
    return lag(own["RefLeak"], _AIR_PPM + breath + (_LEAK_PPM - _AIR_PPM) * own["_fault_leak"], dt_s, 120.0)
