"""Chance by day and seed: every day has draws of its own, so any day is known without the days before it."""

import math
from functools import lru_cache
from typing import Final

import numpy as np

_DAYS: Final = 466_920
_YEARS: Final = 466_921
"""Streams of chance apart from those of plants and sensors, which begin with the seed alone."""
_NORMALS: Final = 4
_UNIFORMS: Final = 28
_MEMORY_DAYS: Final = 12


@lru_cache(maxsize=1024)
def _drawn(stream: int, number: int, seed: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    chance = np.random.default_rng((stream, number, seed))
    return tuple(chance.standard_normal(_NORMALS).tolist()), tuple(chance.random(_UNIFORMS).tolist())


def of_day(ordinal: int, seed: int) -> tuple[float, ...]:
    """Uniform draws of one day, independent of every other day."""
    return _drawn(_DAYS, ordinal, seed)[1]


def of_year(year: int, seed: int) -> tuple[float, ...]:
    """Uniform draws of one year."""
    return _drawn(_YEARS, year, seed)[1]


def correlated(ordinal: int, seed: int, which: int, memory: float) -> float:
    """A standard normal that remembers the days before: the correlation from day to day is ``memory``.

    An autoregression cut after twelve days, which is a weighted sum of their independent draws.
    """
    drawn = sum(memory**lag * _drawn(_DAYS, ordinal - lag, seed)[0][which] for lag in range(_MEMORY_DAYS))
    return drawn * math.sqrt((1.0 - memory**2) / (1.0 - memory ** (2 * _MEMORY_DAYS)))


def cumulative(normal: float) -> float:
    """Where a standard normal stands between 0 and 1."""
    return 0.5 * (1.0 + math.erf(normal / math.sqrt(2.0)))
