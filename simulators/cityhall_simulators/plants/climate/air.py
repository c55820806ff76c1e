"""Moist air near the ground: vapour pressure, dew point, wet bulb. Temperatures in °C, humidity in percent."""

import math


def vapour_hpa(dew_point_c: float) -> float:
    """Vapour pressure of air with a dew point; of air at its dew point, its saturation pressure (Magnus, WMO-No. 8)."""
    return 6.112 * math.exp(17.62 * dew_point_c / (243.12 + dew_point_c))


def dew_point(dry_bulb_c: float, rh_percent: float) -> float:
    """Temperature at which this air is saturated."""
    part = math.log(rh_percent / 100.0) + 17.62 * dry_bulb_c / (243.12 + dry_bulb_c)
    return 243.12 * part / (17.62 - part)


def wet_bulb(dry_bulb_c: float, rh_percent: float) -> float:
    """Wet-bulb temperature at sea level (Stull 2011), within 0.7 K for 5..99 %RH."""
    rh = rh_percent
    found: float = (
        dry_bulb_c * math.atan(0.151977 * math.sqrt(rh + 8.313659))
        + math.atan(dry_bulb_c + rh)
        - math.atan(rh - 1.676331)
        + 0.00391838 * rh**1.5 * math.atan(0.023101 * rh)
        - 4.686035
    )
    return found
