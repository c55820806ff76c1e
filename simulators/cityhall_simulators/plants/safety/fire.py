"""Fire zones and the panels that sum them up. Nothing here can be written from outside."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, full, sound
from cityhall_simulators.plants.safety.places import LEVELS, level_of, panel_of

# States of the BACnet life-safety zone.
_PREALARM, ALARM, _FAULT, _SUPERVISORY = 1.0, 2.0, 3.0, 22.0
_PANELS: Final = 2


def initial_zone(units: int) -> Columns:
    """Columns of quiet zones."""
    return full(units, State=0.0, Isolated=0.0) | sound(units, "fire", "prealarm", "supervisory", "loop", "isolated")


def initial_panel(units: int) -> Columns:
    """Columns of quiet panels with a good connection."""
    return full(
        units, Alarm=0.0, Prealm=0.0, Supv=0.0, Trouble=0.0, AcFail=0.0, BattFail=0.0, Silenced=0.0, TestMode=0.0,
        CommSts=1.0, ZonesInAlm=0.0,
    ) | sound(units, "trouble", "ac", "battery", "comm")  # fmt: skip


def step_zone(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """The worst of what its detectors report; an isolated zone reports nothing."""
    state = np.where(columns["_fault_loop"] > 0.0, _FAULT, 0.0)
    state = np.where(columns["_fault_supervisory"] > 0.0, _SUPERVISORY, state)
    state = np.where(columns["_fault_prealarm"] > 0.0, _PREALARM, state)
    state = np.where(columns["_fault_fire"] > 0.0, ALARM, state)
    isolated = columns["_fault_isolated"]
    return columns | {"State": state * (1.0 - isolated), "Isolated": isolated}


def step_panel(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """A panel sums up its own zones and the flow and valve contacts of its levels."""
    state = around.plants["FZN"]["State"]
    valves, foam = around.plants["ACV"], around.plants["FOM"]
    zones_in_alarm = _heard("FZN", state == ALARM)
    water = _heard("ACV", valves["FlowSw"]) + _heard("FOM", foam["FlowSw"])
    tampered = _heard("FZN", state == _SUPERVISORY) + _heard("ACV", 1.0 - valves["SupvVlv"])
    no_mains = np.maximum(columns["_fault_ac"], 1.0 - around.supply.essential)
    no_battery = columns["_fault_battery"]
    trouble = _heard("FZN", state == _FAULT) + columns["_fault_trouble"] + no_mains + no_battery
    return columns | {
        "Alarm": np.minimum(zones_in_alarm + water, 1.0),
        "Prealm": np.minimum(_heard("FZN", state == _PREALARM), 1.0),
        "Supv": np.minimum(tampered, 1.0),
        "Trouble": np.minimum(trouble, 1.0),
        "AcFail": no_mains,
        "BattFail": no_battery,
        "CommSts": 1.0 - columns["_fault_comm"],
        "ZonesInAlm": zones_in_alarm,
    }


def burning(around: Around) -> bool:
    """Whether a fire panel is in alarm."""
    return around.total("FACP", "Alarm") > 0.0


def alarm_on_levels(around: Around) -> Column:
    """1.0 for each level with a zone in alarm or with extinguishing water flowing."""
    levels = np.zeros(len(LEVELS))
    levels[level_of("FZN")[around.plants["FZN"]["State"] == ALARM]] = 1.0
    levels[level_of("ACV")[around.plants["ACV"]["FlowSw"] > 0.0]] = 1.0
    levels[level_of("FOM")[around.plants["FOM"]["FlowSw"] > 0.0]] = 1.0
    return levels


def _heard(code: str, which: Column | Mask) -> Column:
    """How many units of a type speak up, for each panel."""
    return np.bincount(panel_of(code), weights=which, minlength=_PANELS).astype(np.float64)
