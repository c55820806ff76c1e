"""What all plants share: columns of units, the world around them, first-order behaviour."""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]
Columns = dict[str, Column]
"""One array per role, one element per unit. Names with a leading underscore are inner state; ``_fault_x`` is a
disturbance from outside; ``_ovr_X`` holds what somebody commanded X to be, NaN while the plant decides itself."""

_NOTHING: Final = np.zeros(0)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The world as one plant meets it. Temperatures in °C, powers in kW, ``hour`` 0..24 local, ``epoch_s`` local."""

    epoch_s: float = 0.0
    hour: float = 10.0
    workday: bool = True
    occupancy: float = 1.0
    air_conditioning: bool = True
    outdoor_t: float = 31.0
    outdoor_rh: float = 70.0
    outdoor_wb: float = 26.5
    solar_w_m2: float = 500.0
    chilled_water_t: float = 7.0
    cooling_kw: float = 1200.0
    fire: bool = False
    rest_kw: float = 2000.0
    loads_kw: Column = field(default_factory=lambda: _NOTHING)
    fan_co_ppm: Column = field(default_factory=lambda: _NOTHING)
    tank_inflow_m3_h: float = 0.0
    water_used_part: float = 1.0
    water_shares: Column = field(default_factory=lambda: _NOTHING)
    feed_kw: float = 0.0
    zones_in_alarm: float = 0.0
    bays: float = 600.0
    feeder_limit_a: float = 48.0
    ev_bays: float = 2.0
    ev_bays_taken: float = 0.0


def lag(value: Column, target: Column | float, dt_s: float, tau_s: float) -> Column:
    """First-order approach of ``value`` to ``target``; exact for any step."""
    return target + (value - target) * math.exp(-dt_s / tau_s)


def held(columns: Columns, role: str, automatic: Column) -> Column:
    """What was commanded, and the plant's own choice where nothing was."""
    commanded = columns[f"_ovr_{role}"]
    return np.where(np.isnan(commanded), automatic, commanded)


def full(units: int, **values: float) -> Columns:
    """Columns that begin with the same value for every unit."""
    return {role: np.full(units, value, dtype=np.float64) for role, value in values.items()}


def free(units: int, *roles: str) -> Columns:
    """Override columns of roles that the plant controls by itself."""
    return {f"_ovr_{role}": np.full(units, np.nan) for role in roles}


def slow_noise(epoch_s: float, phase: float, count: int = 1) -> Column:
    """Smooth noise within about ±1 with periods of minutes to hours: a function of time alone."""
    each = phase + 2.399963 * np.arange(count)
    waves = [
        np.sin(2.0 * np.pi * epoch_s / period_s + each * k) for k, period_s in enumerate((431.0, 1597.0, 7919.0), 1)
    ]
    return np.asarray(sum(waves) / 2.0, dtype=np.float64)


def demand_15_min(columns: Columns, kw: Column, epoch_s: float, dt_s: float) -> Columns:
    """Clock-aligned demand: the mean of the last whole quarter of an hour."""
    window = np.floor(epoch_s / 900.0)
    closed = columns["_window"] != window
    with_time = closed & (columns["_window_s"] > 0.0)
    mean = columns["_window_kws"] / np.maximum(columns["_window_s"], 1e-9)
    return {
        "Dmd15": np.where(with_time, mean, columns["Dmd15"]),
        "_window": np.full_like(kw, window),
        "_window_s": np.where(closed, 0.0, columns["_window_s"]) + dt_s,
        "_window_kws": np.where(closed, 0.0, columns["_window_kws"]) + kw * dt_s,
    }
