# ruff: noqa: INP001 - a program
"""Write ``tests/support/city_baseline.csv`` anew: days of the simulated city hall, sound and with fouled chillers.

``.venv/bin/python scripts/city_baseline.py``, some minutes of one core. Half-hour steps, seed 1, every year from a
settled building of its own; in the last two columns the centrifugal chillers are fouled through 2015, in condenser and
evaporator.
"""

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_simulators.plants.calendar import is_workday
from cityhall_simulators.plants.city import CityState, disturbed, settled_city, step_city

SERIES: Final = Path(__file__).parents[1] / "tests" / "support" / "city_baseline.csv"
COLUMNS: Final = (
    "date", "workday", "outdoor_c", "building_kwh", "chillers_kwh", "building_fouled_kwh", "chillers_fouled_kwh",
)  # fmt: skip
TAIPEI: Final = ZoneInfo("Asia/Taipei")
SEED: Final = 1
STEP_S: Final = 1_800.0
STEPS_A_DAY: Final = 48


@dataclass(frozen=True, slots=True)
class Day:
    """One day as it was measured: °C, kWh."""

    day: date
    outdoor_c: float
    building_kwh: float
    chillers_kwh: float


def days_of(year: int, *, fouled: bool) -> list[Day]:
    """Every day of a year."""
    begin = datetime(year, 1, 1, tzinfo=TAIPEI)
    state = settled_city(SEED, begin)
    if fouled:
        for unit in range(len(state.columns["CHC"]["kWh"])):
            for part in ("condenser", "evaporator"):
                state = disturbed(state, "CHC", unit, f"_fault_{part}", active=True)
    found = []
    while begin.year == year:
        before, outdoor = counted(state), []
        for step in range(1, STEPS_A_DAY + 1):
            state = step_city(state, begin + timedelta(seconds=step * STEP_S), STEP_S)
            outdoor.append(float(state.columns["WX"]["OAT"][0]))
        used = counted(state) - before
        found.append(Day(begin.date(), float(np.mean(outdoor)), float(used[0]), float(used[1])))
        begin += timedelta(days=1)
    return found


def counted(state: CityState) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Registers of the building and of its chillers."""
    chillers = sum(float(state.columns[code]["kWh"].sum()) for code in ("CHC", "CHS"))
    return np.array([float(state.columns["HVM"]["kWh"].sum()), chillers])


def main() -> None:
    """Write the table."""
    fouled = {day.day: day for day in days_of(2015, fouled=True)}
    with SERIES.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for day in (*days_of(2014, fouled=False), *days_of(2015, fouled=False)):
            ill = fouled.get(day.day)
            kwh = (day.building_kwh, day.chillers_kwh)
            kwh += (None, None) if ill is None else (ill.building_kwh, ill.chillers_kwh)
            row = [day.day.isoformat(), int(is_workday(day.day)), f"{day.outdoor_c:.2f}"]
            writer.writerow([*row, *("" if value is None else f"{value:.1f}" for value in kwh)])


if __name__ == "__main__":
    main()
