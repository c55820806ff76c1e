"""Moist air at sea level: humidity ratios in kg water per kg dry air, heats in kW."""

import math
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Column

KWH_M3_K: Final = 0.000335
"""Heat that a cubic metre of air carries per kelvin: 1.2 kg/m³ x 1.006 kJ/(kg K)."""
KG_M3: Final = 1.2
LATENT_KWH_KG: Final = 2501.0 / 3600.0
"""Heat that a kilogram of water vapour gives up when it condenses."""
_ATMOSPHERE_KPA: Final = 101.325
_WATER_TO_AIR: Final = 0.622


def saturation_ratio(t: Column) -> Column:
    """Humidity ratio of saturated air, within 1 % for 0..45 °C."""
    vapour_kpa = _saturation_kpa(t)
    return np.asarray(_WATER_TO_AIR * vapour_kpa / (_ATMOSPHERE_KPA - vapour_kpa), dtype=np.float64)


def humidity_ratio(t: float, rh: float) -> float:
    """Humidity ratio of air at ``rh`` percent."""
    vapour_kpa = rh / 100.0 * 0.6112 * math.exp(17.62 * t / (t + 243.12))
    return _WATER_TO_AIR * vapour_kpa / (_ATMOSPHERE_KPA - vapour_kpa)


def relative_humidity(t: Column, ratio: Column) -> Column:
    """Relative humidity in percent; indoor air is never quite saturated."""
    vapour_kpa = _ATMOSPHERE_KPA * ratio / (_WATER_TO_AIR + ratio)
    return np.minimum(99.0, 100.0 * vapour_kpa / _saturation_kpa(t))


def _saturation_kpa(t: Column) -> Column:
    """Magnus formula with the WMO's coefficients."""
    return np.asarray(0.6112 * np.exp(17.62 - 17.62 * 243.12 / (t + 243.12)), dtype=np.float64)
