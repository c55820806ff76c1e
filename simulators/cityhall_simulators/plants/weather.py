"""Weather of Taipei, and when the building is used: functions of local time alone."""

import math
from datetime import datetime

import numpy as np

from cityhall_simulators.plants.common import Columns, Surroundings, full, slow_noise

_OCCUPANCY_HOURS = (0.0, 6.5, 8.0, 9.0, 12.0, 12.5, 13.5, 17.0, 18.5, 21.0, 24.0)
_OCCUPANCY = (0.02, 0.03, 0.75, 1.0, 0.95, 0.7, 1.0, 0.95, 0.25, 0.05, 0.02)


def surroundings(local: datetime, phase: float) -> Surroundings:
    """Weather and occupancy at a local time (zone-aware or naive, read as it stands)."""
    hour = local.hour + local.minute / 60.0 + local.second / 3600.0 + local.microsecond / 3.6e9
    epoch_s = local.toordinal() * 86_400.0 + hour * 3600.0
    workday = local.weekday() < 5
    outdoor_t = _outdoor_t(local.timetuple().tm_yday, hour) + 0.5 * float(slow_noise(epoch_s, phase)[0])
    rh = float(np.clip(108.0 - 1.25 * outdoor_t + 3.0 * float(slow_noise(epoch_s, phase + 1.0)[0]), 35.0, 99.0))
    clouds = 0.75 + 0.25 * float(slow_noise(epoch_s, phase + 2.0)[0])
    return Surroundings(
        epoch_s=epoch_s,
        hour=hour,
        workday=workday,
        occupancy=float(np.interp(hour, _OCCUPANCY_HOURS, _OCCUPANCY)) * (1.0 if workday else 0.08),
        air_conditioning=workday and 8.0 <= hour < 17.5,
        outdoor_t=outdoor_t,
        outdoor_rh=rh,
        outdoor_wb=wet_bulb(outdoor_t, rh),
        solar_w_m2=max(0.0, 950.0 * math.sin(math.pi * (hour - 5.5) / 13.0)) * max(clouds, 0.2)
        if 5.5 < hour < 18.5
        else 0.0,
    )


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


def _outdoor_t(day_of_year: int, hour: float) -> float:
    season = 23.0 + 7.0 * math.cos(2.0 * math.pi * (day_of_year - 200) / 365.0)
    return season + 3.2 * math.cos(2.0 * math.pi * (hour - 14.0) / 24.0)


def initial(units: int) -> Columns:
    """Columns of weather stations before the first step."""
    return full(units, OAT=28.0, RH=70.0, WB=24.0, Solar=0.0, Rain=0.0, WindSpd=2.0, WindDir=90.0, Lux=0.0)


def step(columns: Columns, around: Surroundings, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """A station shows the weather around it."""
    units = len(columns["OAT"])
    gusts = slow_noise(around.epoch_s * 5.0, 4.0, units)
    showers = np.maximum(0.0, slow_noise(around.epoch_s / 3.0, 5.0, units) - 0.9) * 40.0
    return columns | {
        "OAT": np.full(units, around.outdoor_t),
        "RH": np.full(units, around.outdoor_rh),
        "WB": np.full(units, around.outdoor_wb),
        "Solar": np.full(units, around.solar_w_m2),
        "Rain": showers,
        "WindSpd": np.maximum(0.1, 2.5 + 1.2 * gusts + 0.3 * rng.standard_normal(units)),
        "WindDir": np.mod(110.0 + 40.0 * gusts, 360.0),
        "Lux": np.full(units, 110.0 * around.solar_w_m2),
    }
