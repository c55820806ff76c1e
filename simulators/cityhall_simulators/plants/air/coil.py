"""Chilled-water coils behind a two-way valve."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.air.moist import KG_M3, KWH_M3_K, LATENT_KWH_KG, saturation_ratio
from cityhall_simulators.plants.common import Around, Column

_WET_COIL_RH: Final = 0.95
"""Air leaves a wet coil almost saturated."""
_DRYING_ABOVE: Final = 0.25
"""Share of its full effectiveness from which the whole face of a coil is below the dew point."""


def chilled_water(around: Around) -> tuple[float, float]:
    """Supply temperature in °C, and the share 0..1 of the wanted flow that the pumps deliver."""
    plant = around.plants["PLT"]
    return float(plant["CHWS_T"][0]), float(plant["_flow_part"][0])


def effect_of(opening: Column) -> Column:
    """Part of a coil's full effectiveness at a valve opening 0..1: half the stroke gives three quarters."""
    return opening * (2.0 - opening)


def opening_for(effect: Column) -> Column:
    """The valve opening 0..1 that gives a part of the full effectiveness; the inverse of :func:`effect_of`."""
    return np.asarray(1.0 - np.sqrt(1.0 - np.minimum(1.0, np.maximum(0.0, effect))), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Leaving:
    """Air behind a coil, and the heat that the coil put into the water."""

    t: Column
    ratio: Column
    kw: Column


def cooled(t: Column, ratio: Column, flow_m3_h: Column, effectiveness: Column, water_t: float) -> Leaving:
    """Air that passed a coil: drier when the coil is colder than its dew point. A coil never heats here."""
    leaving_t = t - effectiveness * np.maximum(0.0, t - water_t)
    condensing = np.minimum(1.0, effectiveness / _DRYING_ABOVE)
    dried = condensing * np.maximum(0.0, ratio - _WET_COIL_RH * saturation_ratio(leaving_t))
    kw = flow_m3_h * (KWH_M3_K * (t - leaving_t) + KG_M3 * LATENT_KWH_KG * dried)
    return Leaving(leaving_t, ratio - dried, kw)
