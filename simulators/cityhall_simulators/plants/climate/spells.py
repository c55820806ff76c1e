"""What a year has in store between July and October: typhoons that close the offices, and spells of great heat."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from cityhall_simulators.plants.climate import chance

_SEASON: Final = ((7, 6, 26, 0.28), (8, 4, 27, 0.40), (9, 4, 26, 0.35), (10, 2, 8, 0.10))
"""Month, first and last day on which a typhoon may come, how likely one does; about one a year in all."""
_TYPHOONS_MAX: Final = 3
MEAN_TYPHOON_MM: Final = 200.0
_HEAT: Final = ((7, 0.85), (8, 0.55))
_HEAT_DAYS: Final = (3, 7)
_APART_DAYS: Final = 2
HEAT_MAX_C: Final = (36.1, 38.0)
"""Between these lie the maxima of the days of a spell; 36 °C is where the weather service begins to warn of heat."""


class Typhoon(NamedTuple):
    """The day on which offices are closed (停班), the hour of the strongest wind, that wind, and the rain of it all."""

    ordinal: int
    hour: float
    wind_m_s: float
    rain_mm: float


def typhoon_near(ordinal: int, seed: int) -> Typhoon | None:
    """The typhoon that closes the offices on this day, the day before or the day after."""
    year = date.fromordinal(ordinal).year
    return next((storm for storm in typhoons(year, seed) if abs(storm.ordinal - ordinal) <= 1), None)


@lru_cache(maxsize=128)
def typhoons(year: int, seed: int) -> tuple[Typhoon, ...]:
    """None to three typhoons, never two in one month."""
    drawn = chance.of_year(year, seed)
    found = []
    for number, (month, first, last, likely) in enumerate(_SEASON):
        comes, day, hour, wind, rain = drawn[number * 5 : number * 5 + 5]
        if comes < likely:
            ordinal = date(year, month, first + int(day * (last - first + 1))).toordinal()
            mm = MEAN_TYPHOON_MM * (0.5 + rain)
            found.append(Typhoon(ordinal, 6.0 + 10.0 * hour, 13.0 + 9.0 * wind, mm))
    return tuple(found[:_TYPHOONS_MAX])


def expected_typhoon_mm(month_index: int) -> float:
    """Rain that typhoons bring to a month, on average over many years."""
    return sum(likely * MEAN_TYPHOON_MM for month, _, _, likely in _SEASON if month - 1 == month_index)


@lru_cache(maxsize=128)
def heat_days(year: int, seed: int) -> frozenset[int]:
    """Days of the year's spells of 36 °C and more: three to seven in a row, well apart from typhoons."""
    storms = [storm.ordinal for storm in typhoons(year, seed)]
    drawn = chance.of_year(year, seed)[-6:]
    days: set[int] = set()
    for number, (month, likely) in enumerate(_HEAT):
        comes, where, length = drawn[number * 3 : number * 3 + 3]
        if comes < likely:
            shortest, longest = _HEAT_DAYS
            days.update(_spell(date(year, month, 1), where, shortest + int(length * (longest - shortest + 1)), storms))
    return frozenset(days)


def _spell(first_of_month: date, where: float, length: int, storms: Sequence[int]) -> range:
    """So many days within a month; it is long enough for a free place on one side of a typhoon."""
    first = first_of_month.toordinal() + 1
    starts = [
        start
        for start in range(first, first + 30 - length)
        if all(storm < start - _APART_DAYS or storm > start + length - 1 + _APART_DAYS for storm in storms)
    ]
    start = starts[int(where * len(starts))]
    return range(start, start + length)
