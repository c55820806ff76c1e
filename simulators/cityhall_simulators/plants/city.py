"""All plants of the building together: one pure step from state to state."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np

from cityhall_simulators.plants import (
    air,
    cooling,
    networks,
    parking,
    power,
    safety,
    transport,
    water,
    weather,
)
from cityhall_simulators.plants.common import Around, Column, Columns, Plant
from cityhall_simulators.plants.moment import moment_at
from cityhall_simulators.plants.power.supply import supply_of
from cityhall_simulators.plants.site import whole_site

# In the order in which one acts on the next within a step.
PLANTS: Final[Mapping[str, Plant]] = MappingProxyType(
    {
        **weather.PLANTS,
        **safety.PLANTS,
        **air.PLANTS,
        **cooling.PLANTS,
        **transport.PLANTS,
        **parking.PLANTS,
        **water.PLANTS,
        **power.PLANTS,
        **networks.PLANTS,
    }
)
# Long steps find the day's balance, short ones what moves within minutes.
_SETTLING_S: Final = (86_400.0, 7_200.0, 600.0, 0.0)
_SETTLING_STEP_S: Final = (1_800.0, 300.0, 30.0)


@dataclass(frozen=True, slots=True)
class CityState:
    """Columns per equipment type. Chance comes from the seed and the count of steps, so it needs no state."""

    columns: Mapping[str, Columns]
    seed: int
    steps: int = 0


@lru_cache(maxsize=16)
def settled_city(seed: int, local: datetime) -> CityState:
    """A city that has already run for a day when its doors open at ``local``; its counters begin the day before."""
    site = whole_site()
    columns = {code: plant.initial(site.units[code]) for code, plant in PLANTS.items()}
    state = CityState(columns, seed)
    for (begin_s, end_s), dt_s in zip(pairwise(_SETTLING_S), _SETTLING_STEP_S, strict=True):
        for number in range(1, round((begin_s - end_s) / dt_s) + 1):
            state = step_city(state, local - timedelta(seconds=begin_s - number * dt_s), dt_s)
    return state


def step_city(state: CityState, local: datetime, dt_s: float) -> CityState:
    """One step of ``dt_s`` seconds (up to an hour) that ends at ``local``. Same state and time, same bytes."""
    columns = dict(state.columns)
    around = Around(moment_at(local, state.seed), whole_site(), columns, supply_of(columns))
    chance = np.random.default_rng((state.seed, state.steps))
    for code, plant in PLANTS.items():
        columns[code] = plant.step(columns[code], around, dt_s, chance)
    return CityState(columns, state.seed, state.steps + 1)


def commanded(state: CityState, code: str, unit: int, role: str, value: float | None) -> CityState:
    """The state after somebody commanded a role; None hands it back to the plant's own control."""
    columns = dict(state.columns[code])
    name = f"_ovr_{role}" if f"_ovr_{role}" in columns else role
    if value is None and name == role:
        return state
    columns[name] = _with(columns[name], unit, np.nan if value is None else value)
    if value is not None and name != role:
        # Shown at once: whoever reads back must not meet the old value until the next step.
        columns[role] = _with(columns[role], unit, value)
    return replace(state, columns={**state.columns, code: columns})


def disturbed(state: CityState, code: str, unit: int, column: str, *, active: bool) -> CityState:
    """The state with a disturbance from outside switched on or off."""
    columns = dict(state.columns[code])
    columns[column] = _with(columns[column], unit, float(active))
    return replace(state, columns={**state.columns, code: columns})


def _with(column: Column, unit: int, value: float) -> Column:
    changed = column.copy()
    changed[unit] = value
    return changed
