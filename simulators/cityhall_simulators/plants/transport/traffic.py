"""Traffic of the lifts: how many trips, which way the people go, between which floors, by which cars."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Around, Column, Mask
from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.site import whole_site

STOPS: Final = np.array([-1.0, 0.0, 1.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0])
"""Floors that are called: B2 is -1, B1 is 0; 2F and 3F are skipped."""
GROUND: Final = 1.0
REGENERATIVE_ZONES: Final = frozenset({"N", "NE", "NW"})
_OTHERS: Final = STOPS[STOPS != GROUND]
_TRIPS_PER_H, _UP_PEAK, _LUNCH, _DOWN_PEAK = 62.0, 42.0, 36.0, 42.0
_BY_NIGHT_PER_H: Final = 0.6
_SERVICE_HOURS: Final = (6.5, 20.0)
_NIGHT_CARS: Final = (9, 10, 17, 25)
"""By night: an odd and an even car of CS, the emergency car of CN, the accessible one of S."""
_FULL_PERCENT: Final = 32.5
"""Mean load of a car with everybody present and people going both ways."""
_BALANCED_PERCENT: Final = 45.0
"""Load that the counterweight balances; the rest up to 100 % is 55."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Trips per hour of each car; the way people go, from 1 (up) to -1 (down); how full cars are; weight of 1F."""

    trips_per_h: Column
    way: float
    fill: float
    ground: float


def traffic(moment: Moment, dt_s: float) -> Traffic:
    """In the middle of the step that ends at ``moment``."""
    hour = (moment.hour - dt_s / 7200.0) % 24.0
    up, down = _peak(hour, 8.45, 0.45), _peak(hour, 17.6, 0.4)
    lunch = _peak(hour, 12.2, 0.5) + 0.8 * _peak(hour, 13.3, 0.4)
    peaks = _UP_PEAK * up + _LUNCH * lunch + _DOWN_PEAK * down
    busy = _TRIPS_PER_H * moment.occupancy + (peaks if moment.workday else 0.0)
    return Traffic(
        trips_per_h=(busy * cars().share + _BY_NIGHT_PER_H) * serving(moment),
        way=(up - down) if moment.workday else 0.0,
        fill=0.3 + 0.7 * min(moment.occupancy, 1.0),
        ground=3.0 + (9.0 * max(up, down) + 4.0 * lunch if moment.workday else 0.0),
    )


def _peak(hour: float, at: float, width: float) -> float:
    return math.exp(-(((hour - at) / width) ** 2))


@dataclass(frozen=True, slots=True)
class Cars:
    """Facts of each car that never change."""

    share: Column
    """Of the trips of a mean car."""
    regenerative: Mask
    place: NDArray[np.intp]
    """Its place in its bank, 0 first."""
    bank_size: NDArray[np.intp]
    by_night: Mask
    every: Mask


@cache
def cars() -> Cars:
    """All cars, bank by bank."""
    zones = whole_site().zones["ELV"]
    unit = np.arange(len(zones))
    regenerative = np.array([zone in REGENERATIVE_ZONES for zone in zones])
    place = np.array([zones[:number].count(zone) for number, zone in enumerate(zones)])
    share = np.where(regenerative, 1.0, 1.0 + 0.18 * np.sin(2.399963 * unit))
    return Cars(
        share=share / share.mean(),
        regenerative=regenerative,
        place=place,
        bank_size=np.array([zones.count(zone) for zone in zones]),
        by_night=np.isin(unit, _NIGHT_CARS),
        every=np.ones(len(zones), dtype=np.bool_),
    )


def serving(moment: Moment) -> Mask:
    """All cars on working days; one of each bank on other days, in turn; a few by night."""
    known = cars()
    if not _SERVICE_HOURS[0] <= moment.hour < _SERVICE_HOURS[1]:
        return known.by_night
    if moment.workday:
        return known.every
    found: Mask = known.by_night | (moment.day_of_year % known.bank_size == known.place)
    return found


def moving_without_utility(around: Around) -> Mask:
    """Cars that have power: all, or the first of each bank on the generator, or none."""
    if around.supply.normal > 0.0:
        return cars().every
    found: Mask = (cars().place == 0) & (around.supply.essential > 0.0)
    return found


def next_stops(position: Column, ground: float, dice: Column) -> Column:
    """Where each car is called to, never where it stands. ``dice`` is uniform in 0..1."""
    weights = np.where(STOPS == GROUND, ground, 1.0)
    before = np.concatenate(([0.0], np.cumsum(weights)))
    here = np.minimum(np.searchsorted(STOPS, position), len(STOPS) - 1)
    own = np.where(STOPS[here] == position, weights[here], 0.0)
    aim = dice * (before[-1] - own)
    aim = aim + np.where(aim >= before[here], own, 0.0)
    found: Column = STOPS[np.minimum(np.searchsorted(before, aim, side="right") - 1, len(STOPS) - 1)]
    return found


def mean_floors(ground: float) -> float:
    """Mean length of a trip, when each is to another stop and 1F weighs ``ground``."""
    others = len(_OTHERS)
    pairs = _AMONG_OTHERS + 2.0 * ground * _TO_GROUND
    return pairs / ((others + ground) ** 2 - others - ground**2)


_AMONG_OTHERS: Final = float(np.abs(_OTHERS[:, None] - _OTHERS[None, :]).sum())
_TO_GROUND: Final = float(np.abs(_OTHERS - GROUND).sum())


def load_percent(way: float, fill: float, direction: Column, dice: Column) -> Column:
    """Load of a car that leaves upwards (1) or downwards (-1)."""
    return _FULL_PERCENT * fill * (1.0 + way * direction) * (0.5 + dice)


def torque(load: Column, direction: Column) -> Column:
    """What the motor must give, -0.8..1: less than nothing when the heavier side sinks."""
    return (load - _BALANCED_PERCENT) / (100.0 - _BALANCED_PERCENT) * direction


def mean_torque(way: float, fill: float) -> float:
    """Mean of torque over trips, weighed by their length: up and down cancel but for the way people go."""
    return _FULL_PERCENT * fill * way / (100.0 - _BALANCED_PERCENT)
