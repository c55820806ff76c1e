"""Sump pumps: three at each waste tank, on essential supply."""

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, sound
from cityhall_simulators.plants.water.draws import waste_m3_h
from cityhall_simulators.plants.water.pumps import Group, Task, initial_pumps, pumped
from cityhall_simulators.plants.water.tanks import CAPACITY_M3, WASTE

_STOP_PERCENT, _START_PERCENT, _ASSIST_PERCENT, _CUT_PERCENT, _HIGH_PERCENT = 38.0, 64.0, 76.0, 33.0, 85.0
_PIT_M3_PER_PERCENT = float(CAPACITY_M3[WASTE][0]) / 100.0
_PIT = Group(
    pumps=3,
    flow_m3_h=20.0,
    kw=3.7,
    start_m3=(_START_PERCENT - _STOP_PERCENT) * _PIT_M3_PER_PERCENT,
    assist_m3=(_ASSIST_PERCENT - _STOP_PERCENT) * _PIT_M3_PER_PERCENT,
    cut_m3=(_CUT_PERCENT - _STOP_PERCENT) * _PIT_M3_PER_PERCENT,
)
_FAULTS = ("trip", "fail", "high", "cycling")
_SHORT_START_M3 = 0.2
"""Between the floats of a pump that cycles: they hang side by side."""


def initial(units: int) -> Columns:
    """Columns of pumps at rest."""
    return (
        initial_pumps(units)
        | {"HiLvlAlm": np.zeros(units), "_run_h": np.linspace(2_100.0, 2_102.0, units)}
        | sound(units, *_FAULTS)
    )


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Start on a full pit, stop on an empty one. A pump whose floats hang wrong or whose chamber floods goes first."""
    levels = around.plants["TNK"]["Lvl"][WASTE]
    trip, fail, high, cycling = (own[f"_fault_{fault}"].reshape(4, -1) > 0.0 for fault in _FAULTS)
    task = Task(
        due_m3=(levels - _STOP_PERCENT) * _PIT_M3_PER_PERCENT,
        gathering_m3_h=waste_m3_h(around),
        start_m3=np.where(cycling.any(axis=1), _SHORT_START_M3, _PIT.start_m3),
        # A pump that burns out takes the feeder of its pit along.
        able=np.asarray(~fail.any(axis=1)) & (around.supply.essential > 0.0),
        tripped=trip | fail,
        first=cycling | high,
        local=np.zeros_like(trip),
    )
    above = np.repeat(levels > _HIGH_PERCENT, _PIT.pumps)
    alarm = (above | high.reshape(-1)).astype(np.float64)
    return own | pumped(own, "_run_h", _PIT, task, dt_s) | {"HiLvlAlm": alarm}
