"""Exhaust fans of toilets and machine rooms."""

from functools import cache

import numpy as np

from cityhall_simulators.plants.air import starter
from cityhall_simulators.plants.common import Around, Column, Columns, full
from cityhall_simulators.plants.site import whole_site

_TOILET_KW, _ROOF_KW = 0.75, 2.2


@cache
def _rated_kw() -> Column:
    return np.array([_ROOF_KW if floor == "R" else _TOILET_KW for floor in whole_site().floors["EF"]])


def initial(units: int) -> Columns:
    """Columns of fans that stand, in remote."""
    return starter.initial(units) | full(units, _kw=0.0)


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Run while the building is in use."""
    due = np.full_like(own["RunSts"], float(around.moment.air_conditioning))
    switched = starter.started(own, due, around.supply.normal)
    return own | switched | {"_kw": _rated_kw() * switched["RunSts"]}
