# ruff: noqa: INP001 - a program
"""Find the yearly factors: the first half-years that the city reported must come out of the physics, to the unit.

    python scripts/calibrate.py            # factors for sites/years.csv
    python scripts/calibrate.py --shares   # where the energy of 2015 goes, its night base and its peak

Run it after any change of the physics, copy the factors, and run it again until they stay: each run comes ten times
nearer. Steps are of an hour, as in histories, which begin on the last day of December; 2015 goes on where 2014 ended.
"""

import argparse
import sys
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
REPORTED_M3 = {2010: 78_323.0, 2014: 71_409.0, 2015: 70_243.0}
"""The same at the two inlets of the city."""
STEP_S = 3600.0
CHAINED_YEAR = 2015
"""It goes on where the year before ended."""
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


def tell_factors(seed: int) -> None:
    """Two lines per reported half-year: what came out, and the factors that would be right."""
    ended: CityState | None = None
    for year in sorted({*REPORTED_KWH, *REPORTED_M3}):
        first = datetime(year - 1, 12, 31, tzinfo=TAIPEI)
        begin, middle, end = (_edge(*month) for month in ((year, 1), (year, 7), (year + 1, 1)))
        before = ended if year == CHAINED_YEAR and ended else lived(settled_city(seed, first), first, begin, seed)[1]
        found, after = lived(before, begin, middle, seed)
        water_m3 = float((after.columns["WM"]["Vol"] - before.columns["WM"]["Vol"])[:2].sum())
        electricity, water = factor(year, "electricity"), factor(year, "water")
        missing_kwh = REPORTED_KWH.get(year, found.main_kwh) - found.main_kwh
        # Losses and cooling grow with the load: by about a hundredth and a twentieth of what is added.
        right = electricity * (1.0 + missing_kwh / found.scaled_kwh / 1.06)
        say(f"{year}: {found.main_kwh:14,.1f} kWh, factor {electricity:.8f} -> {right:.8f}")
        right = water * REPORTED_M3.get(year, water_m3) / water_m3
        say(f"{year}: {water_m3:14,.3f} m³,  factor {water:.7f} -> {right:.7f}")
        if year + 1 == CHAINED_YEAR:
            _, ended = lived(after, middle, end, seed)


def _edge(year: int, month: int) -> datetime:
    """Last full hour before a month: a reading at midnight counts for the day that begins."""
    return datetime(year, month, 1, tzinfo=TAIPEI) - timedelta(hours=1)


def lived(state: CityState, begin: datetime, end: datetime, seed: int) -> tuple[Tally, CityState]:
    """What a city that begins in a state uses from one local time to another, and how it is then."""
    found, local = Tally(), begin
    while local < end:
        local += timedelta(seconds=STEP_S)
        state = step_city(state, local, STEP_S)
        found.add(state, local, seed)
    return found, state


def tell_shares(seed: int, year: int) -> None:
    """Where a year's energy goes, and how the load looks by night and at its peak."""
    begin, end = datetime(year, 1, 1, tzinfo=TAIPEI), datetime(year + 1, 1, 1, tzinfo=TAIPEI)
    found, _ = lived(settled_city(seed, begin), begin, end, seed)
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
