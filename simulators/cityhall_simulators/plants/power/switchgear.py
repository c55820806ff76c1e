"""Gas-insulated switchgear at 22.8 kV, and the switches between utility and generators."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, full, lag, slow_noise, sound
from cityhall_simulators.plants.power.grid import HIGH_V, SQRT3, lines_at
from cityhall_simulators.plants.power.tree import tree

_OPEN, _CLOSED, _BAD = 0.0, 1.0, 3.0
_INCOMING: Final = 2
_SF6_KPA, _SF6_LOW_KPA, _SF6_BLOCK_KPA, _SF6_LEAKED_KPA = 620.0, 575.0, 550.0, 530.0
"""Nominal; alarm 7 % below; blocking at the least density that still breaks the arc."""
_LEAK_TAU_S: Final = 1_200.0
_LINE_OF_BAY: Final = np.array((0, 1, 0, 0, 1, 1))
_NORMAL_SIDE, _EMERGENCY_SIDE = 1.0, 2.0


def initial_bay(units: int) -> Columns:
    """Columns of closed bays."""
    return full(
        units, CbSts=_CLOSED, DsSts=_CLOSED, EsSts=_OPEN, SprChg=1.0, TripRly=0.0, Sf6Low=0.0, Sf6Block=0.0,
        Sf6P=_SF6_KPA, LocRem=1.0, kV=22.8, I1=30.0, I2=30.0, I3=30.0, OpCnt=214.0, _open=0.0,
    ) | sound(units, "gis_trip", "sf6_leak", "breaker_bad")  # fmt: skip


def step_bay(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Two incoming bays carry a line each, the others transformers; an open one carries nothing."""
    open_now = columns["_fault_gis_trip"]
    volts = HIGH_V * lines_at(around).volts_pu.mean(axis=0)[_LINE_OF_BAY]
    kva = np.concatenate((around.plants["HVM"]["kVA"], _outgoing_kva(around)))
    amps = kva * 1000.0 / (SQRT3 * np.maximum(volts, 1.0)) * (1.0 - open_now)
    gas = _SF6_KPA + 1.5 * slow_noise(around.moment.epoch_s / 20.0, 50.0, len(amps))
    leaking = columns["_fault_sf6_leak"]
    pressure = lag(columns["Sf6P"], gas + (_SF6_LEAKED_KPA - gas) * leaking, dt_s, _LEAK_TAU_S)
    return columns | {
        "CbSts": np.where(columns["_fault_breaker_bad"] > 0.0, _BAD, 1.0 - open_now),
        "TripRly": open_now,
        "SprChg": 1.0 - open_now,
        "Sf6P": pressure,
        "Sf6Low": (pressure < _SF6_LOW_KPA).astype(np.float64),
        "Sf6Block": (pressure < _SF6_BLOCK_KPA).astype(np.float64),
        "kV": volts / 1000.0,
        "I1": 0.99 * amps,
        "I2": amps,
        "I3": 1.01 * amps,
        "OpCnt": columns["OpCnt"] + (open_now != columns["_open"]),
        "_open": open_now,
    }


def _outgoing_kva(around: Around) -> Column:
    transformers = around.plants["TR"]
    kva = np.hypot(transformers["kW"], transformers["_kvar"])
    return np.asarray((tree().bays @ kva)[_INCOMING:], dtype=np.float64)


def initial_transfer(units: int) -> Columns:
    """Columns of transfer switches on the normal side."""
    return full(units, SrcN=1.0, SrcE=0.0, Pos=_NORMAL_SIDE, Fault=0.0, XferCnt=128.0, TestMode=0.0) | sound(
        units, "ats_fault"
    )


def step_transfer(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Change over once a generator is on its busbar, and back when the utility returns; one with a fault stays."""
    generators, units = around.plants["GEN"], len(columns["Pos"])
    emergency = around.supply.normal == 0.0 and bool(generators["CbSts"].any())
    wanted = np.full(units, _EMERGENCY_SIDE if emergency else _NORMAL_SIDE)
    position = np.where(columns["_fault_ats_fault"] > 0.0, columns["Pos"], wanted)
    return columns | {
        "SrcN": np.full(units, around.supply.normal),
        "SrcE": np.full(units, float((generators["V12"] > 0.0).any())),
        "Pos": position,
        "Fault": columns["_fault_ats_fault"],
        "XferCnt": columns["XferCnt"] + (position != columns["Pos"]),
        "TestMode": np.full(units, float(generators["_testing"].any())),
    }
