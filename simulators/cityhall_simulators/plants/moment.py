"""Weather, calendar and people at one local time."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np


@dataclass(frozen=True, slots=True)
class Moment:
    """Weather, calendar and people at one local time. Temperatures in °C."""

    epoch_s: float
    hour: float
    year: int
    day_of_year: int
    workday: bool
    occupancy: float
    visitors: float
    air_conditioning: bool
    outdoor_t: float
    outdoor_rh: float
    outdoor_wb: float
    solar_w_m2: float
    clearness: float
    rain_mm_h: float
    wind_m_s: float
    wind_deg: float
    typhoon: bool


_OCCUPANCY_HOURS = (0.0, 6.5, 8.0, 9.0, 12.0, 12.5, 13.5, 17.0, 18.5, 21.0, 24.0)
_OCCUPANCY = (0.02, 0.03, 0.75, 1.0, 0.95, 0.7, 1.0, 0.95, 0.25, 0.05, 0.02)


def moment_at(local: datetime, seed: int) -> Moment:  # noqa: ARG001
    """The world at a local time."""
    hour = local.hour + local.minute / 60.0 + local.second / 3600.0 + local.microsecond / 3.6e9
    day = local.timetuple().tm_yday
    workday = local.weekday() < 5
    t = (
        23.0
        + 7.0 * math.cos(2.0 * math.pi * (day - 200) / 365.0)
        + 3.2 * math.cos(2.0 * math.pi * (hour - 14.0) / 24.0)
    )
    rh = min(99.0, max(35.0, 108.0 - 1.25 * t))
    occupancy = float(np.interp(hour, _OCCUPANCY_HOURS, _OCCUPANCY)) * (1.0 if workday else 0.08)
    solar = max(0.0, 950.0 * math.sin(math.pi * (hour - 5.5) / 13.0)) * 0.75 if 5.5 < hour < 18.5 else 0.0
    return Moment(
        epoch_s=local.toordinal() * 86_400.0 + hour * 3600.0, hour=hour, year=local.year, day_of_year=day,
        workday=workday, occupancy=occupancy, visitors=occupancy, air_conditioning=workday and 8.0 <= hour < 17.5,
        outdoor_t=t, outdoor_rh=rh, outdoor_wb=t - (100.0 - rh) / 8.0, solar_w_m2=solar, clearness=0.7, rain_mm_h=0.0,
        wind_m_s=2.5, wind_deg=110.0, typhoon=False,
    )  # fmt: skip
