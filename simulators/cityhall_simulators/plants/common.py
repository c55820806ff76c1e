"""What all plants share: columns of units, the world around them, first-order behaviour."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.site import Site

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]
Columns = dict[str, Column]
"""One array per role, one element per unit. Names with a leading underscore are inner state; ``_fault_x`` is a
disturbance from outside, 0 or 1; ``_ovr_X`` holds what somebody commanded X to be, NaN while the plant decides
itself."""
_PERIODS_S: Final = np.array([[431.0], [1597.0], [7919.0]])
"""Of the waves that noise is made of."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Which busbars carry voltage: 1.0 or 0.0. The essential ones are fed by a generator while the utility is away."""

    normal: float = 1.0
    essential: float = 1.0


@dataclass(frozen=True, slots=True)
class Around:
    """The world as a plant meets it within a step.

    ``plants`` holds every type's columns: those stepped before this one as they are now, the others as they were.
    """

    moment: Moment
    site: Site
    plants: Mapping[str, Columns]
    supply: Supply = field(default_factory=Supply)

    def total(self, code: str, column: str) -> float:
        """Sum over all units of a type."""
        return float(self.plants[code][column].sum())


Step = Callable[[Columns, Around, float, np.random.Generator], Columns]
"""Columns of a type, the world, seconds that pass, chance: the columns afterwards. The given ones stay as they are."""


@dataclass(frozen=True, slots=True)
class Plant:
    """How the units of a type begin (given their number) and go on."""

    initial: Callable[[int], Columns]
    step: Step


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


def read_only(column: Column) -> Column:
    """The same array, which nobody can change from now on: for what a cache hands to several readers."""
    column.setflags(write=False)
    return column


def free(units: int, *roles: str) -> Columns:
    """Override columns of roles that the plant controls by itself."""
    return {f"_ovr_{role}": np.full(units, np.nan) for role in roles}


def sound(units: int, *faults: str) -> Columns:
    """Fault columns, all off."""
    return {f"_fault_{name}": np.zeros(units) for name in faults}


def slow_noise(epoch_s: float, phase: float, count: int = 1) -> Column:
    """Smooth noise within about ±1 with periods of minutes to hours: a function of time alone."""
    first, second, third = np.sin(2.0 * math.pi * epoch_s / _PERIODS_S + _phases(phase, count))
    return np.asarray((first + second + third) / 2.0, dtype=np.float64)


@lru_cache(maxsize=256)
def _phases(phase: float, count: int) -> Column:
    """A row per period, a column per unit: whoever asks for noise asks again in each step."""
    each = phase + 2.399963 * np.arange(count)
    return read_only(np.array([each * number for number in range(1, len(_PERIODS_S) + 1)]))


def demand_15_min(columns: Columns, kw: Column, epoch_s: float, dt_s: float) -> Columns:
    """Clock-aligned demand: the mean of the last whole quarter of an hour.

    A step that ends at ``epoch_s`` may be longer than a quarter; then the last whole quarter had this power.
    """
    window = math.floor(epoch_s / 900.0)
    since_s = min(dt_s, epoch_s - window * 900.0)
    same = columns["_window"] == window
    before_s = np.where(same, 0.0, np.minimum(dt_s - since_s, 900.0 - np.minimum(columns["_window_s"], 900.0)))
    closed_s = columns["_window_s"] + before_s
    mean = (columns["_window_kws"] + kw * before_s) / np.maximum(closed_s, 1e-9)
    whole = np.where(dt_s - since_s >= 900.0, kw, mean)
    return {
        "Dmd15": np.where(same | (closed_s <= 0.0), columns["Dmd15"], whole),
        "_window": np.full_like(kw, window),
        "_window_s": np.where(same, columns["_window_s"], 0.0) + since_s,
        "_window_kws": np.where(same, columns["_window_kws"], 0.0) + kw * since_s,
    }
