"""Weather stations, and what follows from temperature and humidity."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, Plant, full, slow_noise


def wet_bulb(dry_bulb_c: float, rh_percent: float) -> float:
    """Wet-bulb temperature in °C at sea level (Stull 2011), within 0.7 K for 5..99 %RH."""
    rh = rh_percent
    found: float = (
        dry_bulb_c * math.atan(0.151977 * math.sqrt(rh + 8.313659))
        + math.atan(dry_bulb_c + rh)
        - math.atan(rh - 1.676331)
        + 0.00391838 * rh**1.5 * math.atan(0.023101 * rh)
        - 4.686035
    )
    return found


def initial(units: int) -> Columns:
    """Columns of weather stations before the first step."""
    return full(units, OAT=28.0, RH=70.0, WB=24.0, Solar=0.0, Rain=0.0, WindSpd=2.0, WindDir=90.0, Lux=0.0)


def step(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """A station shows the weather around it."""
    units = len(columns["OAT"])
    gusts = slow_noise(around.moment.epoch_s * 5.0, 4.0, units)
    return columns | {
        "OAT": np.full(units, around.moment.outdoor_t),
        "RH": np.full(units, around.moment.outdoor_rh),
        "WB": np.full(units, around.moment.outdoor_wb),
        "Solar": np.full(units, around.moment.solar_w_m2),
        "Rain": np.full(units, around.moment.rain_mm_h),
        "WindSpd": np.maximum(0.1, 2.5 + 1.2 * gusts + 0.3 * rng.standard_normal(units)),
        "WindDir": np.mod(110.0 + 40.0 * gusts, 360.0),
        "Lux": np.full(units, 110.0 * around.moment.solar_w_m2),
    }


PLANTS: Final[Mapping[str, Plant]] = {"WX": Plant(initial, step)}
