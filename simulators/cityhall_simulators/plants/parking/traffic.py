"""Cars: who comes and goes, how many are parked where, the gates between.

Staff come in the morning and leave in the evening; visitors stay a little more than an hour; a few cars of the city
itself never leave. Every car is counted in and out, so that entries less exits are the cars inside.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Around, Column, Columns, free, full, held, sound
from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.people import GUARDS
from cityhall_simulators.plants.site import whole_site

_STAFF_CARS, _VISITORS_PER_H, _VISIT_H, _CITY_CARS = 190.0, 36.0, 1.3, 8.0
"""Of one car park: cars of the whole staff, visitors in their busiest hour, how long they stay, cars that stay."""
_LUNCH_H = (11.0, 14.0)
_LAST_FEW = 1e-6
_ACCESSIBLE_BAYS = 12.0
_GATE_S, _GATE_MOVES_S = 6.0, 1.0
_CLOSED, _OPEN, _MOVING, _GATE_FAULT = 0.0, 1.0, 2.0, 3.0
_LOWER_LEVEL_LATER: Final = 0.08
"""How far the zones of an empty car park differ: the upper level fills first."""


def initial_site(units: int) -> Columns:
    """Columns of car parks in which only the city's own cars stand."""
    return (
        full(
            units, EntryCnt=411_200.0, ExitCnt=411_200.0 - _CITY_CARS, Occ=_CITY_CARS, Free=0.0, AccFree=0.0,
            EvFree=0.0, GateIn=_CLOSED, GateOut=_CLOSED, GateAlm=0.0, LprSts=1.0, FullSign=0.0, Overstay=3.0,
            _staff=0.0, _visitors=0.0, _driving=0.0, _in_s=0.0, _out_s=0.0, _moves_per_h=0.0,
        )
        | full(units, _bays=whole_site().parameters["bays"] / units)
        | free(units, "FullSign")
        | sound(units, "gate", "plates")
    )  # fmt: skip


def initial_zone(units: int) -> Columns:
    """Columns of empty zones with sound sensors."""
    bays = whole_site().parameters["bays"] / units
    return full(units, Bays=bays, Occ=0.0, SensFault=0.0) | sound(units, "sensors")


def step_site(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Cars come and go; a gate stands open for a moment after each. Who finds it full or broken turns away."""
    chance = rng.random((6, len(columns["Occ"])))
    moment, bays = around.moment, columns["_bays"]
    driving = _driving(columns["_driving"], moment)
    moves = _moves(columns, moment, driving, dt_s / 3600.0, chance)
    entered, left = moves.staff_in + moves.visitors_in, moves.staff_out + moves.visitors_out
    parked = columns["Occ"] + entered - left
    spaces = bays - parked
    in_s = _gate_s(columns["_in_s"], entered, dt_s, chance[4])
    out_s = _gate_s(columns["_out_s"], left, dt_s, chance[5])
    return columns | {
        "EntryCnt": columns["EntryCnt"] + entered,
        "ExitCnt": columns["ExitCnt"] + left,
        "Occ": parked,
        "Free": spaces,
        "AccFree": np.floor(_ACCESSIBLE_BAYS * spaces / bays),
        "EvFree": np.minimum(_free_chargers(around), spaces),
        "GateIn": np.where(columns["_fault_gate"] > 0.0, _GATE_FAULT, _gate(in_s)),
        "GateOut": _gate(out_s),
        "GateAlm": columns["_fault_gate"],
        "LprSts": 1.0 - columns["_fault_plates"],
        "FullSign": held(columns, "FullSign", (spaces < 1.0).astype(np.float64)),
        "Overstay": 2.0 + (moment.day_of_year + np.arange(len(bays))) % 3.0,
        "_staff": columns["_staff"] + moves.staff_in - moves.staff_out,
        "_visitors": columns["_visitors"] + moves.visitors_in - moves.visitors_out,
        "_in_s": in_s,
        "_out_s": out_s,
        "_driving": driving,
        "_moves_per_h": moves.per_h,
    }


@dataclass(frozen=True, slots=True)
class _Moves:
    """Cars of a step, and how many move per hour on average."""

    staff_in: Column
    visitors_in: Column
    staff_out: Column
    visitors_out: Column
    per_h: Column


def _moves(columns: Columns, moment: Moment, driving: Column, hours: float, chance: Column) -> _Moves:
    """Who comes while there is room and the gate opens, and who leaves."""
    staff, visitors = columns["_staff"], columns["_visitors"]
    opens = (columns["FullSign"] <= 0.0) * (1.0 - columns["_fault_gate"])
    staff_due = _STAFF_CARS * np.maximum(driving - columns["_driving"], 0.0)
    staff_kept = np.minimum(driving / np.maximum(columns["_driving"], _LAST_FEW), 1.0)
    visitors_due = _VISITORS_PER_H * moment.visitors * hours
    visitors_kept = math.exp(-hours / _VISIT_H)
    room = columns["_bays"] - columns["Occ"]
    staff_in = np.minimum(np.floor(staff_due + chance[0]) * opens, room)
    visitors_in = np.minimum(np.floor(visitors_due + chance[1]) * opens, room - staff_in)
    moving = (staff_due + visitors_due) * opens + staff * (1.0 - staff_kept) + visitors * (1.0 - visitors_kept)
    return _Moves(
        staff_in=staff_in,
        visitors_in=visitors_in,
        staff_out=_leaving(staff, staff_in, staff_kept, chance[2]),
        visitors_out=_leaving(visitors, visitors_in, visitors_kept, chance[3]),
        per_h=moving / hours,
    )


def step_zone(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Every parked car stands in one zone; drivers take the upper level first."""
    sites = around.plants["PMS"]
    parked = np.empty_like(columns["Occ"])
    zones = _zones_of_sites()
    parked[zones] = _spread(sites["Occ"], sites["_bays"], zones.shape[1])
    return columns | {"Occ": parked, "SensFault": 3.0 * columns["_fault_sensors"]}


def _driving(before: Column, moment: Moment) -> Column:
    """Part of the staff whose cars ought to be here. Who goes out for lunch leaves the car where it is.

    What it rises by within a step comes in, and by the part that it falls those inside leave: right for any step.
    """
    lunch = _LUNCH_H[0] < moment.hour < _LUNCH_H[1]
    return before if lunch else np.full_like(before, max(0.0, moment.occupancy - GUARDS))


def _leaving(cars: Column, entered: Column, kept: Column | float, chance: Column) -> Column:
    """How many of those inside leave, never more; who entered within the step was there for half of it."""
    return np.floor((cars + 0.5 * entered) * (1.0 - kept) + chance)


def _gate_s(before_s: Column, cars: Column, dt_s: float, chance: Column) -> Column:
    """How long a gate still moves or stands open; in a long step only the last cars matter."""
    recent = min(1.0, _GATE_S / dt_s)
    opened = chance < 1.0 - (1.0 - recent) ** cars
    return np.where(opened, _GATE_S, np.maximum(0.0, before_s - dt_s))


def _gate(left_s: Column) -> Column:
    moving = (left_s > _GATE_S - _GATE_MOVES_S) | ((left_s > 0.0) & (left_s <= _GATE_MOVES_S))
    return np.where(moving, _MOVING, np.where(left_s > 0.0, _OPEN, _CLOSED))


def _free_chargers(around: Around) -> Column:
    """Stations without a car in each car park."""
    plugged = around.plants["EVSE"]["_plugged"]
    sites = _site_of_chargers()
    return np.bincount(sites, weights=1.0 - plugged, minlength=int(sites.max()) + 1).astype(np.float64)


def _spread(parked: Column, bays: Column, zones: int) -> Column:
    """Whole cars per zone whose sum is ``parked``: unequal while there is room, equal when it is full."""
    lean = _LOWER_LEVEL_LATER * np.where(np.arange(zones) < zones / 2.0, 1.0, -1.0)
    parts = 1.0 / zones + lean * (1.0 - parked / bays)[:, None]
    up_to = np.floor(parked[:, None] * np.cumsum(parts, axis=1) + 1e-6)
    return np.diff(up_to, axis=1, prepend=0.0)


@cache
def _zones_of_sites() -> NDArray[np.intp]:
    """For each car park its zones, the upper level first."""
    site = whole_site()
    return np.array([site.where("PKZ", zone=zone) for zone in site.zones["PMS"]])


@cache
def _site_of_chargers() -> NDArray[np.intp]:
    site = whole_site()
    return np.array([site.zones["PMS"].index(zone) for zone in site.zones["EVSE"]], dtype=np.intp)
