"""Tanks: potable in the basement, roof, waste, fire. Float valves, overflow weirs, level contacts."""

import math
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, full, lag, sound
from cityhall_simulators.plants.water.draws import lifted_m3_h, waste_m3_h

POTABLE, ROOF, WASTE, FIRE = slice(0, 4), slice(4, 8), slice(8, 12), slice(12, 14)
CAPACITY_M3: Final = np.repeat([100.0, 25.0, 14.0, 150.0], [4, 4, 4, 2])
_FLOAT_SHUT_PERCENT, _FLOAT_M3_H_PER_PERCENT, _FLOAT_MAX_M3_H = 86.0, 0.6, 25.0
"""A float valve opens the more the lower the water stands."""
_STUCK_M3_H = 60.0
_WEIR_PERCENT, _FIRE_WEIR_PERCENT, _WEIR_S = 90.0, 94.3, 720.0
_BRIM_PERCENT, _DRAINED_PERCENT = 98.5, 4.0
_HIGH_PERCENT, _LOW_PERCENT, _FIRE_LOW_PERCENT = 95.0, 15.0, 90.0
_FIRE_OPEN_PERCENT, _FIRE_SHUT_PERCENT, _FIRE_LEAKING_PERCENT = 92.0, 94.2, 88.2
_FIRE_FILL_M3_H, _EVAPORATION_M3_H = 12.0, 0.0015
_EMPTYING_S = 600.0


def initial(units: int) -> Columns:
    """Columns of tanks at their usual levels."""
    level = np.repeat([80.0, 72.0, 50.0, 93.5], [4, 4, 4, 2]) + 0.4 * np.arange(units) % 2.0
    level[FIRE] = [93.2, 93.8]
    return (
        full(units, HiAlm=0.0, LoAlm=0.0, InVlv=0.0, _in_m3_h=0.0, _in_m3=0.0)
        | {"Lvl": level}
        | sound(units, "overflow", "empty", "fire_low")
    )


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Levels follow what flows in and out; ``_in_m3`` is what came from the utility within the step."""
    level, dt_h = own["Lvl"], dt_s / 3600.0
    stuck = own["_fault_overflow"] > 0.0
    lifted = around.plants["WPP"]["_flow_m3_h"].reshape(4, -1).sum(axis=1)
    drawn = np.concatenate((lifted, lifted_m3_h(around), _sumps_m3_h(around), [_EVAPORATION_M3_H] * 2))
    city = _city_m3_h(own, lifted, dt_s)
    flowing_in = city.copy()
    flowing_in[ROOF], flowing_in[WASTE] = lifted, waste_m3_h(around)
    balance = level + (flowing_in - drawn) * dt_h / CAPACITY_M3 * 100.0
    after = _disturbed(own, balance, dt_s)
    return own | {
        "Lvl": after,
        "HiAlm": (after > _HIGH_PERCENT).astype(np.float64),
        "LoAlm": (after < _low_percent(after)).astype(np.float64),
        "InVlv": (stuck | (flowing_in > 0.02)).astype(np.float64),
        "_in_m3_h": city,
        "_in_m3": city * dt_h,
    }


def _city_m3_h(own: Columns, lifted: Column, dt_s: float) -> Column:
    """What the utility delivers into each tank, mean of the step."""
    level, dt_h = own["Lvl"], dt_s / 3600.0
    found = np.zeros_like(level)
    basins = level[POTABLE]
    shut_s = CAPACITY_M3[0] / 100.0 / _FLOAT_M3_H_PER_PERCENT * 3600.0
    balanced = lag(basins, _FLOAT_SHUT_PERCENT - lifted / _FLOAT_M3_H_PER_PERCENT, dt_s, shut_s)
    inflow = lifted + (balanced - basins) / 100.0 * CAPACITY_M3[POTABLE] / dt_h
    stuck = own["_fault_overflow"][POTABLE] > 0.0
    found[POTABLE] = np.where(stuck, _STUCK_M3_H, np.clip(inflow, 0.0, _FLOAT_MAX_M3_H))
    reserve = level[FIRE]
    opened = (reserve < _FIRE_OPEN_PERCENT) | ((own["InVlv"][FIRE] > 0.0) & (reserve < _FIRE_SHUT_PERCENT - 0.01))
    room_m3 = np.maximum(_FIRE_SHUT_PERCENT - reserve, 0.0) / 100.0 * CAPACITY_M3[FIRE]
    found[FIRE] = opened * np.minimum(room_m3 / dt_h, _FIRE_FILL_M3_H)
    return found


def _disturbed(own: Columns, level: Column, dt_s: float) -> Column:
    """Overflow weirs below the brim, and what faults do to a level."""
    stuck = own["_fault_overflow"] > 0.0
    weir = np.full_like(level, _WEIR_PERCENT)
    weir[FIRE] = _FIRE_WEIR_PERCENT
    after = np.where(stuck, level, np.minimum(level, weir + np.maximum(level - weir, 0.0) * math.exp(-dt_s / _WEIR_S)))
    # Tanks without a float valve fill by what presses back into them.
    pressed = stuck.copy()
    pressed[POTABLE] = False
    after = np.where(pressed, lag(own["Lvl"], 99.0, dt_s, _EMPTYING_S), after)
    leaking = own["_fault_fire_low"] > 0.0
    leaking[: FIRE.start] = False
    after = np.where(leaking, lag(own["Lvl"], _FIRE_LEAKING_PERCENT, dt_s, _EMPTYING_S), after)
    after = np.where(own["_fault_empty"] > 0.0, lag(own["Lvl"], _DRAINED_PERCENT, dt_s, _EMPTYING_S), after)
    return np.clip(after, 0.0, _BRIM_PERCENT)


def _low_percent(level: Column) -> Column:
    low = np.full_like(level, _LOW_PERCENT)
    low[FIRE] = _FIRE_LOW_PERCENT
    return low


def _sumps_m3_h(around: Around) -> Column:
    """What the sump pumps take out of each waste tank."""
    flow: Column = around.plants["SMP"]["_flow_m3_h"].reshape(4, -1).sum(axis=1)
    return flow
