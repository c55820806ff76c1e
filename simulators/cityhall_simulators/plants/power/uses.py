"""Loads without plant of their own: what people plug in, kitchens, and the parts of the building the twin leaves out.

``sites/uses.csv`` says how many kilowatts each use takes always, by staff present, by visitors, while kitchens cook, by
day and in warm weather. Their sum follows the year's factor, as lamps and computers became thriftier.
"""

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Column, Supply
from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.years import factor

SHAPES: Final = ("always", "staff", "visitors", "kitchen", "day", "warm")


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
        essential=np.array([float(row["supply"] == "essential") for row in rows]),
        kw=np.array([[float(row[shape]) for shape in SHAPES] for row in rows]),
    )


def uses_kw(moment: Moment, supply: Supply) -> Column:
    """Power of one of each use just now."""
    table = uses()
    shapes = np.array(
        [1.0, moment.occupancy, moment.visitors, kitchen(moment), _day(moment), _warm(moment)], dtype=np.float64
    )
    alive = supply.normal + table.essential * (supply.essential - supply.normal)
    return np.asarray((table.kw @ shapes) * alive * factor(moment.year, "electricity"), dtype=np.float64)


def kitchen(moment: Moment) -> float:
    """How much is cooked, 0..1: breakfast and above all lunch, on working days."""
    if not moment.workday:
        return 0.0
    return 0.35 * math.exp(-(((moment.hour - 8.0) / 0.8) ** 2)) + math.exp(-(((moment.hour - 11.8) / 1.3) ** 2))


def _day(moment: Moment) -> float:
    """How far the building is open: from 06:30 until events end at 22:00; on free days a part of it."""
    hours = 1.0 / (1.0 + math.exp(-(moment.hour - 7.0) / 0.3)) / (1.0 + math.exp((moment.hour - 20.5) / 0.6))
    return hours if moment.workday else 0.3 * hours


def _warm(moment: Moment) -> float:
    """How much cooling the weather asks for while the air conditioning may run."""
    return min(1.2, max(0.0, (moment.outdoor_t - 16.0) / 16.0)) * (_day(moment) if moment.workday else 0.1)
