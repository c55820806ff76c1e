"""How much more or less the building used in each year than its description says, whatever the weather.

The factors make the first half-years, stepped by hours, meet the city's own reports to the unit (domain reference
section 2); they act on what people switch on and on what the twin does not show, never on plant that has physics.
"""

import csv
from functools import cache
from importlib.resources import files

import numpy as np


@cache
def factor(year: int, commodity: str) -> float:
    """Of ``electricity`` or ``water`` in a year; between two listed years in proportion, beyond them the nearest."""
    rows = _rows()
    return float(np.interp(year, [float(row["year"]) for row in rows], [float(row[commodity]) for row in rows]))


@cache
def _rows() -> tuple[dict[str, str], ...]:
    table = files("cityhall_simulators") / "sites" / "years.csv"
    return tuple(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
