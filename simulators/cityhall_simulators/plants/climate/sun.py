"""Where the sun stands over Taipei city hall, and how much of it a clear sky lets through."""

import math
from typing import Final

_LATITUDE_RAD: Final = math.radians(25.04)
_LONGITUDE_DEG: Final = 121.56
_MERIDIAN_DEG: Final = 120.0
"""Of the zone's time, UTC+8."""


def sine_of_elevation(day_of_year: int, hour: float) -> float:
    """Sine of the sun's elevation at a local clock time (Cooper 1969; equation of time by Spencer 1971)."""
    year = 2.0 * math.pi * (day_of_year - 1) / 365.0
    declination = math.radians(23.45) * math.sin(2.0 * math.pi * (284 + day_of_year) / 365.0)
    ahead_min = 229.18 * (
        0.000075
        + 0.001868 * math.cos(year)
        - 0.032077 * math.sin(year)
        - 0.014615 * math.cos(2.0 * year)
        - 0.040849 * math.sin(2.0 * year)
    )
    solar_hour = hour + (_LONGITUDE_DEG - _MERIDIAN_DEG) / 15.0 + ahead_min / 60.0
    return math.sin(_LATITUDE_RAD) * math.sin(declination) + math.cos(_LATITUDE_RAD) * math.cos(declination) * math.cos(
        math.pi / 12.0 * (solar_hour - 12.0)
    )


def clear_sky_w_m2(sine: float) -> float:
    """Global horizontal radiation without clouds (Haurwitz 1945)."""
    return 1098.0 * sine * math.exp(-0.057 / sine) if sine > 1e-3 else 0.0
