"""Condenser water pumps, in step with their lines."""

import numpy as np

from cityhall_simulators.plants.common import Around, Columns
from cityhall_simulators.plants.cooling import pumps
from cityhall_simulators.plants.cooling.lines import LINES


def initial(units: int) -> Columns:
    """Columns of pumps at rest."""
    return pumps.initial(units)


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Run with the lines that the controller has enabled."""
    primary = around.plants["PCHP"]
    wanted = (primary["_enabled"] + primary["_runs"])[:LINES] > 0.0
    return pumps.step(own, around, pumps.CONDENSER, dt_s, wanted, on_duty=bool(primary["_on_duty"][0] > 0.0))
