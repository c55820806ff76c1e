"""Lifting pumps: pairs that keep the roof tanks filled."""

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, full, sound
from cityhall_simulators.plants.water.draws import lifted_m3_h
from cityhall_simulators.plants.water.pumps import Group, Task, initial_pumps, pumped
from cityhall_simulators.plants.water.tanks import CAPACITY_M3, POTABLE, ROOF

_STOP_PERCENT, _START_PERCENT, _ASSIST_PERCENT, _CUT_PERCENT = 78.0, 72.0, 58.0, 88.0
_ROOF_M3_PER_PERCENT = float(CAPACITY_M3[ROOF][0]) / 100.0
_PAIR = Group(
    pumps=2,
    flow_m3_h=18.0,
    kw=5.2,
    start_m3=(_STOP_PERCENT - _START_PERCENT) * _ROOF_M3_PER_PERCENT,
    assist_m3=(_STOP_PERCENT - _ASSIST_PERCENT) * _ROOF_M3_PER_PERCENT,
    cut_m3=(_STOP_PERCENT - _CUT_PERCENT) * _ROOF_M3_PER_PERCENT,
)
_DRY_PERCENT = 8.0
_STATIC_KPA, _RUNNING_KPA = 556.0, 622.0
"""The column of water up to the roof; with the friction of the riser."""


def initial(units: int) -> Columns:
    """Columns of pumps at rest, all with about the same hours behind them."""
    return (
        initial_pumps(units)
        | full(units, OutP=_STATIC_KPA)
        | {"RunHr": np.linspace(15_200.0, 15_203.5, units)}
        | sound(units, "trip", "local")
    )


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Start on a low roof tank, the second on a lower one, stop on a full one or an empty basement tank."""
    levels = around.plants["TNK"]["Lvl"]
    # In local a pump follows a float of its own, which stands higher than the controller's.
    local = own["_fault_local"].reshape(4, -1) > 0.0
    wet = levels[POTABLE] > _DRY_PERCENT
    task = Task(
        due_m3=np.where(wet, (_STOP_PERCENT - levels[ROOF]) * _ROOF_M3_PER_PERCENT, 0.0),
        gathering_m3_h=lifted_m3_h(around),
        start_m3=_PAIR.start_m3,
        able=wet & (around.supply.normal > 0.0),
        tripped=own["_fault_trip"].reshape(4, -1) > 0.0,
        first=local,
        local=local,
    )
    changed = pumped(own, "RunHr", _PAIR, task, dt_s)
    return own | changed | {"OutP": _STATIC_KPA + (_RUNNING_KPA - _STATIC_KPA) * changed["RunSts"]}
