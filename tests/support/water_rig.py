"""The water plants alone; cooling towers evaporate what an afternoon of their size does."""

from datetime import datetime, timedelta

import numpy as np
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import water
from cityhall_simulators.plants.common import Around, Columns, Plant

SUBS = {"people": range(2, 16), "food": range(16, 20), "wash": range(20, 22), "irrigation": range(22, 24)}
SUBS |= {"tower": range(24, 25), "rain": range(25, 26), "hot": range(26, 27), "fire": range(27, 28)}
"""Meters by what they measure, in the order of domain.md 3.1: 2 inlets, 14 levels, 4 food hall, and so on."""
ROOF_AND_BASEMENT_M3 = np.array([100.0] * 4 + [25.0] * 4)


def _towers(units: int) -> Columns:
    return {"_makeup_m3_h": np.zeros(units)}


def _evaporating(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    moment = around.moment
    m3_h = 11.0 * float(np.clip((moment.outdoor_t - 18.0) / 17.0, 0.0, 1.0)) * moment.air_conditioning
    return own | {"_makeup_m3_h": np.full(len(own["_makeup_m3_h"]), m3_h / len(own["_makeup_m3_h"]))}


def water_rig(local: datetime, seed: int = 5) -> PlantRig:
    """Settled for a day before ``local``, so that levels have found their cycles."""
    rig = PlantRig({"CT": Plant(_towers, _evaporating), **water.PLANTS}, local - timedelta(days=1), seed)
    rig.run_until(local, dt_s=900.0)
    return rig
