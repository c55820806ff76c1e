"""Short things that happen at random: a door opened, a call made."""

import math

import numpy as np

from cityhall_simulators.plants.common import Column


def left_s(before_s: Column, per_h: float, lasts_s: float, dt_s: float, rng: np.random.Generator) -> Column:
    """How long each still lasts, in seconds, after ``dt_s`` in which it begins at random ``per_h`` times an hour.

    What began and ended within a long step leaves no trace, so a look at any moment finds it as often for any step.
    Two draws for each unit.
    """
    window_s = min(dt_s, lasts_s)
    chance, when = rng.random((2, len(before_s)))
    begins = chance < 1.0 - math.exp(-per_h * window_s / 3_600.0)
    return np.where(begins, lasts_s - when * window_s, np.maximum(0.0, before_s - dt_s))
