"""Climate normals of Taipei, month by month, and what they mean for one day.

Temperature, rain, days with at least 0.1 mm and humidity follow the normals 1991-2020 of the Central Weather
Administration (中央氣象署) for station 466920 Taipei; sunshine follows its normals 1981-2010 (1,405 h a year). The
range of an average day and the spread of daily means about the season are assumptions after the same station's climate.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Final, NamedTuple

import numpy as np

TEMPERATURE_C: Final = (16.6, 17.2, 19.0, 22.5, 25.8, 28.3, 30.1, 29.7, 27.8, 24.7, 21.9, 18.2)
RAIN_MM: Final = (93.8, 129.4, 157.8, 151.4, 245.2, 354.6, 214.2, 336.5, 336.8, 162.6, 89.3, 96.9)
WET_DAYS: Final = (13.8, 13.6, 15.0, 14.0, 14.4, 15.6, 12.4, 14.4, 13.0, 11.5, 12.6, 13.1)
HUMIDITY_PERCENT: Final = (77.0, 79.0, 77.0, 76.0, 76.0, 76.0, 71.0, 73.0, 75.0, 75.0, 75.0, 76.0)
SUNSHINE_H: Final = (80.6, 71.3, 89.6, 92.6, 113.7, 121.7, 179.0, 188.9, 153.7, 124.0, 99.4, 90.7)
_RANGE_K: Final = (5.6, 5.8, 6.4, 6.8, 7.0, 7.2, 7.8, 7.4, 6.4, 5.6, 5.4, 5.4)
_SPREAD_K: Final = (2.9, 2.9, 3.0, 2.6, 2.0, 1.5, 0.9, 0.9, 1.3, 1.8, 2.3, 2.8)
_DAY_LENGTH_H: Final = (10.7, 11.3, 12.0, 12.8, 13.4, 13.7, 13.5, 13.0, 12.3, 11.6, 10.9, 10.6)
_DAYS: Final = (31.0, 28.25, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0)


class Normals(NamedTuple):
    """What is usual on one day of the year."""

    mean_c: float
    range_k: float
    spread_k: float
    humidity_percent: float
    sunshine: float
    """Part of the hours of daylight in which the sun shines."""
    wet: float
    """Probability of a day with rain."""


@lru_cache(maxsize=512)
def normals_on(ordinal: int) -> Normals:
    """The season on a day; from month to month without steps, and every month's mean is its normal."""
    day = date.fromordinal(ordinal)
    place = (day.timetuple().tm_yday - 1) / 365.25 * 12.0
    return Normals(*(_between(knots, place) for knots in _knots()))


def month_index(ordinal: int) -> int:
    """0 for January."""
    return date.fromordinal(ordinal).month - 1


def _between(knots: Sequence[float], place: float) -> float:
    """Straight between the middles of the months."""
    before = int(np.floor(place - 0.5))
    part = place - 0.5 - before
    return (1.0 - part) * knots[before % 12] + part * knots[(before + 1) % 12]


@cache
def _knots() -> tuple[tuple[float, ...], ...]:
    sunshine = [hours / days / length for hours, days, length in zip(SUNSHINE_H, _DAYS, _DAY_LENGTH_H, strict=True)]
    wet = [days / month for days, month in zip(WET_DAYS, _DAYS, strict=True)]
    tables: tuple[Sequence[float], ...] = (TEMPERATURE_C, _RANGE_K, _SPREAD_K, HUMIDITY_PERCENT, sunshine, wet)
    return tuple(_sharpened(table) for table in tables)


def _sharpened(table: Sequence[float]) -> tuple[float, ...]:
    """Values for the middles of the months, chosen so that the straight lines between them have the table's means."""
    weights = 0.75 * np.eye(12) + 0.125 * (np.roll(np.eye(12), 1, axis=1) + np.roll(np.eye(12), -1, axis=1))
    return tuple(float(value) for value in np.linalg.solve(weights, np.asarray(table)))
