"""Weather, calendar and people at one local time: everything that a plant meets and cannot influence."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from cityhall_simulators.plants import people
from cityhall_simulators.plants.calendar import is_workday
from cityhall_simulators.plants.climate.outdoors import outdoors_at
from cityhall_simulators.plants.climate.spells import typhoon_near

_AIR_CONDITIONING_H: Final = (8.0, 17.5)


@dataclass(frozen=True, slots=True)
class Moment:
    """Weather, calendar and people at one local time. Temperatures in °C.

    ``epoch_s`` counts local seconds from the proleptic day 0. ``occupancy`` is the part of the staff that is present,
    ``visitors`` the part of the busiest hour's. ``solar_w_m2`` is global horizontal radiation, ``clearness`` the part
    of a clear sky's that comes through; ``wind_deg`` is where the wind comes from. On a ``typhoon`` day offices are
    closed (停班), so it is no workday.
    """

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


def moment_at(local: datetime, seed: int) -> Moment:
    """The world at a local time; the same time and seed give the same world, whatever was asked before."""
    ordinal = local.toordinal()
    second = local.hour * 3_600.0 + local.minute * 60.0 + local.second + local.microsecond / 1e6
    hour = second / 3_600.0
    day_of_year, weekday, workday, typhoon = _day(ordinal, seed)
    office = people.OfficeHour(hour, weekday, workday, typhoon)
    weather = outdoors_at(ordinal, hour, seed)
    begins_h, ends_h = _AIR_CONDITIONING_H
    return Moment(
        epoch_s=ordinal * 86_400.0 + second,
        hour=hour,
        year=local.year,
        day_of_year=day_of_year,
        workday=workday,
        occupancy=people.occupancy(office),
        visitors=people.visitors(office),
        air_conditioning=workday and begins_h <= hour < ends_h,
        outdoor_t=weather.t,
        outdoor_rh=weather.rh,
        outdoor_wb=weather.wb,
        solar_w_m2=weather.solar_w_m2,
        clearness=weather.clearness,
        rain_mm_h=weather.rain_mm_h,
        wind_m_s=weather.wind_m_s,
        wind_deg=weather.wind_deg,
        typhoon=typhoon,
    )


@lru_cache(maxsize=64)
def _day(ordinal: int, seed: int) -> tuple[int, int, bool, bool]:
    """Day of the year, day of the week, whether offices work, whether a typhoon closes them."""
    day = date.fromordinal(ordinal)
    storm = typhoon_near(ordinal, seed)
    typhoon = storm is not None and storm.ordinal == ordinal
    return day.timetuple().tm_yday, day.weekday(), is_workday(day) and not typhoon, typhoon
