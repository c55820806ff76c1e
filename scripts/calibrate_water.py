# ruff: noqa: INP001, T201 - a program
"""Find the yearly factors of water: the first half-years that the city reported must come out of the physics.

    python scripts/calibrate_water.py            # factors for sites/years.csv
    python scripts/calibrate_water.py --year 2015

Run it after any change of the physics, copy the factors, and run it again: the deviation must be well below 1 %.
"""

import argparse
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.city import settled_city, step_city
from cityhall_simulators.plants.water.draws import units_of
from cityhall_simulators.plants.years import factor

TAIPEI = ZoneInfo("Asia/Taipei")
REPORTED_M3 = {2010: 78_323.0, 2014: 71_409.0, 2015: 70_243.0}
"""First half-years at the two inlets (domain reference section 2)."""
SCALED = ("people", "food", "wash", "irrigation", "hot")
"""Uses that the year's factor acts on."""
STEP_S = 1800.0


def half_year_m3(year: int, seed: int) -> NDArray[np.float64]:
    """What each meter counts from January to June."""
    local, end = (datetime(year, month, 1, tzinfo=TAIPEI) for month in (1, 7))
    state = settled_city(seed, local)
    before = state.columns["WM"]["Vol"]
    while local < end:
        local += timedelta(seconds=STEP_S)
        state = step_city(state, local, STEP_S)
    return state.columns["WM"]["Vol"] - before


def print_factor(year: int, seed: int) -> None:
    """How far off a reported half-year is, the factor that would be right, and the shares of the uses."""
    counted, reported_m3 = half_year_m3(year, seed), REPORTED_M3[year]
    found_m3, old = float(counted[units_of("inlet")].sum()), factor(year, "water")
    right = old * (1.0 + (reported_m3 - found_m3) / float(counted[units_of(*SCALED)].sum()))
    off = 100.0 * (found_m3 / reported_m3 - 1.0)
    print(f"{year}: {found_m3:9,.0f} m3, {off:+.2f} %, factor {old:.4f} -> {right:.4f}")
    for kind in (*SCALED, "tower", "rain", "fire"):
        print(f"  {kind:10} {100.0 * float(counted[units_of(kind)].sum()) / found_m3:5.2f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--year", type=int, choices=sorted(REPORTED_M3))
    options = parser.parse_args()
    for each in [options.year] if options.year else REPORTED_M3:
        print_factor(each, options.seed)
