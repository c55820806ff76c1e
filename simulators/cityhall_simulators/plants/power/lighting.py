"""Lighting zones: offices by schedule with overtime on request, car park and public places by their own hours."""

from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, free, full, held, sound
from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.site import whole_site
from cityhall_simulators.plants.years import factor

_ON_H, _OFF_H = 7.65, 17.85
"""Office hours with some minutes before and after, so that nobody enters or leaves in the dark."""
_OVERRIDE_MIN: Final = 240.0
"""A manual switch after hours counts for four hours, as every manual override does."""
_OFFICE_KW, _CAR_PARK_KW, _PUBLIC_KW = 24.0, 16.0, 9.0
_OFFICE, _CAR_PARK, _SIGN, _PUBLIC, _OUTDOOR = range(5)
_DUSK_W_M2: Final = 15.0


def initial(units: int) -> Columns:
    """Columns of dark zones. ``_manual_min`` is what is left of a manual override."""
    return (
        full(units, OnSts=0.0, OnCmd=0.0, OvrMin=0.0, DimPct=0.0, _kw=0.0, _manual_min=_OVERRIDE_MIN)
        | free(units, "OnCmd", "DimPct")
        | sound(units, "lights_stay_on")
    )


def step(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Switch and dim each zone; one whose contactor sticks stays lit whatever its command."""
    moment = around.moment
    scheduled, overtime_min = _wanted(moment)
    automatic = np.maximum(scheduled, overtime_min > 0.0)
    by_hand, manual_min, expired = _override(columns, automatic, dt_s)
    kept = np.where(expired, np.nan, columns["_ovr_OnCmd"])
    command = held({"_ovr_OnCmd": kept}, "OnCmd", automatic)
    lit = np.maximum(command, columns["_fault_lights_stay_on"]) * around.supply.normal
    dim = held(columns, "DimPct", _dimming(moment))
    return columns | {
        "OnCmd": command,
        "OnSts": lit,
        "OvrMin": np.where(by_hand, manual_min, overtime_min),
        "DimPct": dim,
        "_ovr_OnCmd": kept,
        "_manual_min": manual_min,
        # Drivers take a little even when dimmed to nothing.
        "_kw": lit * _rated_kw() * (0.06 + 0.0094 * dim) * factor(moment.year, "electricity"),
    }


def _override(columns: Columns, automatic: Column, dt_s: float) -> tuple[Mask, Column, Mask]:
    """Where zones are lit by hand alone, minutes left (all of them where none is running), and which commands end now.

    A command ends with its time, and also when the schedule lights the zone meanwhile: else it would outlast the day.
    """
    before_min = columns["_manual_min"]
    left_min = np.maximum(0.0, before_min - dt_s / 60.0)
    commanded_on = columns["_ovr_OnCmd"] > 0.0
    by_hand = commanded_on & (automatic == 0.0) & (left_min > 0.0)
    expired = commanded_on & (before_min < _OVERRIDE_MIN) & ~by_hand
    return by_hand, np.where(by_hand, left_min, _OVERRIDE_MIN), expired


def _wanted(moment: Moment) -> tuple[Column, Column]:
    """Which zones their schedule lights, and how many minutes of requested overtime each has left."""
    kinds = _kinds()
    office_hours = moment.workday and _ON_H <= moment.hour < _OFF_H
    public_hours = 7.0 <= moment.hour < 21.5 if moment.workday else 9.0 <= moment.hour < 17.0
    night = moment.solar_w_m2 < _DUSK_W_M2
    sign = night and 12.0 < moment.hour < 23.0
    by_kind = np.array((office_hours, True, sign, public_hours, night), dtype=np.float64)
    left_min = np.zeros(len(kinds))
    if moment.workday and moment.hour >= _OFF_H:
        ends_h = _OFF_H + _overtime_h(int(moment.epoch_s // 86_400.0))
        left_min = np.maximum(0.0, ends_h - moment.hour) * 60.0 * (kinds == _OFFICE)
    return by_kind[kinds], left_min


def _dimming(moment: Moment) -> Column:
    """Daylight saves a part, lunch the most; the car park dims at night and at weekends."""
    daylight = min(1.0, moment.solar_w_m2 / 800.0)
    lunch = 12.1 < moment.hour < 13.4
    busy = moment.workday and 7.0 < moment.hour < 19.0
    office = 45.0 if lunch else 96.0 - 14.0 * daylight
    by_kind = np.array((office, 90.0 if busy else 40.0, 80.0, 90.0 - 30.0 * daylight, 70.0))
    return np.asarray(by_kind[_kinds()], dtype=np.float64)


@lru_cache(maxsize=4)
def _overtime_h(day: int) -> Column:
    """How long each zone asked to stay lit after hours: two in three do, for up to four hours."""
    asked = np.random.default_rng(day).random(len(_kinds()))
    return np.asarray(np.clip((asked - 0.35) * 6.0, 0.0, 4.0), dtype=np.float64)


@cache
def _kinds() -> NDArray[np.intp]:
    site = whole_site()
    kinds = np.full(site.units["LTG"], _OFFICE, dtype=np.intp)
    for unit, place in enumerate(zip(site.floors["LTG"], site.zones["LTG"], strict=True)):
        floor, zone = place
        if floor in {"B1", "B2"} and zone in {"N", "S"}:
            kinds[unit] = _CAR_PARK
        elif zone in {"CS", "CN"}:
            kinds[unit] = _PUBLIC
        elif zone == "S":
            kinds[unit] = _OUTDOOR
    # The sign shares its place with the first floor's west zone and follows it.
    kinds[site.where("LTG", "01", "W")[-1]] = _SIGN
    return kinds


@cache
def _rated_kw() -> Column:
    by_kind = np.array((_OFFICE_KW, _CAR_PARK_KW, 1.2, _PUBLIC_KW, 6.0))
    units = np.arange(len(_kinds()))
    return np.asarray(by_kind[_kinds()] * (1.0 + 0.1 * ((2.0 * units) % 5.0 - 2.0) / 2.0), dtype=np.float64)
