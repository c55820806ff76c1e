"""Water: the city inlet meter fills the tank, the building drinks from it."""

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, full, lag, slow_noise

_TANK_M3 = 120.0
_USED_PART = 0.07
_INLET_M3_H = 45.0
_OPEN_BELOW, _CLOSE_ABOVE = 70.0, 86.0


def initial_tank(units: int) -> Columns:
    """Columns of tanks that are filling."""
    return full(units, Lvl=78.0, HiAlm=0.0, LoAlm=0.0, InVlv=1.0, _inflow=_INLET_M3_H, _fault_overflow=0.0)


def initial_meter(units: int) -> Columns:
    """Columns of water meters."""
    return full(units, Flow=20.0, Vol=70_243.0, LeakAlm=0.0, BattPct=96.0, _fault_leak=0.0)


def step_tank(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """A float valve keeps the level; a valve that sticks open fills past the high contact within seconds."""
    units = len(columns["Lvl"])
    stuck = columns["_fault_overflow"] > 0.0
    level = columns["Lvl"]
    valve = np.select([stuck | (level < _OPEN_BELOW), level > _CLOSE_ABOVE], [1.0, 0.0], columns["InVlv"])
    whole_m3_h = 4.0 + 20.0 * around.moment.occupancy * (1.0 + 0.2 * slow_noise(around.moment.epoch_s, 41.0, units))
    used_m3_h = whole_m3_h * _USED_PART
    inflow = _INLET_M3_H * _USED_PART * valve
    balance = level + (inflow - used_m3_h) / _TANK_M3 * 100.0 * dt_s / 3600.0
    draining = np.where(level > 90.0, lag(level, 84.0, dt_s, 2.0), balance)
    level = np.clip(np.where(stuck, lag(level, 99.0, dt_s, 2.0), draining), 0.0, 100.0)
    return columns | {
        "Lvl": level,
        "InVlv": valve,
        "HiAlm": (level > 95.0).astype(np.float64),
        "LoAlm": (level < 15.0).astype(np.float64),
        "_inflow": inflow,
    }


def step_meter(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Tank filling and direct use, of which each meter sees its share."""
    units = len(columns["Flow"])
    shares = np.array([float(share) for share in around.site.loads["WM"]])
    direct = (
        2.0
        + 3.0 * around.moment.occupancy
        + 0.4 * slow_noise(around.moment.epoch_s * 3.0, 42.0, units)
        + rng.uniform(0, 0.1, units)
    )
    flow = np.maximum(0.0, (around.total("TNK", "_inflow") + direct) * shares)
    return columns | {
        "Flow": flow,
        "Vol": columns["Vol"] + flow * dt_s / 3600.0,
        "LeakAlm": (columns["_fault_leak"] > 0.0).astype(np.float64),
        "BattPct": np.full(units, 96.0),
    }
