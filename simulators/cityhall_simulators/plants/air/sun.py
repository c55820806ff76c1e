"""Sun on the two façades of the building."""

import math
from typing import Final

from cityhall_simulators.plants.moment import Moment

_LATITUDE: Final = math.radians(25.04)
_DIFFUSE: Final = 0.35
"""A vertical façade sees this part of the horizontal irradiance whatever the sun's place: half the sky, some ground."""
_BEAM: Final = 0.60
_LOW_SUN: Final = 0.20
"""Neighbouring buildings hide a sun that stands lower than this (sine of its height)."""


def facades_w_m2(moment: Moment) -> tuple[float, float]:
    """Irradiance on the east and the west façade; solar geometry after Cooper (1969)."""
    if moment.solar_w_m2 <= 0.0:
        return 0.0, 0.0
    declination = math.radians(23.45) * math.sin(2.0 * math.pi * (284.0 + moment.day_of_year) / 365.0)
    hour_angle = math.radians(15.0 * (moment.hour - 12.0))
    height = math.sin(_LATITUDE) * math.sin(declination)
    height += math.cos(_LATITUDE) * math.cos(declination) * math.cos(hour_angle)
    west = math.cos(declination) * math.sin(hour_angle) / max(_LOW_SUN, height)
    base, beam = _DIFFUSE * moment.solar_w_m2, _BEAM * moment.solar_w_m2
    return base + beam * max(0.0, -west), base + beam * max(0.0, west)
