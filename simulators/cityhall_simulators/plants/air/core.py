"""Small rooms in the core of a floor, with a fan coil or a box each: their heat, and what can be wrong with them."""

from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.air import room
from cityhall_simulators.plants.common import Around, Column

GROUND_T: Final = 25.0
"""What stands around a basement."""

HOT_T: Final = 38.0
"""Air of a plant room, which comes in where a fault makes a room hot; no room gets hotter than that."""


@cache
def own_gain(units: int) -> Column:
    """No two rooms are alike."""
    return np.asarray(0.85 + 0.05 * (np.arange(units, dtype=np.float64) * 3.0 % 7.0), dtype=np.float64)


@cache
def phase(units: int) -> Column:
    """Apart from each other by an irrational part of a turn."""
    return 2.399963 * np.arange(units, dtype=np.float64)


def set_points(zone_sp: Column, around: Around, swing_k: float) -> Column:
    """What is held: the set point, and how far thermostats miss it."""
    return zone_sp + swing_k * room.wander(around.moment.epoch_s, phase(len(zone_sp)))
