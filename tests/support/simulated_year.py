"""The building stepped through months, and what its counters counted meanwhile."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.city import CityState, settled_city, step_city

TAIPEI = ZoneInfo("Asia/Taipei")
STEP_S = 1800.0
COUNTERS = (
    ("HVM", "kWh"), ("TR", "kWh"), ("LVP", "kWh"), ("EM", "kWh"), ("ELV", "kWh"), ("ELV", "kWhRegen"), ("EVSE", "kWh"),
    ("CHC", "kWh"), ("CHS", "kWh"), ("WM", "Vol"), ("RWS", "UsedVol"), ("RWS", "InVol"), ("PV", "kWh"), ("ESC", "kWh"),
)  # fmt: skip
POWERS = (
    ("TR", "LossKW"), ("LVP", "_direct_kw"), ("LVP", "_rest_kw"), ("PCHP", "kW"), ("SCHP", "kW"), ("CWP", "kW"),
    ("CT", "kW"), ("AHU", "kW"), ("OAH", "kW"), ("PAC", "kW"), ("EM", "_own_kw"),
)  # fmt: skip

Figures = dict[tuple[str, str], NDArray[np.float64]]


@dataclass
class Stretch:
    """What each unit's counters counted from ``begin`` to ``end``, and the energy (kWh) of powers without a counter."""

    counted: Figures
    energy_kwh: Figures
    main_kw: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Of both lines together, at the end of every step."""


def half_year(year: int) -> Stretch:
    """January to June, stepped by half hours with the default seed."""
    return _half_year(year)[0]


@cache
def whole_year(year: int) -> tuple[Stretch, Stretch]:
    """The same, and July to December."""
    first, state = _half_year(year)
    second, _ = _stepped(state, datetime(year, 7, 1, tzinfo=TAIPEI), datetime(year + 1, 1, 1, tzinfo=TAIPEI))
    return first, second


@cache
def _half_year(year: int) -> tuple[Stretch, CityState]:
    begin = datetime(year, 1, 1, tzinfo=TAIPEI)
    return _stepped(settled_city(1, begin), begin, datetime(year, 7, 1, tzinfo=TAIPEI))


def _stepped(state: CityState, begin: datetime, end: datetime) -> tuple[Stretch, CityState]:
    first = {key: state.columns[key[0]][key[1]].copy() for key in COUNTERS}
    energy = {(code, column): np.zeros_like(state.columns[code][column]) for code, column in POWERS}
    main_kw = []
    local = begin
    while local < end:
        local += timedelta(seconds=STEP_S)
        state = step_city(state, local, STEP_S)
        for code, column in POWERS:
            energy[code, column] += state.columns[code][column] * STEP_S / 3600.0
        main_kw.append(float(state.columns["HVM"]["kW"].sum()))
    counted = {(code, column): state.columns[code][column] - first[code, column] for code, column in COUNTERS}
    return Stretch(counted, energy, np.array(main_kw)), state
