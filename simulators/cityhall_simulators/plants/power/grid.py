"""The utility's two lines: voltages and frequency, with what goes wrong on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, read_only, slow_noise

HIGH_V: Final = 22_800.0
LOW_V: Final = 380.0
SQRT3: Final = 3.0**0.5
DISTURBANCES: Final[Mapping[str, tuple[float, float, float]]] = {
    "overvoltage": (1.13, 1.13, 1.13),
    "undervoltage": (0.87, 0.87, 0.87),
    "voltage_unbalance": (1.0, 0.95, 1.0),
    "phase_loss": (0.5, 0.5, 1.0),
}
"""What becomes of the voltages between phases 1-2, 2-3 and 3-1; the lost phase is the second."""
_FACTORS: Final = np.array(list(DISTURBANCES.values())).T[:, :, None] - 1.0
_LOW_HZ: Final = 0.7
_LINES: Final = 2
_INCOMING_BAYS: Final = slice(0, 2)
_OUTGOING_BAYS: Final = slice(2, 6)


@dataclass(frozen=True, slots=True)
class Lines:
    """``volts_pu`` has a row per pair of phases and a column per line, in parts of the nominal voltage."""

    volts_pu: Column
    hz: Column


def lines_at(around: Around) -> Lines:
    """As the utility delivers now."""
    meters = around.plants["HVM"]
    struck = np.array([*(meters[f"_fault_{name}"] for name in DISTURBANCES), meters["_fault_frequency"]])
    return _lines(around.moment.epoch_s, utility_lost(around.plants), struck.tobytes())


@lru_cache(maxsize=4)
def _lines(epoch_s: float, lost: bool, struck: bytes) -> Lines:  # noqa: FBT001 - a key of the cache
    """Each type that needs the lines within a step finds them here."""
    hz = np.full(_LINES, 60.0 + 0.03 * float(slow_noise(epoch_s * 7.0, 24.0)[0]))
    if lost:
        return Lines(read_only(np.zeros((3, _LINES))), read_only(np.full(_LINES, 60.0)))
    faults = np.frombuffer(struck).reshape(-1, _LINES)
    common = 1.0 + 0.007 * slow_noise(epoch_s, 30.0, _LINES)
    apart = 0.0015 * slow_noise(epoch_s * 3.0, 33.0, 3 * _LINES).reshape(3, _LINES)
    volts = (common + apart) * np.prod(1.0 + _FACTORS * faults[:-1], axis=1)
    return Lines(read_only(volts), read_only(hz - _LOW_HZ * faults[-1]))


def utility_lost(plants: Mapping[str, Columns]) -> bool:
    """Whether nothing comes from outside: both lines dead, or no bay lets anything through."""
    tripped = plants["GIS"]["_fault_gis_trip"]
    return bool(
        plants["HVM"]["_fault_supply_loss"].any() or tripped[_INCOMING_BAYS].all() or tripped[_OUTGOING_BAYS].all()
    )


def rerouted(kw: Column, alive: Column, sibling: Column) -> Column:
    """Loads after the ties have closed: what a dead feeder carried goes to its sibling, or to all that live.

    ``sibling[i, j]`` is 1 where feeder ``j`` takes over from ``i``. The sum stays what it was while anything lives.
    """
    if alive.all():
        return kw
    takes_over = (sibling + 1e-9) * alive
    takes_over /= np.maximum(takes_over.sum(axis=1, keepdims=True), 1e-30)
    return np.asarray(kw * alive + (kw * (1.0 - alive)) @ takes_over, dtype=np.float64)


def siblings(*pairs: tuple[int, int]) -> Column:
    """Matrix for :func:`rerouted`: who takes over from whom, counted from one."""
    found = np.zeros((len(pairs), len(pairs)))
    for feeder, other in pairs:
        found[feeder - 1, other - 1] = 1.0
    return found
