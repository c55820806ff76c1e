"""The weather at an hour: days joined without steps, the sun's course, drifting clouds, showers, gales."""

import math
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from cityhall_simulators.plants.climate.air import vapour_hpa, wet_bulb
from cityhall_simulators.plants.climate.day import Day, day_of
from cityhall_simulators.plants.climate.rain import Shower
from cityhall_simulators.plants.climate.spells import Typhoon
from cityhall_simulators.plants.climate.sun import clear_sky_w_m2, sine_of_elevation

_COLDEST_H: Final = 5.5
_WARMEST_H: Final = 13.4
_EVENING_BEND: Final = 0.75
"""Below 1: it cools faster in the evening than before dawn."""
_COURSE_OFFSET: Final = 0.1149
"""Brings the mean of the daily course to zero."""
_OVERCAST: Final = 0.25
"""Part of the clear sky's radiation that comes through on a day without sunshine."""
_RAIN_DARKENS: Final = 0.75
_DRIFT_S: Final = (613.0, 1_741.0, 6_007.0)
_RAIN_COOLS: Final = 0.85
"""Part of the way to its wet bulb that lasting rain takes the air."""
_PSYCHROMETER_HPA_K: Final = 0.66
"""Vapour that the air takes up per kelvin of evaporative cooling, at sea level."""
_HUMIDITY_MAX: Final = 99.0
_GALE_H: Final = 9.0
_GALE_TURNS_DEG: Final = 150.0


class Outdoors(NamedTuple):
    """The weather at one time. Temperatures in °C, wind direction is where it comes from."""

    t: float
    rh: float
    wb: float
    solar_w_m2: float
    clearness: float
    rain_mm_h: float
    wind_m_s: float
    wind_deg: float


class _Today(NamedTuple):
    """A day with its neighbours; showers of yesterday, which may last, in hours of today."""

    yesterday: Day
    today: Day
    tomorrow: Day
    showers: tuple[Shower, ...]
    day_of_year: int


@lru_cache(maxsize=64)
def _today(ordinal: int, seed: int) -> _Today:
    yesterday, today, tomorrow = (day_of(ordinal + offset, seed) for offset in (-1, 0, 1))
    lasting = tuple(shower._replace(begin_h=shower.begin_h - 24.0) for shower in yesterday.showers)
    day_of_year = date.fromordinal(ordinal).timetuple().tm_yday
    return _Today(yesterday, today, tomorrow, lasting + today.showers, day_of_year)


def outdoors_at(ordinal: int, hour: float, seed: int) -> Outdoors:
    """The weather at an hour, 0 to 24, of a day."""
    here = _today(ordinal, seed)
    before, after, part = _neighbours(here, hour)
    damp, squall_m_s = _showers_feel(here.showers, hour)
    swing_k = 0.5 * ((1.0 - part) * before.range_k + part * after.range_k) * _daily_course(hour)
    dry_t = (1.0 - part) * before.mean_c + part * after.mean_c + swing_k
    t, rh = _rained_on(dry_t, vapour_hpa((1.0 - part) * before.dew_c + part * after.dew_c), damp)
    clearness = _clearness(here, ordinal * 86_400.0 + hour * 3_600.0, hour, seed) * (1.0 - _RAIN_DARKENS * damp)
    wind_m_s, wind_deg = _wind(here.today.storm, ordinal, hour, before, after, part)
    return Outdoors(
        t=t,
        rh=rh,
        wb=min(t, wet_bulb(t, rh)),
        solar_w_m2=clearness * clear_sky_w_m2(sine_of_elevation(here.day_of_year, hour)),
        clearness=clearness,
        rain_mm_h=sum(shower.rate_mm_h(hour) for shower in here.showers),
        wind_m_s=wind_m_s + squall_m_s,
        wind_deg=wind_deg % 360.0,
    )


def _neighbours(here: _Today, hour: float) -> tuple[Day, Day, float]:
    """The two days whose noons this hour lies between, and how far it is to the second."""
    if hour < 12.0:
        return here.yesterday, here.today, (hour + 12.0) / 24.0
    return here.today, here.tomorrow, (hour - 12.0) / 24.0


def _daily_course(hour: float) -> float:
    """Lowest at the coldest hour, 2 above that at the warmest, 0 on average over a day."""
    rises_h = _WARMEST_H - _COLDEST_H
    if _COLDEST_H <= hour <= _WARMEST_H:
        return _COURSE_OFFSET - math.cos(math.pi * (hour - _COLDEST_H) / rises_h)
    part = ((hour - _WARMEST_H) % 24.0) / (24.0 - rises_h)
    return _COURSE_OFFSET + math.cos(math.pi * math.pow(part, _EVENING_BEND))


def _showers_feel(showers: tuple[Shower, ...], hour: float) -> tuple[float, float]:
    """How damp the showers make the air (0..1), and the wind that they bring."""
    damps = [(shower.damp(hour), shower.squall_m_s) for shower in showers]
    damp = max((each for each, _ in damps), default=0.0)
    return damp, max((each * squall_m_s for each, squall_m_s in damps), default=0.0)


def _rained_on(dry_t: float, vapour: float, damp: float) -> tuple[float, float]:
    """Temperature and humidity after rain: what evaporates cools the air towards its wet bulb and stays in it."""
    rh = min(_HUMIDITY_MAX, 100.0 * vapour / vapour_hpa(dry_t))
    cooled_k = _RAIN_COOLS * damp * max(0.0, dry_t - wet_bulb(dry_t, rh))
    t = dry_t - cooled_k
    return t, min(_HUMIDITY_MAX, 100.0 * (vapour + _PSYCHROMETER_HPA_K * cooled_k) / vapour_hpa(t))


def _clearness(here: _Today, epoch_s: float, hour: float, seed: int) -> float:
    """Part of the clear sky's radiation that comes through; clouds drift most on days neither clear nor overcast."""
    part = min(1.0, hour / _COLDEST_H)
    sunny = (1.0 - part) * here.yesterday.sunshine + part * here.today.sunshine
    drift = sum(math.sin(2.0 * math.pi * epoch_s / period_s + seed % 97) for period_s in _DRIFT_S) / len(_DRIFT_S)
    sunny = min(1.0, max(0.0, sunny + 2.0 * sunny * (1.0 - sunny) * drift))
    return _OVERCAST + (1.0 - _OVERCAST) * sunny


def _wind(
    storm: Typhoon | None, ordinal: int, hour: float, before: Day, after: Day, part: float
) -> tuple[float, float]:
    """Calmer at night than in the afternoon; a typhoon's gale rises, turns from north-east to west, and falls."""
    m_s = ((1.0 - part) * before.wind_m_s + part * after.wind_m_s) * (
        1.0 + 0.35 * math.cos(math.pi / 12.0 * (hour - 14.0))
    )
    deg = (1.0 - part) * before.wind_deg + part * after.wind_deg
    if storm is None:
        return m_s, deg
    since_h = (ordinal - storm.ordinal) * 24.0 + hour - storm.hour
    gale = math.exp(-((since_h / _GALE_H) ** 2))
    turned = -_GALE_TURNS_DEG * (0.5 + math.atan(since_h / 4.0) / math.pi)
    return m_s + storm.wind_m_s * gale, deg + gale * (45.0 - deg + turned)
