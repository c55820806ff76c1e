"""The chilled water as one body: heat comes in at the coils, chillers take it out, each as far as it can."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Column

HEAT_KWH_K: Final = 150.0 * 1.163
"""150 m³ of water in evaporators, headers, risers and coils."""
LEAK_KW_K: Final = HEAT_KWH_K / 40.0
"""Through the insulation: left alone the water follows its surroundings within 40 hours."""
_COILS_IDLE_C: Final = 25.0
"""Water as warm as the rooms takes nothing from them."""
_COILS_EASY_C: Final = 13.0
_PIECES: Final = 8
_NUDGE_K: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Heat:
    """Heat into the water at a temperature: ``kw - kw_k * t`` up to ``bend_c``, ``warm_kw - warm_kw_k * t`` above."""

    kw: float
    kw_k: float
    bend_c: float
    warm_kw: float
    warm_kw_k: float

    def at(self, water_c: float) -> tuple[float, float]:
        """The two numbers that hold there."""
        return (self.kw, self.kw_k) if water_c <= self.bend_c else (self.warm_kw, self.warm_kw_k)


def heat_into(water_c: float, coil_kw: float, pump_kw: float, around_c: float) -> Heat:
    """What coils, pumps and surroundings give. ``coil_kw`` was found with the water as it is: they give less to warmer.

    Control valves make up for colder water, so they give no more to that.
    """
    bend_c = min(max(water_c, _COILS_EASY_C), _COILS_IDLE_C - 1.0)
    slope = coil_kw / (_COILS_IDLE_C - bend_c)
    rest_kw = pump_kw + LEAK_KW_K * around_c
    return Heat(
        kw=coil_kw + rest_kw,
        kw_k=LEAK_KW_K,
        bend_c=bend_c,
        warm_kw=slope * _COILS_IDLE_C + rest_kw,
        warm_kw_k=slope + LEAK_KW_K,
    )


def taken_kw(water_c: float, aim_c: Column, limit_kw: Column, pull_kw_k: Column) -> Column:
    """What each chiller takes from returning water: down to its aim, up to its limit."""
    wanted: Column = pull_kw_k * (water_c - aim_c)
    return np.minimum(np.maximum(wanted, 0.0), limit_kw)


def settled_c(water_c: float, heat: Heat, aim_c: Column, limit_kw: Column, pull_kw_k: Column, dt_s: float) -> float:
    """Temperature of the returning water after ``dt_s``; exact, because heat is linear between a few bends.

    ``pull_kw_k`` is 1.163 x the flow through a chiller that runs, else 0.
    """
    left_h = dt_s / 3600.0
    able = pull_kw_k > 0.0
    full_c = aim_c[able] + limit_kw[able] / pull_kw_k[able]
    bends = [*aim_c[able].tolist(), *full_c.tolist(), heat.bend_c]
    for _ in range(_PIECES):
        kw, kw_k = heat.at(water_c)
        net_kw = kw - kw_k * water_c - float(taken_kw(water_c, aim_c, limit_kw, pull_kw_k).sum())
        probe_c = water_c + math.copysign(_NUDGE_K, net_kw)
        kw, kw_k = heat.at(probe_c)
        wanted = pull_kw_k * (probe_c - aim_c)
        at_work = (wanted > 0.0) & (wanted < limit_kw)
        kw -= float(limit_kw[(wanted >= limit_kw) & able].sum()) - float((pull_kw_k * aim_c)[at_work].sum())
        kw_k += float(pull_kw_k[at_work].sum())
        rest_c, per_h = kw / kw_k, kw_k / HEAT_KWH_K
        ahead = [bend for bend in bends if (probe_c < bend < rest_c) or (rest_c < bend < probe_c)]
        if not ahead:
            return rest_c + (water_c - rest_c) * math.exp(-per_h * left_h)
        bend_c = min(ahead, key=lambda bend, here=water_c: abs(bend - here))  # type: ignore[misc]
        needed_h = math.log((water_c - rest_c) / (bend_c - rest_c)) / per_h
        if needed_h >= left_h:
            return rest_c + (water_c - rest_c) * math.exp(-per_h * left_h)
        water_c, left_h = bend_c, left_h - needed_h
    return water_c
