# ruff: noqa: INP001 - a program
"""Find the yearly factors of electricity: the first half-years that the city reported must come out of the physics.

    python scripts/calibrate.py            # factors for sites/years.csv
    python scripts/calibrate.py --shares   # where the energy of 2015 goes, its night base and its peak

Run it after any change of the physics, copy the factors, and run it again: the deviation must be well below 1 %.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_simulators.plants.city import CityState, settled_city, step_city
from cityhall_simulators.plants.common import Supply
from cityhall_simulators.plants.moment import moment_at
from cityhall_simulators.plants.power.tree import power_of, tree
from cityhall_simulators.plants.power.uses import uses, uses_kw
from cityhall_simulators.plants.years import factor

TAIPEI = ZoneInfo("Asia/Taipei")
REPORTED_KWH = {2006: 13_952_000.0, 2014: 10_528_000.0, 2015: 10_404_800.0}
"""First half-years at the main meters (domain reference section 2)."""
STEP_S = 1800.0
CATEGORIES = {
    "hvac": ("CHC", "CHS", "CT", "PCHP", "SCHP", "CWP", "AHU", "OAH", "FCU", "PAC"),
    "lighting": ("LTG",),
    "plug": ("UPS", "AVR"),
    "lift": ("ELV", "ESC"),
    "parking": ("PKF", "EF", "EVSE", "SMK"),
    "water": ("WPP", "SMP", "RWS", "HWD", "FPP"),
    "tenant": ("DWS",),
    "solar": ("PV",),
}
TARGET_PERCENT = {"hvac": 45, "lighting": 18, "plug": 18, "lift": 8, "parking": 5, "water": 3, "tenant": 3}


@dataclass
class Tally:
    """Energy of a stretch of time, and the powers met in it."""

    main_kwh: float = 0.0
    scaled_kwh: float = 0.0
    """What the year's factor acts on."""
    loss_kwh: float = 0.0
    by_category_kwh: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, 0.0))
    by_type_kwh: dict[str, float] = field(default_factory=dict)
    main_kw: list[float] = field(default_factory=list)
    at: list[datetime] = field(default_factory=list)

    def add(self, state: CityState, local: datetime, seed: int) -> None:
        """Count one step that has ended."""
        columns, hours = state.columns, STEP_S / 3600.0
        main_kw = float(columns["HVM"]["kW"].sum())
        self.main_kw.append(main_kw)
        self.at.append(local)
        self.main_kwh += main_kw * hours
        self.loss_kwh += float(columns["TR"]["LossKW"].sum()) * hours
        own_kw = columns["EM"]["_own_kw"].sum() + columns["LVP"]["_rest_kw"].sum() + columns["LTG"]["_kw"].sum()
        self.scaled_kwh += float(own_kw) * hours
        for category, codes in CATEGORIES.items():
            for code in codes:
                kwh = float(power_of(columns, code).sum()) * hours
                self.by_category_kwh[category] += kwh
                self.by_type_kwh[code] = self.by_type_kwh.get(code, 0.0) + kwh
        table, branch = uses(), tree()
        fed = branch.meter_uses.sum(axis=0) + branch.panel_uses.sum(axis=0)
        for name, category, kw in zip(
            table.names, table.categories, fed * uses_kw(moment_at(local, seed), Supply()), strict=True
        ):
            self.by_category_kwh[category] += float(kw) * hours
            self.by_type_kwh[name] = self.by_type_kwh.get(name, 0.0) + float(kw) * hours


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{text}\n")


def steps(begin: datetime, end: datetime, seed: int) -> Iterator[tuple[CityState, datetime]]:
    """The city after each step."""
    state, local = settled_city(seed, begin), begin
    while local < end:
        local += timedelta(seconds=STEP_S)
        state = step_city(state, local, STEP_S)
        yield state, local


def tally(begin: datetime, end: datetime, seed: int) -> Tally:
    """Everything between two local times."""
    found = Tally()
    for state, local in steps(begin, end, seed):
        found.add(state, local, seed)
    return found


def tell_factors(seed: int) -> None:
    """A line per reported half-year: how far off, and the factor that would be right."""
    for year, reported_kwh in REPORTED_KWH.items():
        found = tally(datetime(year, 1, 1, tzinfo=TAIPEI), datetime(year, 7, 1, tzinfo=TAIPEI), seed)
        old = factor(year, "electricity")
        # Losses grow with the load: about a hundredth of what is added.
        right = old * (1.0 + (reported_kwh - found.main_kwh) / found.scaled_kwh / 1.008)
        off = 100.0 * (found.main_kwh / reported_kwh - 1.0)
        say(f"{year}: {found.main_kwh:12,.0f} kWh, {off:+.2f} %, factor {old:.4f} -> {right:.4f}")


def tell_shares(seed: int, year: int) -> None:
    """Where a year's energy goes, and how the load looks by night and at its peak."""
    found = tally(datetime(year, 1, 1, tzinfo=TAIPEI), datetime(year + 1, 1, 1, tzinfo=TAIPEI), seed)
    kw = np.array(found.main_kw)
    hour = np.array([at.hour + at.minute / 60.0 for at in found.at])
    say(f"{year}: {found.main_kwh:,.0f} kWh, losses {100.0 * found.loss_kwh / found.main_kwh:.2f} %")
    for category, percent in TARGET_PERCENT.items():
        share = 100.0 * found.by_category_kwh[category] / found.main_kwh
        say(f"  {category:10} {share:5.1f} % (aim {percent} %)")
    for name, kwh in sorted(found.by_type_kwh.items(), key=lambda item: -item[1]):
        say(f"    {name:14} {kwh / 1e6:7.3f} GWh")
    say(f"night base 02-04 h: {kw[(hour >= 2.0) & (hour <= 4.0)].mean():,.0f} kW; least {kw.min():,.0f} kW")
    peaks = np.argsort(kw)[-5:][::-1]
    say("peaks: " + ", ".join(f"{kw[i]:,.0f} kW at {found.at[i]:%m-%d %H:%M}" for i in peaks))
    work = [i for i, at in enumerate(found.at) if at.weekday() < 5]
    for month in (1, 4, 7, 10):
        day = [kw[[i for i in work if found.at[i].month == month and found.at[i].hour == h]].mean() for h in range(24)]
        say(f"  working days of month {month:2}: " + " ".join(f"{value:5.0f}" for value in day))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shares", action="store_true")
    parser.add_argument("--year", type=int, default=2015)
    options = parser.parse_args()
    if options.shares:
        tell_shares(options.seed, options.year)
    else:
        tell_factors(options.seed)
