"""Rooms: a node of air and light things, coupled to a node of slabs and walls; solved exactly for any step."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Column

OUTDOOR_CO2_PPM: Final = 420.0
CO2_M3_H_PERSON: Final = 0.019
"""Breath of one person at office work (ASHRAE 62.1: 0.0052 L/s)."""
PERSON_KW: Final = 0.075
"""Sensible heat of one person at office work."""
PERSON_KG_H: Final = 0.08
"""Water that one person gives to the air."""


@dataclass(frozen=True, slots=True)
class Room:
    """Capacities in kWh/K, the conductance between air and mass in kW/K, how fast its control takes deviations out."""

    air_kwh_k: float
    mass_kwh_k: float
    mass_kw_k: float
    control_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Load:
    """What acts on a room's air besides its mass.

    ``kw`` counts gains, and every conductance times its source's temperature in °C; ``kw_k`` sums the conductances.
    """

    kw: Column
    kw_k: Column | float


def wanted_kw(
    room: Room, air_t: Column, mass_t: Column, load: Load, set_t: Column, dt_s: float
) -> tuple[Column, Column]:
    """Heat to be removed so that the air comes to its set point, and the air's mean temperature meanwhile.

    A short step takes out its part of the deviation, a long one all of it: no step can overshoot.
    """
    hours = dt_s / 3600.0
    gone = -math.expm1(-dt_s / room.control_s)
    above = air_t - set_t
    mean_t = set_t + above * (gone * room.control_s / dt_s)
    still_kw = load.kw + room.mass_kw_k * mass_t - (load.kw_k + room.mass_kw_k) * mean_t
    return still_kw + above * (room.air_kwh_k * gone / hours), mean_t


def after(room: Room, air_t: Column, mass_t: Column, load: Load, dt_s: float) -> tuple[Column, Column]:
    """Temperatures of air and mass a step later. The mass is slow: within a step the air meets it as it was."""
    hours = dt_s / 3600.0
    total_kw_k = load.kw_k + room.mass_kw_k
    rest_t = (load.kw + room.mass_kw_k * mass_t) / total_kw_k
    constants = total_kw_k * (hours / room.air_kwh_k)
    decay = np.exp(-constants)
    mean_t = rest_t + (air_t - rest_t) * (1.0 - decay) / constants
    slow = math.exp(-hours * room.mass_kw_k / room.mass_kwh_k)
    return rest_t + (air_t - rest_t) * decay, mean_t + (mass_t - mean_t) * slow


def exchanged(value: Column, source: Column, flow: Column, volume: float, dt_s: float) -> Column:
    """A concentration in a well-mixed volume.

    ``source`` counts what enters (flow times concentration), ``flow`` what leaves, both per hour in the unit of
    ``volume``.
    """
    rest = source / flow
    return np.asarray(rest + (value - rest) * np.exp(-flow * (dt_s / 3600.0 / volume)), dtype=np.float64)


def wander(epoch_s: float, phase: Column) -> Column:
    """Smooth noise within ±1, each unit's own. Its periods are hours, so that no control loop seems to hunt."""
    return np.asarray(0.6 * np.sin(epoch_s / 2_180.0 + phase) + 0.4 * np.sin(epoch_s / 5_930.0 + 2.7 * phase))
