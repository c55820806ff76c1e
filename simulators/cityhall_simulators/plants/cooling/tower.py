"""Cooling towers: fans hold the condenser water at its set point as far as the wet bulb lets them; water evaporates."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, free, full, held, lag, sound
from cityhall_simulators.plants.cooling.lines import LINES, WATER_KWH_M3_K
from cityhall_simulators.plants.cooling.pumps import usable
from cityhall_simulators.plants.moment import Moment

CYCLES: Final = 6.0
"""Blow-down keeps the water six times as concentrated as make-up water."""
_CELL_M3_H: Final = 216.0
_CELL_KW: Final = 1250.0
_APPROACH_K: Final = 3.2
"""At full fan and a full cell, with the wet bulb at 26 °C; air takes up less water when it is colder."""
_COLDER_AIR: Final = 0.03
_FAN_KW: Final = 22.0
_LEAST_PART: Final = 0.2
_DRAUGHT_PART: Final = 0.08
"""Air that moves through a cell whose fan stands."""
_FOULED_PART: Final = 0.2
_REJECTED_PART: Final = 1.18
_KWH_PER_M3: Final = 675.0
_DRIFT_PART: Final = 0.0002
_BASIN_M3: Final = 12.0
_LEVEL: Final = 62.0
_FLOODED: Final = 97.0
_DRY: Final = 8.0
_OVERFLOW_M3_H: Final = 3.0
_LEAK_M3_H: Final = 9.0
_SWING_K: Final = 0.15
_COLDEST_C, _WARMEST_C = 10.5, 48.0
_WATER_TAU_S: Final = 100.0
_BASEMENT_C: Final = 24.0
_RAMP_K: Final = 0.5
_KEPT_HOURS: Final = 30.0
"""One that runs gives way to one that has run so much less."""
_OUT_HOURS: Final = 1e9
_ABOVE_WET_BULB_K: Final = 4.0
_SET_POINT_LEAST_C, _SET_POINT_LOW_C, _SET_POINT_HIGH_C = 18.0, 24.0, 32.0


def initial(units: int) -> Columns:
    """Columns of towers at rest with full basins."""
    columns = full(
        units, RunSts=0.0, TripAlm=0.0, LocRem=1.0, StartCmd=0.0, SpdFb=0.0, SpdCmd=0.0, kW=0.0, VfdFault=0.0,
        LW_T=26.0, EW_T=26.0, BasinLvl=_LEVEL, VibAlm=0.0, MakeupVlv=0.0, _makeup_m3_h=0.0, _mixed_t=26.0, _called=0.0,
        _evaporated_m3_h=0.0,
    )  # fmt: skip
    hours: Columns = {"RunHr": 15_200.0 + 40.0 * np.arange(units, dtype=np.float64)}
    writable = free(units, "StartCmd", "SpdCmd", "MakeupVlv")
    return columns | hours | writable | sound(units, "fail", "trip", "local", "fouled", "vibration", "dry")


def aim_c(plant: Columns, moment: Moment) -> float:
    """Where the towers take the water: a few kelvin above the wet bulb, between limits; or what was commanded."""
    commanded = float(plant["_ovr_CDWS_SP"][0])
    automatic = min(max(moment.outdoor_wb + _ABOVE_WET_BULB_K, _SET_POINT_LOW_C), _SET_POINT_HIGH_C)
    return automatic if math.isnan(commanded) else commanded


def set_point_c(plant: Columns, moment: Moment, dt_s: float) -> float:
    """The set point as shown: it leads cold water up to the aim gently, unless the controller has failed."""
    aim = aim_c(plant, moment)
    if plant["_fault_cold_tower"][0] > 0.0 or not math.isnan(float(plant["_ovr_CDWS_SP"][0])):
        return aim
    leading = float(plant["CDWS_T"][0]) + _RAMP_K * max(1.0, dt_s / _WATER_TAU_S)
    return max(min(aim, leading), _SET_POINT_LEAST_C)


@dataclass(frozen=True, slots=True)
class _Duty:
    """What the towers are to do in this step."""

    wet: Mask
    """Cells with water."""
    flow_m3_h: float
    heat_kw: float
    wet_bulb_c: float
    aim_c: float
    free_fall: bool
    """Nothing holds the temperature any more: fans at full speed, tower bypass shut."""


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """As many cells as the flow needs, all at the speed that meets the set point."""
    plant = around.plants["PLT"]
    flow_m3_h = float(around.plants["CWP"]["_line_m3_h"][:LINES].sum())
    heat_kw = _REJECTED_PART * float(around.plants["SCHP"]["_taken_kw"].sum())
    command, running, wet = _cells(own, around, flow_m3_h)
    aimed_c = aim_c(plant, around.moment) + _SWING_K * math.sin(around.moment.epoch_s / 310.0)
    duty = _Duty(
        wet, flow_m3_h, heat_kw, around.moment.outdoor_wb, aimed_c,
        bool(plant["_fault_cold_tower"][0] > 0.0),
    )  # fmt: skip
    full_k, range_k = _full_fan(own, duty, running)
    needed = full_k / max(duty.aim_c - duty.wet_bulb_c, 0.3)
    automatic = np.minimum(np.maximum(needed, 1.0 if duty.free_fall else _LEAST_PART), 1.0) * 100.0 * running
    speed_command = held(own, "SpdCmd", automatic)
    speed = lag(own["SpdFb"], speed_command * running, dt_s, 10.0)
    speed *= speed > 0.5
    part = speed * 0.01
    return own | _temperatures(own, duty, part, full_k, range_k, dt_s) | _water(own, around, duty, dt_s) | {
        "RunSts": running,
        "TripAlm": own["_fault_trip"],
        "LocRem": 1.0 - own["_fault_local"],
        "StartCmd": command,
        "_called": duty.wet.astype(np.float64),
        "SpdCmd": speed_command,
        "SpdFb": speed,
        "kW": running * (_FAN_KW * part**3 + 0.2),
        "VibAlm": own["_fault_vibration"],
        "RunHr": own["RunHr"] + running * (dt_s / 3600.0),
    }  # fmt: skip


def _cells(own: Columns, around: Around, flow_m3_h: float) -> tuple[Column, Column, Mask]:
    """Commands, fans that run, cells with water. A vibrating fan is stopped by its own switch and called no more."""
    good = usable(own, around) & (own["_fault_vibration"] == 0.0)
    count = math.ceil(flow_m3_h / _CELL_M3_H)
    rank = own["RunHr"] - _KEPT_HOURS * own["_called"] + _OUT_HOURS * ~good
    chosen = np.zeros(len(good), dtype=np.bool_)
    chosen[rank.argsort(kind="stable")[:count]] = True
    wet = (chosen & good) | ((own["_fault_fail"] > 0.0) & (count > 0))
    command = held(own, "StartCmd", wet.astype(np.float64))
    able = (own["_fault_trip"] + own["_fault_fail"] + own["_fault_vibration"] == 0.0) & (around.supply.normal > 0.0)
    on = (np.where(own["_fault_local"] > 0.0, own["RunSts"], command) > 0.0) & able
    if count > 0 and not wet.any():
        wet = np.ones(len(good), dtype=np.bool_)
    return command, on.astype(np.float64), wet


def _full_fan(own: Columns, duty: _Duty, running: Column) -> tuple[Column, float]:
    """Approach of each cell at full fan, and what cells with a fan must cool the water by."""
    count = int(duty.wet.sum())
    if count == 0 or duty.flow_m3_h <= 0.0:
        return np.zeros(len(running)), 0.0
    blown = max(int((running[duty.wet] > 0.0).sum()), 1)
    range_k = duty.heat_kw / (WATER_KWH_M3_K * duty.flow_m3_h) * count / blown
    load = range_k * WATER_KWH_M3_K * duty.flow_m3_h / count / _CELL_KW
    colder = max(1.0 + _COLDER_AIR * (26.0 - duty.wet_bulb_c), 0.8)
    return _APPROACH_K * load * colder / (1.0 - (1.0 - _FOULED_PART) * own["_fault_fouled"]), range_k


def _temperatures(own: Columns, duty: _Duty, part: Column, full_k: Column, range_k: float, dt_s: float) -> Columns:
    """Water that leaves each cell, that enters them, and the mix of what leaves."""
    if not duty.wet.any():
        still_c = max(duty.wet_bulb_c + 1.0, _COLDEST_C)
        return {
            "LW_T": lag(own["LW_T"], still_c, dt_s, 7200.0),
            "EW_T": lag(own["EW_T"], still_c, dt_s, 7200.0),
            "_mixed_t": lag(own["_mixed_t"], _BASEMENT_C, dt_s, 7200.0),
        }
    leaving = duty.wet_bulb_c + full_k / np.maximum(part, _DRAUGHT_PART)
    if not duty.free_fall:
        # Below the set point the tower bypass mixes warm water in.
        leaving = np.maximum(leaving, duty.aim_c)
    blown = duty.wet & (part > 0.0)
    ready_c = float(leaving[blown].min()) if blown.any() else float(own["_mixed_t"][0])
    entering_c = min(ready_c + max(range_k, 0.1), _WARMEST_C)
    leaving = np.where(part > 0.0, np.minimum(leaving, entering_c - 0.1), entering_c - 0.1)
    wanted_c = float(leaving[duty.wet].mean())
    leaving = np.maximum(lag(own["LW_T"], leaving, dt_s, _WATER_TAU_S), _COLDEST_C)
    leaving = np.where(duty.wet, leaving, lag(own["LW_T"], max(duty.wet_bulb_c + 1.0, _COLDEST_C), dt_s, 7200.0))
    # A cell that joins brings cold water; the bypass keeps it from the header.
    mixed_c = float(lag(own["_mixed_t"], max(wanted_c, _COLDEST_C), dt_s, _WATER_TAU_S)[0])
    back_c = mixed_c + duty.heat_kw / (WATER_KWH_M3_K * max(duty.flow_m3_h, 20.0))
    return {
        "LW_T": leaving,
        "EW_T": np.where(duty.wet, min(back_c, _WARMEST_C), own["EW_T"]),
        "_mixed_t": np.full(len(leaving), mixed_c),
    }


def _water(own: Columns, around: Around, duty: _Duty, dt_s: float) -> Columns:
    """Evaporation, drift and blow-down, made up through a float valve that somebody may hold open or shut."""
    plant = around.plants["PLT"]
    wet_part = duty.wet / max(int(duty.wet.sum()), 1)
    latent = min(max(0.85 - 0.012 * (26.0 - duty.wet_bulb_c), 0.5), 0.9)
    evaporated = wet_part * (latent * duty.heat_kw / _KWH_PER_M3)
    blown_down = evaporated * (1.0 - float(plant["_fault_blow_down"][0])) / (CYCLES - 1.0)
    lost = evaporated + blown_down + wet_part * (_DRIFT_PART * duty.flow_m3_h)
    level, stuck = own["BasinLvl"], own["_fault_dry"] > 0.0
    commanded = own["_ovr_MakeupVlv"]
    shut, forced = stuck | (commanded == 0.0), commanded == 1.0
    refill = np.maximum(_LEVEL - level, 0.0) * (_BASIN_M3 / 100.0 * (1.0 - math.exp(-dt_s / 300.0)) * 3600.0 / dt_s)
    supplied = np.where(shut, 0.0, lost + np.where(forced, _OVERFLOW_M3_H, refill))
    falling = np.maximum(level - lost * (dt_s / 36.0 / _BASIN_M3), min(_DRY, 5.0))
    kept = np.where(forced, lag(level, _FLOODED, dt_s, 900.0), lag(level, _LEVEL, dt_s, 300.0))
    drained = np.where(stuck, lag(level, _DRY, dt_s, 600.0), falling)
    leak_m3_h = _LEAK_M3_H * float(plant["_fault_makeup_leak"][0]) / len(level)
    return {
        "BasinLvl": np.where(shut, np.minimum(drained, level), kept),
        "MakeupVlv": held(own, "MakeupVlv", (supplied > 0.02).astype(np.float64)),
        "_makeup_m3_h": supplied + leak_m3_h,
        "_evaporated_m3_h": evaporated,
    }
