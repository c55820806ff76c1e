"""Loads without plant of their own: what people plug in, kitchens, and the parts of the building the twin leaves out.

``sites/uses.csv`` says how many kilowatts each use takes always, by staff and visitors present, while kitchens cook,
and in the hours of :data:`SHAPES`. Their sum follows the year's factor, as lamps and computers became thriftier.
"""

import csv
import math
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Column, Supply, read_only
from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.years import factor

SHAPES: Final = ("always", "staff", "visitors", "kitchen", "early", "rush", "mild", "evening", "weekend")
"""``early`` and ``evening`` are before and after office hours, when cleaners, courses and events are in the building;
``rush`` the hours in which the air conditioning cools down rooms and water, so that other fans wait; ``mild`` is office
hours in weather that lets outdoor air in: fans run fully in winter, and throttle below their usual least on the hottest
days, which keeps the building under its contract."""


@dataclass(frozen=True, slots=True)
class Uses:
    """The table: ``kw`` has a row per use and a column per shape."""

    names: tuple[str, ...]
    categories: tuple[str, ...]
    essential: Column
    kw: Column


@cache
def uses() -> Uses:
    """As the data file has them."""
    table = files("cityhall_simulators") / "sites" / "uses.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    return Uses(
        names=tuple(row["use"] for row in rows),
        categories=tuple(row["category"] for row in rows),
        essential=read_only(np.array([float(row["supply"] == "essential") for row in rows])),
        kw=read_only(np.array([[float(row[shape]) for shape in SHAPES] for row in rows])),
    )


@lru_cache(maxsize=2)
def uses_kw(moment: Moment, supply: Supply) -> Column:
    """Power of one of each use just now."""
    table = uses()
    shapes = np.array(
        [1.0, moment.occupancy, moment.visitors, kitchen(moment), *_hours(moment), _weekend(moment)], dtype=np.float64
    )
    alive = supply.normal + table.essential * (supply.essential - supply.normal)
    # Where air conditioning throttles a use, a row may take away more than it has: a fan at rest is the least there is.
    wanted_kw = np.maximum(0.0, table.kw @ shapes)
    return read_only(wanted_kw * alive * factor(moment.year, "electricity"))


def kitchen(moment: Moment) -> float:
    """How much is cooked, 0..1: breakfast and above all lunch, on working days."""
    if not moment.workday:
        return 0.0
    return 0.35 * math.exp(-(((moment.hour - 8.0) / 0.8) ** 2)) + math.exp(-(((moment.hour - 11.8) / 1.3) ** 2))


def _hours(moment: Moment) -> tuple[float, float, float, float]:
    """``early``, ``rush``, ``mild`` and ``evening`` of a working day, each 0..1 (``mild`` also a little below)."""
    if not moment.workday:
        return 0.0, 0.0, 0.0, 0.0
    hour, heat = moment.hour, _heat(moment)
    mild = 1.0 - heat if heat < 1.0 else -1.6 * (heat - 1.0)
    return (
        _between(hour, 5.3, 8.0, 0.2) + _between(hour, 17.6, 23.7, 0.2),
        _between(hour, 7.7, 9.6, 0.1) * min(1.0, 1.3 * heat),
        _between(hour, 9.8, 17.6, 0.12) * mild,
        _between(hour, 17.6, 22.3, 0.2),
    )


def _weekend(moment: Moment) -> float:
    """Events and visitors on free days, unless a typhoon keeps everybody at home."""
    return 0.0 if moment.workday or moment.typhoon else _between(moment.hour, 8.0, 20.0, 0.45)


def _heat(moment: Moment) -> float:
    """How much cooling the weather asks for: 0 on a winter day, 1 on a usual summer day."""
    asked = (0.35 * (moment.outdoor_t - 12.0) + 0.65 * (moment.outdoor_wb - 9.0)) / 18.0
    return min(1.15, max(0.0, asked))


def _between(hour: float, begin: float, end: float, soft_h: float) -> float:
    """1 between two hours of the day, with soft edges."""
    return 1.0 / (1.0 + math.exp((begin - hour) / soft_h)) / (1.0 + math.exp((hour - end) / soft_h))
