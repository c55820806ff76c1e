"""Half-years of the whole building, stepped by hours as ``cityhall-sim history`` does: what its counters counted.

One run goes from January 2014 to June 2015, so that twelve months of both halves are known; 2006 and 2010 have a run
each of their first half. Only the counters that reports ask for are kept hour by hour.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.description import load_building
from cityhall_simulators.history.days import Span
from cityhall_simulators.history.folder import make_room, write_history
from cityhall_simulators.history.recorder import RecordedDay
from cityhall_simulators.plants.city import CityState, settled_city, step_city

TAIPEI = ZoneInfo("Asia/Taipei")
STEP_S = 3600.0
CHAIN = ((2014, 1), (2014, 7), (2015, 1))
"""Half-years of the long run, by their first months."""
COUNTERS = (
    ("HVM", "kWh"), ("TR", "kWh"), ("LVP", "kWh"), ("EM", "kWh"), ("ELV", "kWh"), ("ELV", "kWhRegen"), ("EVSE", "kWh"),
    ("CHC", "kWh"), ("CHS", "kWh"), ("WM", "Vol"), ("RWS", "UsedVol"), ("RWS", "InVol"), ("PV", "kWh"), ("ESC", "kWh"),
)  # fmt: skip
POWERS = (
    ("TR", "LossKW"), ("LVP", "_direct_kw"), ("LVP", "_rest_kw"), ("PCHP", "kW"), ("SCHP", "kW"), ("CWP", "kW"),
    ("CT", "kW"), ("AHU", "kW"), ("OAH", "kW"), ("PAC", "kW"), ("EM", "_own_kw"),
)  # fmt: skip
REPORTED = (("HVM", "kWh"), ("WM", "Vol"), ("RWS", "UsedVol"), ("ELV", "kWhRegen"))
"""Counters whose every hour is kept."""

Figures = dict[tuple[str, str], NDArray[np.float64]]


@dataclass
class Stretch:
    """What each unit's counters counted from ``begin`` to ``end``, and the energy (kWh) of powers without a counter."""

    begin: datetime
    counted: Figures
    energy_kwh: Figures
    main_kw: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Of both lines together, at the end of every step."""
    shown: list[NDArray[np.float64]] = field(default_factory=list)
    """What the counters of :data:`REPORTED` showed, from the begin on, at every full hour."""


def half_year(year: int) -> Stretch:
    """January to June, with the default seed."""
    return _long_run()[0][2 * (year - CHAIN[0][0])] if year >= CHAIN[0][0] else _alone(year)[0]


def twelve_months() -> tuple[Stretch, Stretch]:
    """July to December 2014, and January to June 2015."""
    (_, second, third), _ = _long_run()
    return second, third


def write_reported_history(folder: Path, year: int) -> Path:
    """Write what the counters of reports showed, as ``cityhall-sim history --point`` does: 2006, 2010, or 2014 on.

    It goes on for a day after its half-year, whose first moment is the half-year's last reading.
    """
    stretches, state = _long_run() if year >= CHAIN[0][0] else ([_alone(year)[0]], _alone(year)[1])
    after, _ = _stepped(state, _end(stretches[-1]), _end(stretches[-1]) + timedelta(days=1))
    rows = [row for stretch in (*stretches, after) for row in stretch.shown[:-1]]
    building = load_building("full")
    points = tuple(
        point
        for code, role in REPORTED
        for point in building.points
        if (point.equipment.type.code, point.role.role) == (code, role)
    )
    first = stretches[0].begin.date()
    span = Span(first, _end(after).date(), round(STEP_S), TAIPEI)
    make_room(folder)
    values = np.array(rows)
    write_history(folder, replace(building, points=points), 1, span, _days(span, values))
    return folder


def _days(span: Span, values: NDArray[np.float64]) -> list[RecordedDay]:
    days = []
    for number, day in enumerate(span.days):
        part = values[24 * number : 24 * number + 24]
        days.append(RecordedDay(day, span.times_us(day), part, np.zeros(part.shape, np.bool_)))
    return days


def _end(stretch: Stretch) -> datetime:
    return stretch.begin + timedelta(hours=len(stretch.shown) - 1)


@cache
def _alone(year: int) -> tuple[Stretch, CityState]:
    begin = datetime(year, 1, 1, tzinfo=TAIPEI)
    return _stepped(settled_city(1, begin), begin, datetime(year, 7, 1, tzinfo=TAIPEI))


@cache
def _long_run() -> tuple[list[Stretch], CityState]:
    begins = [datetime(year, month, 1, tzinfo=TAIPEI) for year, month in CHAIN]
    state = settled_city(1, begins[0])
    found = []
    for begin, end in zip(begins, [*begins[1:], datetime(2015, 7, 1, tzinfo=TAIPEI)], strict=True):
        stretch, state = _stepped(state, begin, end)
        found.append(stretch)
    return found, state


def _stepped(state: CityState, begin: datetime, end: datetime) -> tuple[Stretch, CityState]:
    first = {key: state.columns[key[0]][key[1]].copy() for key in COUNTERS}
    energy = {(code, column): np.zeros_like(state.columns[code][column]) for code, column in POWERS}
    main_kw, shown = [], [_reported(state)]
    local = begin
    while local < end:
        local += timedelta(seconds=STEP_S)
        state = step_city(state, local, STEP_S)
        for code, column in POWERS:
            energy[code, column] += state.columns[code][column] * STEP_S / 3600.0
        main_kw.append(float(state.columns["HVM"]["kW"].sum()))
        shown.append(_reported(state))
    counted = {(code, column): state.columns[code][column] - first[code, column] for code, column in COUNTERS}
    return Stretch(begin, counted, energy, np.array(main_kw), shown), state


def _reported(state: CityState) -> NDArray[np.float64]:
    return np.concatenate([state.columns[code][column] for code, column in REPORTED])
