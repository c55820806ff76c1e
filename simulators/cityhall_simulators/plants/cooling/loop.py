"""The chilled water as one body: heat comes in at the coils, chillers take it out, each as far as it can."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

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
    """Heat into the water at a temperature: ``kw - kw_k * t`` up to ``bend_c``, ``warm_kw - warm_kw_k * t`` above.

    Water as warm as the rooms gets ``idle_kw - kw_k * t``.
    """

    kw: float
    kw_k: float
    bend_c: float
    warm_kw: float
    warm_kw_k: float
    idle_kw: float

    def at(self, water_c: float) -> tuple[float, float]:
        """The two numbers that hold there."""
        if water_c > _COILS_IDLE_C:
            return self.idle_kw, self.kw_k
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
        idle_kw=rest_kw,
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """How a step went: the returning water at its end and in its mean, and what each chiller took in its mean."""

    end_c: float
    mean_c: float
    taken_kw: Column


def settled(water_c: float, heat: Heat, aim_c: Column, limit_kw: Column, pull_kw_k: Column, dt_s: float) -> Settled:
    """Let water that returns at ``water_c`` settle for ``dt_s``; exact, because heat is linear between a few bends.

    A chiller takes ``pull_kw_k`` times what the water is above its aim, up to its limit; ``pull_kw_k`` is 1.163 x its
    flow while it runs, else 0.
    """
    able = pull_kw_k > 0.0
    full_c = aim_c[able] + limit_kw[able] / pull_kw_k[able]
    bends = [*aim_c[able].tolist(), *full_c.tolist(), heat.bend_c, _COILS_IDLE_C]
    piece = _Piece.at(water_c, heat, aim_c, limit_kw, pull_kw_k)
    left_h, degree_h, taken_kwh = dt_s / 3600.0, 0.0, np.zeros_like(aim_c)
    for _ in range(_PIECES):
        bend_c = piece.next_of(bends)
        lasts_h = left_h if bend_c is None else min(left_h, piece.until_h(bend_c))
        passed = piece.degree_h(lasts_h)
        degree_h += passed
        taken_kwh += piece.steep_kw_k * passed + piece.flat_kw * lasts_h
        left_h -= lasts_h
        if bend_c is None or left_h <= 0.0:
            water_c = piece.after(lasts_h)
            break
        water_c = bend_c
        piece = _Piece.at(water_c, heat, aim_c, limit_kw, pull_kw_k)
    hours = dt_s / 3600.0 - max(left_h, 0.0)
    return Settled(water_c, degree_h / hours, taken_kwh / hours)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A range of temperatures in which everything is linear; the water approaches ``rest_c`` at ``per_h``."""

    begin_c: float
    probe_c: float
    rest_c: float
    per_h: float
    steep_kw_k: Column
    flat_kw: Column
    """Each chiller takes ``steep_kw_k`` x temperature + ``flat_kw``."""

    @classmethod
    def at(cls, water_c: float, heat: Heat, aim_c: Column, limit_kw: Column, pull_kw_k: Column) -> Self:
        """The piece that begins at a temperature, on the side to which the water moves."""
        kw, kw_k = heat.at(water_c)
        wanted = np.minimum(np.maximum(pull_kw_k * (water_c - aim_c), 0.0), limit_kw)
        probe_c = water_c + math.copysign(_NUDGE_K, kw - kw_k * water_c - float(wanted.sum()))
        kw, kw_k = heat.at(probe_c)
        wanted = pull_kw_k * (probe_c - aim_c)
        steep = pull_kw_k * ((wanted > 0.0) & (wanted < limit_kw))
        flat = limit_kw * ((wanted >= limit_kw) & (pull_kw_k > 0.0)) - steep * aim_c
        kw, kw_k = kw - float(flat.sum()), kw_k + float(steep.sum())
        return cls(water_c, probe_c, kw / kw_k, kw_k / HEAT_KWH_K, steep, flat)

    def next_of(self, bends: Sequence[float]) -> float | None:
        """The first bend on the way, if there is one."""
        here, rest = self.probe_c, self.rest_c
        ahead = [bend for bend in bends if here < bend < rest or rest < bend < here]
        return min(ahead, key=lambda bend: abs(bend - here)) if ahead else None

    def until_h(self, bend_c: float) -> float:
        """Hours to a bend on the way."""
        return math.log((self.begin_c - self.rest_c) / (bend_c - self.rest_c)) / self.per_h

    def after(self, hours: float) -> float:
        """Temperature then."""
        return self.rest_c + (self.begin_c - self.rest_c) * math.exp(-self.per_h * hours)

    def degree_h(self, hours: float) -> float:
        """Temperature summed over time."""
        return self.rest_c * hours - (self.begin_c - self.rest_c) * math.expm1(-self.per_h * hours) / self.per_h
