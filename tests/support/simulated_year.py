"""Half-years of the whole building, stepped by hours as ``cityhall-sim history`` does: what its counters counted.

One run goes from January 2014 to June 2015, so that twelve months of both halves are known; 2006 and 2010 have a run
each of their first half. Each begins on the last day of December. A half-year is told as the record tells it: a reading
counts for the time in which it was read, so that the one at midnight is of the day that begins, and what readings of whole
hours say of a half-year was counted from 23 o'clock to 23 o'clock. Only the counters that reports ask for are kept hour
by hour.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
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
    """What each unit's counters counted in a time, and the energy (kWh) of powers without a counter."""

    counted: Figures
    energy_kwh: Figures
    main_kw: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Of both lines together, at the end of every step."""
    shown: list[NDArray[np.float64]] = field(default_factory=list)
    """What the counters of :data:`REPORTED` showed at every full hour, that of the begin and that of the end included."""


def half_year(year: int) -> Stretch:
    """January to June, with the default seed."""
    return _long_run().stretches[2 * (year - CHAIN[0][0])] if year >= CHAIN[0][0] else _alone(year).stretches[0]


def twelve_months() -> tuple[Stretch, Stretch]:
    """July to December 2014, and January to June 2015."""
    _, second, third = _long_run().stretches
    return second, third


def write_reported_history(folder: Path, year: int) -> Path:
    """Write what the counters of reports showed, as ``cityhall-sim history --point`` does: 2006, 2010, or 2014 on.

    From the last day of December to the end of the day after the half-year.
    """
    run = _long_run() if year >= CHAIN[0][0] else _alone(year)
    building = load_building("full")
    points = tuple(
        point
        for code, role in REPORTED
        for point in building.points
        if (point.equipment.type.code, point.role.role) == (code, role)
    )
    values = np.array(run.shown)
    span = Span(run.first, run.first + timedelta(days=len(values) // 24), round(STEP_S), TAIPEI)
    make_room(folder)
    write_history(folder, replace(building, points=points), 1, span, _days(span, values))
    return folder


@dataclass
class _Run:
    """Half-years on end, and what was shown at every full hour of whole days from ``first`` on."""

    first: date
    stretches: list[Stretch]
    shown: list[NDArray[np.float64]]


def _days(span: Span, values: NDArray[np.float64]) -> list[RecordedDay]:
    days = []
    for number, day in enumerate(span.days):
        part = values[24 * number : 24 * number + 24]
        days.append(RecordedDay(day, span.times_us(day), part, np.zeros(part.shape, np.bool_)))
    return days


@cache
def _alone(year: int) -> _Run:
    return _lived([(year, 1), (year, 7)])


@cache
def _long_run() -> _Run:
    return _lived([*CHAIN, (2015, 7)])


def _lived(months: list[tuple[int, int]]) -> _Run:
    """Half-years between the beginnings of months, with a day before and a day after."""
    edges = [datetime(year, month, 1, tzinfo=TAIPEI) - timedelta(seconds=STEP_S) for year, month in months]
    first = edges[0].replace(hour=0)
    state = settled_city(1, first)
    before, state = _stepped(state, first, edges[0])
    found = []
    for begin, end in pairwise(edges):
        stretch, state = _stepped(state, begin, end)
        found.append(stretch)
    after, _ = _stepped(state, edges[-1], edges[-1] + timedelta(days=1, seconds=STEP_S))
    rows = [row for stretch in (before, *found, after) for row in stretch.shown[:-1]]
    return _Run(first.date(), found, rows)


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
    return Stretch(counted, energy, np.array(main_kw), shown), state


def _reported(state: CityState) -> NDArray[np.float64]:
    return np.concatenate([state.columns[code][column] for code, column in REPORTED])
