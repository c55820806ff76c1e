"""One day's weather as a whole: how warm, how cloudy, how wet, how windy."""

import math
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from cityhall_simulators.plants.climate import chance
from cityhall_simulators.plants.climate.air import dew_point
from cityhall_simulators.plants.climate.normals import Normals, normals_on
from cityhall_simulators.plants.climate.rain import Shower, showers_of
from cityhall_simulators.plants.climate.spells import HEAT_MAX_C, Typhoon, heat_days, typhoon_near

_TEMPERATURE, _CLOUD, _WIND, _WIND_TURN = range(4)
"""Which of a day's normal draws is whose."""
_TEMPERATURE_MEMORY: Final = 0.65
_CLOUD_MEMORY: Final = 0.35
_WIND_MEMORY: Final = 0.5
_FAR: Final = 2.5
"""Standard deviations beyond which no day lies: records of a century are not broken every year."""
_SUN_WARMS_K: Final = 1.2
_CLOUD_PERCENT: Final = 20.0
"""By so much the darkest day is more humid than the clearest."""
_SWING_PERCENT: Final = 2.5
"""By so much a day's mean humidity is above that at its mean temperature, with rain and the daily course."""
_DEW_MAX_C: Final = 26.5
_RAIN_COOLS_K: Final = 0.35
"""By so much rain cools the mean of a wet day."""
_HEAT_RANGE_K: Final = 9.0
_WIND_M_S: Final = 2.2
_WIND_FROM_DEG: Final = 95.0


class Day(NamedTuple):
    """A day's weather; ``dew_c`` is the dew point, ``sunshine`` the sunny part of its daylight."""

    mean_c: float
    range_k: float
    dew_c: float
    sunshine: float
    wind_m_s: float
    wind_deg: float
    showers: tuple[Shower, ...]
    storm: Typhoon | None


@lru_cache(maxsize=512)
def day_of(ordinal: int, seed: int) -> Day:
    """The weather of a day, known by its date and the seed alone."""
    usual, storm = normals_on(ordinal), typhoon_near(ordinal, seed)
    hot = ordinal in heat_days(date.fromordinal(ordinal).year, seed)
    cloud = _cloud(ordinal, seed, hot=hot, storm=storm)
    # The cloudiest days are the wet ones, and the sunny part averages to what is usual whatever its shape.
    wet = cloud > 1.0 - usual.wet
    sunshine = (1.0 - cloud) ** (1.0 / usual.sunshine - 1.0)
    range_k = _HEAT_RANGE_K if hot else usual.range_k * (0.7 + 0.3 * sunshine / usual.sunshine)
    mean_c = _mean_c(ordinal, seed, usual, sunshine, range_k if hot else None)
    humidity = usual.humidity_percent - _SWING_PERCENT + _CLOUD_PERCENT * (cloud - 0.5)
    wind = math.exp(0.35 * _bounded(chance.correlated(ordinal, seed, _WIND, _WIND_MEMORY)))
    return Day(
        mean_c=mean_c,
        range_k=range_k,
        dew_c=min(_DEW_MAX_C, dew_point(mean_c, humidity)),
        sunshine=sunshine,
        wind_m_s=_WIND_M_S * wind,
        wind_deg=_WIND_FROM_DEG + 35.0 * _bounded(chance.correlated(ordinal, seed, _WIND_TURN, _WIND_MEMORY)),
        showers=showers_of(ordinal, seed, wet=wet, storm=storm),
        storm=storm,
    )


def _cloud(ordinal: int, seed: int, *, hot: bool, storm: Typhoon | None) -> float:
    """How cloudy among all days of the season, 0 the clearest and 1 the darkest."""
    cloud = chance.cumulative(_bounded(chance.correlated(ordinal, seed, _CLOUD, _CLOUD_MEMORY)))
    if storm is not None:
        return 0.85 + 0.14 * cloud
    return 0.4 * cloud if hot else cloud


def _mean_c(ordinal: int, seed: int, usual: Normals, sunshine: float, hot_range_k: float | None) -> float:
    if hot_range_k is not None:
        lowest, highest = HEAT_MAX_C
        return lowest + (highest - lowest) * chance.of_day(ordinal, seed)[-1] - hot_range_k / 2.0
    apart = _bounded(chance.correlated(ordinal, seed, _TEMPERATURE, _TEMPERATURE_MEMORY))
    usually_c = usual.mean_c + _RAIN_COOLS_K * usual.wet
    return usually_c + usual.spread_k * apart + _SUN_WARMS_K * (sunshine - usual.sunshine)


def _bounded(normal: float) -> float:
    return max(-_FAR, min(_FAR, normal))
