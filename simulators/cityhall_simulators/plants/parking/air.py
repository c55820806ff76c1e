"""Air of the car park: what engines emit, what the fans carry away, how the fans are staged.

A quarter (B1 or B2, north or south) is one well-mixed room, an engine beside a detector an extra plume at that one.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Around, Column, Columns, free, full, held, lag, slow_noise, sound
from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.site import whole_site

_QUARTERS: Final = (("B1", "N"), ("B1", "S"), ("B2", "N"), ("B2", "S"))
_UPPER_PART, _LOWER_PART = 0.55, 0.45
"""Of a car park's movements: cars bound for the lower level cross the upper one."""
_BAY_M2, _HEIGHT_M = 30.0, 3.0
_NATURAL_PER_H, _FULL_M3_H_M2 = 2.0, 13.7
"""Air changes through ramps and stairs; full airflow of the fans (domain reference, section 9)."""
_GRAMS_PER_MOVE, _QUEUE_MOVES_PER_H = 7.2, 200.0
"""Carbon monoxide of a car that drives in or out; twice as much when so many do that they queue."""
_IDLING_G_H, _GRAMS_PER_M3_PPM = 600.0, 1.145e-3
"""Of an engine left idling; what a ppm weighs at 25 °C."""
_OUTDOOR_PPM, _NO2_BASE_PPM, _NO2_OF_CO = 2.0, 0.02, 0.008
_PLUME_CO_PPM, _PLUME_NO2_PPM, _PLUME_TAU_S = 165.0, 3.4, 4.0
_SPREAD: Final = 0.06

# Carbon monoxide and nitrogen dioxide in ppm of each stage, what they must fall by, and after which run.
_LOW, _HIGH = (35.0, 2.5), (75.0, 2.8)
_RELEASE, _RUN_MIN_S = (10.0, 0.3), 600.0
_WORST_CASE_PPM: Final = 250.0
_RUSH_HOURS: Final = ((7.5, 9.0), (17.0, 18.5))
_FLOW_OF_STAGE: Final = np.array([0.0, 0.5, 1.0])
_KW_OF_STAGE: Final = np.array([0.0, 2.2, 11.0])


def initial_detector(units: int) -> Columns:
    """Columns of detectors in fresh air."""
    fresh = full(units, CO=2.0, NO2=0.03, Fault=0.0, _room=2.0, _plume_co=0.0, _plume_no2=0.0)
    return fresh | sound(units, "co", "no2", "detector")


def initial_fan(units: int) -> Columns:
    """Columns of fans at rest, in remote."""
    rest = full(units, RunSts=0.0, TripAlm=0.0, LocRem=1.0, StartCmd=0.0, SpdCmd=0.0, kW=0.0, _stage=0.0, _stage_s=0.0)
    return rest | free(units, "StartCmd", "SpdCmd") | sound(units, "fan", "trip", "local")


def step_detector(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Each quarter's air approaches what its traffic and its air change make of it; a broken detector shows zero."""
    quarter = _quarter_of("PKG")
    idling, diesel = columns["_fault_co"], columns["_fault_no2"]
    changes_per_h = _air_changes_per_h(around)
    engines = np.bincount(quarter, weights=idling, minlength=len(_QUARTERS))
    grams_h = _exhaust_g_h(around) + _IDLING_G_H * engines
    target = _OUTDOOR_PPM + grams_h / (changes_per_h * _volume_m3() * _GRAMS_PER_M3_PPM)
    kept = np.exp(-changes_per_h * dt_s / 3600.0)
    room = target[quarter] + (columns["_room"] - target[quarter]) * kept[quarter]
    plume_co = lag(columns["_plume_co"], _PLUME_CO_PPM * idling, dt_s, _PLUME_TAU_S)
    plume_no2 = lag(columns["_plume_no2"], _PLUME_NO2_PPM * diesel, dt_s, _PLUME_TAU_S)
    stir = 1.0 + _SPREAD * slow_noise(3.0 * around.moment.epoch_s, 51.0, len(room))
    works = 1.0 - columns["_fault_detector"]
    return columns | {
        "CO": (room * stir + plume_co) * works,
        "NO2": (_NO2_BASE_PPM + _NO2_OF_CO * room * stir + plume_no2) * works,
        "Fault": columns["_fault_detector"],
        "_room": room,
        "_plume_co": plume_co,
        "_plume_no2": plume_no2,
    }


def step_fan(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Stage by the worst detector of the quarter: up at once, down below the release after the minimum run.

    In the rush hours of a working day the fans run at low speed whatever the detectors say.
    """
    gas = _worst_gas(around)
    wanted = _stage_of(gas, (0.0, 0.0))
    ran_enough = columns["_stage_s"] >= _RUN_MIN_S
    lower = np.where(ran_enough, np.minimum(columns["_stage"], _stage_of(gas, _RELEASE)), columns["_stage"])
    stage = np.maximum(wanted, lower)
    stage_s = np.where(stage > columns["_stage"], 0.0, columns["_stage_s"] + dt_s)
    automatic = np.maximum(stage, float(_is_rush_hour(around.moment)))
    start = held(columns, "StartCmd", (held(columns, "SpdCmd", automatic) > 0.0).astype(np.float64))
    speed = held(columns, "SpdCmd", np.maximum(automatic, start))
    broken = columns["_fault_fan"] + columns["_fault_trip"] + columns["_fault_local"]
    on = ((start > 0.0) & (speed > 0.0) & (broken == 0.0)) * around.supply.normal
    return columns | {
        "_stage": stage,
        "_stage_s": stage_s,
        "StartCmd": start,
        "SpdCmd": speed,
        "RunSts": on,
        "TripAlm": columns["_fault_trip"],
        "LocRem": 1.0 - columns["_fault_local"],
        "kW": lag(columns["kW"], on * _KW_OF_STAGE[speed.astype(np.intp)], dt_s, 2.0),
    }


def _stage_of(gas: tuple[Column, Column], release: tuple[float, float]) -> Column:
    """0 off, 1 low, 2 high by whichever gas asks for more."""
    low = (gas[0] >= _LOW[0] - release[0]) | (gas[1] >= _LOW[1] - release[1])
    high = (gas[0] >= _HIGH[0] - release[0]) | (gas[1] >= _HIGH[1] - release[1])
    return np.where(high, 2.0, low.astype(np.float64))


def _worst_gas(around: Around) -> tuple[Column, Column]:
    """Carbon monoxide and nitrogen dioxide at the worst detector of each fan's quarter.

    A detector in fault counts as the worst case.
    """
    detectors = around.plants["PKG"]
    beside, fans = _detectors_of_quarters(), _quarter_of("PKF")
    carbon_monoxide = np.where(detectors["Fault"] > 0.0, _WORST_CASE_PPM, detectors["CO"])
    return carbon_monoxide[beside].max(axis=1)[fans], detectors["NO2"][beside].max(axis=1)[fans]


def _is_rush_hour(moment: Moment) -> bool:
    return moment.workday and any(begin < moment.hour <= end for begin, end in _RUSH_HOURS)


def _air_changes_per_h(around: Around) -> Column:
    """Of each quarter: a third of the full airflow for each fan at high speed, on top of natural ventilation."""
    fans = around.plants["PKF"]
    flow = fans["RunSts"] * _FLOW_OF_STAGE[fans["SpdCmd"].astype(np.intp)]
    quarter = _quarter_of("PKF")
    part = np.bincount(quarter, weights=flow) / np.bincount(quarter)
    return _NATURAL_PER_H + part * _FULL_M3_H_M2 / _HEIGHT_M


def _exhaust_g_h(around: Around) -> Column:
    """Carbon monoxide of the cars that drive in each quarter."""
    site, part = _traffic_of_quarters()
    moves_per_h = around.plants["PMS"]["_moves_per_h"][site]
    return _GRAMS_PER_MOVE * part * moves_per_h * (1.0 + moves_per_h / _QUEUE_MOVES_PER_H)


@cache
def _traffic_of_quarters() -> tuple[NDArray[np.intp], Column]:
    """The car park of each quarter and the part of its traffic that drives there."""
    sites = whole_site().zones["PMS"]
    part = {"B1": _UPPER_PART, "B2": _LOWER_PART}
    return np.array([sites.index(zone) for _, zone in _QUARTERS]), np.array([part[floor] for floor, _ in _QUARTERS])


@cache
def _volume_m3() -> float:
    return whole_site().parameters["bays"] * _BAY_M2 * _HEIGHT_M / len(_QUARTERS)


@cache
def _quarter_of(code: str) -> NDArray[np.intp]:
    site = whole_site()
    places = zip(site.floors[code], site.zones[code], strict=True)
    return np.array([_QUARTERS.index(place) for place in places], dtype=np.intp)


@cache
def _detectors_of_quarters() -> NDArray[np.intp]:
    return np.array([whole_site().where("PKG", floor, zone) for floor, zone in _QUARTERS])
