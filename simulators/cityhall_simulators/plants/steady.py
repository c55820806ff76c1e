"""Plant without physics of its own yet: it stands at its nominal values.

Measurements wander slowly around what is normal, counters rise at a plausible rate, digital points keep their normal
state. Commands echo: the run status follows its command, and power, speed and running hours follow the status. Nothing
here depends on weather, load or other plant; a type that gets real physics leaves this module.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.description import WRITABLE_KINDS, Role, load_building
from cityhall_simulators.plants.common import Around, Column, Columns, free, held, slow_noise
from cityhall_simulators.plants.site import WHOLE_BUILDING

_COMMAND_OF: Final = {"RunSts": ("StartCmd", "EnableCmd", "FanSpd"), "OnSts": ("OnCmd",)}
"""A status and the commands, one of which it follows where the type has it."""
_ONLY_WHILE_RUNNING: Final = frozenset({"kW", "SpdFb"})
_SPREAD: Final = 0.03
"""Counters of neighbours differ by this part, as if they had been installed one after another."""


def initial(roles: Sequence[Role], units: int) -> Columns:
    """Columns at their normal values; what can be commanded is the plant's own until somebody does."""
    unit = np.arange(units, dtype=np.float64)
    columns: Columns = {}
    for role in roles:
        spread = 1.0 + _SPREAD * unit if role.kind == "CI" and role.unit != "ts" else 1.0
        columns[role.role] = np.floor(role.normal * spread) if role.kind == "CI" else np.full(units, role.normal)
    return columns | free(units, *(role.role for role in roles if role.kind in WRITABLE_KINDS))


def step(columns: Columns, roles: Sequence[Role], around: Around, dt_s: float) -> Columns:
    """Let ``dt_s`` seconds pass; chance is a function of time alone, so none is drawn."""
    units = len(columns[roles[0].role])
    found = {
        role.role: held(columns, role.role, np.full(units, role.normal))
        for role in roles
        if role.kind in WRITABLE_KINDS
    }
    found |= _statuses(roles, found, units)
    running = next((found[status] for status in _COMMAND_OF if status in found), np.ones(units))
    found |= _measured(roles, around.moment.epoch_s, running)
    return columns | found | _counted(columns, roles, found, running, dt_s / 3600.0)


def _statuses(roles: Sequence[Role], commands: Columns, units: int) -> Columns:
    statuses = {}
    for role in roles:
        if role.kind in {"DI", "MI"}:
            command = next((commands[name] for name in _COMMAND_OF.get(role.role, ()) if name in commands), None)
            statuses[role.role] = np.full(units, role.normal) if command is None else (command > 0.0).astype(np.float64)
    return statuses


def _measured(roles: Sequence[Role], epoch_s: float, running: Column) -> Columns:
    measured = [role for role in roles if role.kind == "AI"]
    units = len(running)
    # Every sensor of every unit has a phase of its own, so that no two move together.
    waves = slow_noise(epoch_s, float(len(roles)), len(measured) * units).reshape(len(measured), units)
    found = {}
    for role, wave in zip(measured, waves, strict=True):
        value = role.normal + role.swing * np.clip(wave, -1.0, 1.0)
        found[role.role] = value * running if role.role in _ONLY_WHILE_RUNNING else value
    return found


def _counted(columns: Columns, roles: Sequence[Role], found: Columns, running: Column, hours: float) -> Columns:
    """Energy counts its power, running hours the running; everything else rises at its usual rate per hour."""
    counted = {}
    for role in roles:
        if role.kind == "CI":
            rate = role.swing * running
            if role.role == "kWh" and "kW" in found:
                rate = found["kW"]
            elif role.role == "RunHr":
                rate = running
            counted[role.role] = columns[role.role] + rate * hours
    return counted


@cache
def roles_without_physics(codes: frozenset[str]) -> Mapping[str, tuple[Role, ...]]:
    """Points of the whole building's types that none of these plants moves."""
    return {
        item.type.code: item.type.roles
        for item in load_building(WHOLE_BUILDING).equipment
        if item.type.code not in codes
    }
