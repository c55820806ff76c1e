"""Fire panels and zones, access readers, call buttons."""

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, full

_ALARM = 2.0


def initial_panel(units: int) -> Columns:
    """Columns of quiet panels with a good connection."""
    return full(
        units, Alarm=0.0, Prealm=0.0, Supv=0.0, Trouble=0.0, AcFail=0.0, BattFail=0.0, Silenced=0.0, TestMode=0.0,
        CommSts=1.0, ZonesInAlm=0.0, _fault_trouble=0.0,
    )  # fmt: skip


def initial_zone(units: int) -> Columns:
    """Columns of quiet zones."""
    return full(units, State=0.0, Isolated=0.0, _fault_fire=0.0)


def initial_reader(units: int) -> Columns:
    """Columns of closed, locked doors."""
    return full(units, DoorSts=0.0, LockSts=1.0, AlmSts=0.0, _open_s=0.0, _fault_forced=0.0)


def initial_button(units: int) -> Columns:
    """Columns of buttons that nobody presses."""
    return full(units, Pressed=0.0, Fault=0.0, _fault_pressed=0.0)


def step_zone(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """A zone burns or is quiet."""
    return columns | {"State": np.where(columns["_fault_fire"] > 0.0, _ALARM, 0.0)}


def step_panel(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """A panel sums up its zones."""
    units = len(columns["Alarm"])
    return columns | {
        "Alarm": np.full(units, float((around.plants["FZN"]["State"] == _ALARM).any())),
        "ZonesInAlm": np.full(units, float((around.plants["FZN"]["State"] == _ALARM).sum())),
        "Trouble": (columns["_fault_trouble"] > 0.0).astype(np.float64),
    }


def step_reader(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """People pass now and then; a forced door stands open though locked."""
    units = len(columns["DoorSts"])
    chance = 1.0 - np.exp(-dt_s * around.moment.occupancy / 45.0)
    passing = (columns["_open_s"] <= 0.0) & (rng.random(units) < chance)
    open_s = np.where(passing, 6.0, np.maximum(0.0, columns["_open_s"] - dt_s))
    forced = columns["_fault_forced"] > 0.0
    return columns | {
        "_open_s": open_s,
        "DoorSts": np.where(forced | (open_s > 0.0), 1.0, 0.0),
        "LockSts": np.where(~forced & (open_s > 0.0), 0.0, 1.0),
        "AlmSts": forced.astype(np.float64),
    }


def step_button(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Pressed until it is reset."""
    return columns | {"Pressed": (columns["_fault_pressed"] > 0.0).astype(np.float64)}


def burning(around: Around) -> bool:
    """Whether a fire panel is in alarm."""
    return around.total("FACP", "Alarm") > 0.0
