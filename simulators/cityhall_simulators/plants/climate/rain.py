"""Rain as showers of a day: winter's long drizzle, plum rains, summer's thunderstorms in the afternoon, typhoons."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from cityhall_simulators.plants.climate import chance
from cityhall_simulators.plants.climate.normals import RAIN_MM, WET_DAYS, month_index
from cityhall_simulators.plants.climate.spells import Typhoon, expected_typhoon_mm

_SHAPE: Final = 0.75
"""Of the Weibull distribution of a wet day's rain: many drizzles, a few downpours."""
_MEAN_OF_SHAPE: Final = math.gamma(1.0 + 1.0 / _SHAPE)
_DAY_MM_MAX: Final = 180.0
_THUNDER: Final = (0.0, 0.0, 0.0, 0.10, 0.30, 0.60, 0.80, 0.75, 0.40, 0.05, 0.0, 0.0)
"""Part of each month's wet days that are afternoon thunderstorms."""
_PLUM_RAINS: Final = ((5, 10), (6, 20))
_SQUALL_M_S: Final = 5.0
_DRYING_H: Final = 1.5
_TYPHOON_SHARES: Final = {-1: (0.06, 0.08), 0: (0.14, 0.20, 0.22, 0.14, 0.08), 1: (0.05, 0.03)}
_TYPHOON_BEGINS_H: Final = {-1: 14.0, 0: 0.5, 1: 1.0}


class Shower(NamedTuple):
    """Rain that swells and fades: ``mm`` in all, from ``begin_h`` of its day for ``hours``.

    ``squall_m_s`` is the wind that it brings at most.
    """

    begin_h: float
    hours: float
    mm: float
    squall_m_s: float = 0.0

    def rate_mm_h(self, hour: float) -> float:
        """Intensity at an hour of its day (beyond 24 on the next)."""
        part = (hour - self.begin_h) / self.hours
        return self.mm / self.hours * (1.0 - math.cos(2.0 * math.pi * part)) if 0.0 < part < 1.0 else 0.0

    def damp(self, hour: float) -> float:
        """How wet the air is by it, 0..1: rises with the rain, fades within hours after it."""
        strength = 1.0 - math.exp(-self.mm / self.hours / 2.0)
        begun = min(1.0, max(0.0, 3.0 * (hour - self.begin_h) / self.hours))
        after_h = max(0.0, hour - self.begin_h - self.hours)
        return strength * begun * math.exp(-after_h / _DRYING_H)


def showers_of(ordinal: int, seed: int, *, wet: bool, storm: Typhoon | None) -> tuple[Shower, ...]:
    """The showers that begin on a day."""
    drawn = chance.of_day(ordinal, seed)
    if storm is not None:
        return _typhoon(storm, ordinal - storm.ordinal)
    if not wet:
        return ()
    month = month_index(ordinal)
    mm = _amount_mm(month, drawn[0])
    if drawn[1] < _THUNDER[month]:
        return _thunderstorm(mm, drawn[2:8])
    return _frontal(mm, drawn[2:14], wide=_in_plum_rains(ordinal))


def _amount_mm(month: int, drawn: float) -> float:
    """Rain of a wet day, on average what the month's normal leaves to each of its wet days beside typhoons."""
    mean = (RAIN_MM[month] - expected_typhoon_mm(month)) / WET_DAYS[month]
    weibull = math.pow(-math.log(1.0 - drawn), 1.0 / _SHAPE) / _MEAN_OF_SHAPE
    return min(_DAY_MM_MAX, mean * weibull) + 0.1


def _thunderstorm(mm: float, drawn: Sequence[float]) -> tuple[Shower, ...]:
    """One storm between one and five o'clock; the heavier of them are followed by a weaker one."""
    begin_h, hours = 12.8 + 3.4 * drawn[0], 0.7 + 1.1 * drawn[1] + 0.01 * mm
    if mm < 15.0 or drawn[2] < 0.5:
        return (Shower(begin_h, hours, mm, _SQUALL_M_S),)
    again_h = begin_h + hours + 0.3 + drawn[3]
    return (
        Shower(begin_h, hours, 0.75 * mm, _SQUALL_M_S),
        Shower(again_h, 0.8 + drawn[4], 0.25 * mm, _SQUALL_M_S),
    )


def _frontal(mm: float, drawn: Sequence[float], *, wide: bool) -> tuple[Shower, ...]:
    """Two to five waves of rain through a part of the day, through most of it in the plum rains."""
    waves = 2 + int(4.0 * drawn[0])
    lasts_h = (8.0 if wide else 4.0) + 9.0 * drawn[1]
    begin_h = (24.0 - lasts_h) * drawn[2]
    weights = [0.3 + each for each in drawn[3 : 3 + waves]]
    hours = 1.5 * lasts_h / waves
    return tuple(
        Shower(begin_h + number * lasts_h / waves, hours, mm * weight / sum(weights))
        for number, weight in enumerate(weights)
    )


def _in_plum_rains(ordinal: int) -> bool:
    day = date.fromordinal(ordinal)
    first, last = _PLUM_RAINS
    return first <= (day.month, day.day) <= last


def _typhoon(storm: Typhoon, day: int) -> tuple[Shower, ...]:
    """Rain bands of the day before, the day itself and the day after."""
    shares, begin_h = _TYPHOON_SHARES[day], _TYPHOON_BEGINS_H[day]
    return tuple(Shower(begin_h + 4.6 * number, 6.0, storm.rain_mm * share) for number, share in enumerate(shares))
