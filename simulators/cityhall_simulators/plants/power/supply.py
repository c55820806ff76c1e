"""Which busbars carry voltage."""

from collections.abc import Mapping
from typing import Final

from cityhall_simulators.plants.common import Columns, Supply
from cityhall_simulators.plants.power.generators import can_start
from cityhall_simulators.plants.power.grid import utility_lost

_LONG_STEP_S: Final = 15.0


def supply_of(plants: Mapping[str, Columns]) -> Supply:
    """Without the utility only the essential busbars are fed, once a generator is on them.

    When time passes in steps longer than a start takes, a generator that can start counts as started at once.
    """
    if not utility_lost(plants):
        return Supply()
    generators = plants["GEN"]
    starts_within_step = generators["_step_s"] > _LONG_STEP_S
    fed = (generators["CbSts"] > 0.0) | (starts_within_step & (can_start(generators) > 0.0))
    return Supply(normal=0.0, essential=float(fed.any()))
