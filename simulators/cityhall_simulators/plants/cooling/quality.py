"""Condenser water that is lost and made up, what it contains, and the pipe to the south-east."""

import math
from typing import Final

from cityhall_simulators.plants.common import Around, Columns, full, sound
from cityhall_simulators.plants.cooling.tower import CYCLES

_MAKE_UP_US_CM: Final = 225.0
_SYSTEM_M3: Final = 90.0
_NEVER_BLOWN_US_CM: Final = 2_450.0
_TOO_STRONG_US_CM: Final = 1_500.0
_QUICK_TAU_S: Final = 900.0
_PH, _PH_UNDOSED = 8.0, 6.3
_PIPE_STANDING_KPA, _PIPE_RUNNING_KPA = 255.0, 320.0
_LEAK_PART: Final = 0.45


def initial(units: int) -> Columns:
    """Columns of water in good order."""
    columns = full(
        units, MkupFlow=0.0, MkupVol=48_200.0, Cond=1_150.0, pH=_PH, DoseSts=1.0, SePipeP=_PIPE_STANDING_KPA,
        SeLeak=0.0, _ph=_PH,
    )  # fmt: skip
    return columns | sound(units, "blow_down", "dosing", "se_leak", "makeup_leak")


def after(own: Columns, around: Around, dt_s: float) -> dict[str, float]:
    """The water after ``dt_s``."""
    epoch_s = around.moment.epoch_s
    made_up = float(around.plants["CT"]["_makeup_m3_h"].sum())
    undosed = float(own["_fault_dosing"][0])
    ph = _toward(float(own["_ph"][0]), _PH - (_PH - _PH_UNDOSED) * undosed, dt_s, _QUICK_TAU_S)
    leaking = float(own["_fault_se_leak"][0])
    running = float(around.plants["CWP"]["_part"].max())
    pipe_kpa = _PIPE_STANDING_KPA + (_PIPE_RUNNING_KPA - _PIPE_STANDING_KPA) * running
    return {
        "MkupFlow": made_up,
        "MkupVol": float(own["MkupVol"][0]) + made_up * dt_s / 3600.0,
        "Cond": _conductivity(own, around, dt_s),
        "pH": ph + 0.12 * math.sin(epoch_s / 9_000.0),
        "DoseSts": (1.0 - undosed) * float(running > 0.5),
        "SePipeP": (pipe_kpa + 2.5 * math.sin(epoch_s / 700.0)) * (1.0 - _LEAK_PART * leaking),
        "SeLeak": leaking,
        "_ph": ph,
    }


def _conductivity(own: Columns, around: Around, dt_s: float) -> float:
    """Evaporation concentrates the water, blow-down thins it; a valve that stuck and is repaired is opened wide."""
    now = float(own["Cond"][0])
    if own["_fault_blow_down"][0] > 0.0:
        return _toward(now, _NEVER_BLOWN_US_CM, dt_s, _QUICK_TAU_S)
    usual = _MAKE_UP_US_CM * CYCLES
    if now > _TOO_STRONG_US_CM:
        return _toward(now, usual, dt_s, _QUICK_TAU_S)
    blown_down_m3_h = float(around.plants["CT"]["_evaporated_m3_h"].sum()) / (CYCLES - 1.0)
    return now + (usual - now) * -math.expm1(-blown_down_m3_h * dt_s / 3600.0 / _SYSTEM_M3)


def _toward(value: float, target: float, dt_s: float, tau_s: float) -> float:
    return target + (value - target) * math.exp(-dt_s / tau_s)
