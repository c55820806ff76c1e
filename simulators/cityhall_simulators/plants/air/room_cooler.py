"""Computer-room coolers of the control and the IT room: compressors of their own, day and night."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.air import room
from cityhall_simulators.plants.common import Around, Columns, full, lag, sound

_LOAD_KW: Final = np.array([17.0, 17.5, 18.5, 19.0])
"""Computers and screens around each cooler."""
_LOAD_SWING: Final = 0.06
_CAPACITY_KW: Final = 42.0
_AIR_KW_K: Final = 2.6
"""What the fan carries per kelvin between return and supply: 7,800 m³/h."""
_ROOM: Final = room.Room(air_kwh_k=2.0, mass_kwh_k=10.0, mass_kw_k=0.3)
_ACROSS_KW_K: Final = 2.0
"""Between the two halves of a room, of which each has a cooler."""
_WALL_KW_K: Final = 0.2
_FAN_KW, _COP = 2.6, 3.4
_PARTNER: Final = np.array([1, 0, 3, 2])


def initial(units: int) -> Columns:
    """Columns of coolers at their usual duty."""
    columns = full(
        units, RunSts=1.0, AlmSum=0.0, LeakAlm=0.0, FltAlm=0.0, SupT=17.0, RetT=24.0, RetRH=52.0, SetT=24.0, kW=8.0,
        RunHr=15_200.0, _mass_t=24.0,
    )  # fmt: skip
    return columns | sound(units, "fail", "leak", "filter")


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Carry off the heat of the computers; half a room whose cooler fails warms until its neighbour takes over."""
    moment, fail, clogged = around.moment, own["_fault_fail"], own["_fault_filter"]
    on = (1.0 - fail) * around.supply.essential
    computers = _LOAD_KW * (1.0 + _LOAD_SWING * (moment.occupancy - 0.5))
    computers = computers + 0.3 * room.wander(moment.epoch_s, np.arange(4.0))
    kw = computers + _ACROSS_KW_K * own["RetT"][_PARTNER] + _WALL_KW_K * 26.0
    load = room.Load(kw, _ACROSS_KW_K + _WALL_KW_K)
    wanted, _ = room.wanted_kw(_ROOM, own["RetT"], own["_mass_t"], load, own["SetT"], dt_s)
    capacity = _CAPACITY_KW * (1.0 - 0.2 * clogged)
    taken = on * np.minimum(capacity, np.maximum(0.0, wanted))
    air_t, mass_t = room.after(_ROOM, own["RetT"], own["_mass_t"], room.Load(load.kw - taken, load.kw_k), dt_s)
    supply_t = air_t - taken / (_AIR_KW_K * (1.0 - 0.2 * clogged))
    return own | {
        "RunSts": on,
        "AlmSum": np.maximum(np.maximum(fail, own["_fault_leak"]), clogged),
        "LeakAlm": own["_fault_leak"],
        "FltAlm": clogged,
        "RetT": air_t,
        "_mass_t": mass_t,
        "SupT": lag(own["SupT"], supply_t, dt_s, 30.0),
        "RetRH": lag(own["RetRH"], 50.0 + 2.0 * room.wander(moment.epoch_s, np.arange(4.0) + 9.0), dt_s, 1_800.0),
        "kW": on * _FAN_KW + taken / _COP,
        "RunHr": own["RunHr"] + on * (dt_s / 3600.0),
    }
