"""Secondary pumps hold the pressure at the far end; with them, the chilled water as a whole."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, free, full, held, lag, sound
from cityhall_simulators.plants.cooling import coils
from cityhall_simulators.plants.cooling.lines import LINES, WATER_KWH_M3_K, aims_c, strength_kw
from cityhall_simulators.plants.cooling.loop import heat_into, settled
from cityhall_simulators.plants.cooling.pumps import usable

_SHUT_OFF_KPA: Final = 400.0
"""Head of a pump at full speed and no flow."""
_PUMP_LOSS: Final = 60.0 / 250.0**2
_PIPE_LOSS: Final = 85.0 / 1000.0**2
"""kPa per (m³/h)²: within a pump, and along pipes and coils to the far end."""
_PUMP_M3_H: Final = 225.0
_LEAST_M3_H: Final = 40.0
_OPEN_VALVES_KPA: Final = 60.0
"""Valves wide open still need this much for the wanted flow."""
_EFFICIENCY: Final = 0.74
_LEAST_SPEED: Final = 30.0
_STRAY_PART: Final = 0.15
"""Part of the flow that reaches coils in need while valves stay open elsewhere."""
_KEPT_HOURS: Final = 30.0
"""One that runs gives way to one that has run so much less."""
_OUT_HOURS: Final = 1e9
_SPIN_UP_S: Final = 6.0
_AFTER_RUN_S: Final = 180.0
_HEAT_OF_PUMPS: Final = 0.9
_ROOMS_C: Final = 27.0


def initial(units: int) -> Columns:
    """Columns of pumps at rest and of water that is cold from the day before."""
    columns = full(
        units, RunSts=0.0, TripAlm=0.0, LocRem=1.0, StartCmd=0.0, SpdFb=0.0, SpdCmd=0.0, kW=0.0, VfdFault=0.0, DP=0.0,
        _loop_t=12.0, _return_t=12.0, _called=0.0, _taken_kw=0.0, _flow_m3_h=0.0, _flow_part=0.0, _end_kpa=0.0,
        _hold_s=0.0,
    )  # fmt: skip
    hours: Columns = {"RunHr": 15_200.0 + 40.0 * np.arange(units, dtype=np.float64)}
    return columns | hours | free(units, "StartCmd", "SpdCmd") | sound(units, "fail", "trip", "local")


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What the pumps that run give together."""

    flow_m3_h: float
    part: float
    """Of the flow that the coils want."""
    head_kpa: float
    end_kpa: float


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """As many pumps as the flow needs, at the speed that gives the pressure; then the water warms or cools."""
    load_kw = coils.coil_kw(around)
    primary = around.plants["PCHP"]
    # With every chiller at rest the coils still use up what the water holds.
    serving = bool(primary["_runs"].any()) or (primary["_on_duty"][0] > 0.0 and load_kw > 0.0)
    hold_s = _AFTER_RUN_S if serving else max(0.0, float(own["_hold_s"][0]) - dt_s)
    wanted_m3_h = max(coils.wanted_m3_h(around, load_kw), _LEAST_M3_H) if hold_s > 0.0 else 0.0
    called, command, running = _started(own, around, wanted_m3_h)
    count = int(running.sum())
    need_kpa = _needed_kpa(wanted_m3_h, count, float(around.plants["PLT"]["DP_SP"][0]))
    automatic = min(max(100.0 * math.sqrt(need_kpa / _SHUT_OFF_KPA), _LEAST_SPEED), 100.0)
    speed_command = held(own, "SpdCmd", automatic * running)
    speed = lag(own["SpdFb"], speed_command * running, dt_s, _SPIN_UP_S)
    speed *= speed > 0.5
    given = _delivered(speed, count, wanted_m3_h)
    head_kpa = given.head_kpa * (speed > 0.0)
    kw = running * (head_kpa * given.flow_m3_h / max(count, 1) / 3600.0 / _EFFICIENCY + 0.4)
    units = len(speed)
    water = _water(own, around, load_kw if count else 0.0, float(kw.sum()), dt_s)
    return (
        own
        | water
        | {
            "RunSts": running,
            "TripAlm": own["_fault_trip"],
            "LocRem": 1.0 - own["_fault_local"],
            "StartCmd": command,
            "_called": called,
            "SpdCmd": speed_command,
            "SpdFb": speed,
            "kW": np.minimum(kw, 30.0),
            "DP": head_kpa,
            "RunHr": own["RunHr"] + running * (dt_s / 3600.0),
            "_flow_m3_h": np.full(units, given.flow_m3_h),
            "_flow_part": np.full(units, given.part),
            "_end_kpa": np.full(units, given.end_kpa),
            "_hold_s": np.full(units, hold_s),
        }
    )


def _started(own: Columns, around: Around, wanted_m3_h: float) -> tuple[Column, Column, Column]:
    """What is called, commanded, and runs: those called before stay, others join by run hours.

    One that does not come is called on top.
    """
    good = usable(own, around)
    count = math.ceil(wanted_m3_h / _PUMP_M3_H)
    rank = own["RunHr"] - _KEPT_HOURS * own["_called"] + _OUT_HOURS * ~good
    chosen = np.zeros(len(good), dtype=np.bool_)
    chosen[rank.argsort(kind="stable")[:count]] = True
    called = (chosen & good) | ((own["_fault_fail"] > 0.0) & (count > 0))
    wanted = called.astype(np.float64)
    command = held(own, "StartCmd", wanted)
    local = own["_fault_local"] > 0.0
    able = (own["_fault_trip"] + own["_fault_fail"] == 0.0) & (around.supply.normal > 0.0)
    on: Mask = (np.where(local, own["RunSts"], command) > 0.0) & able
    return wanted, command, on.astype(np.float64)


def _needed_kpa(flow_m3_h: float, count: int, end_kpa: float) -> float:
    """Head at full speed that gives a flow through so many pumps, with a pressure left at the far end."""
    each = flow_m3_h / max(count, 1)
    return end_kpa + _PIPE_LOSS * flow_m3_h**2 + _PUMP_LOSS * each**2


def _delivered(speed: Column, count: int, wanted_m3_h: float) -> _Delivery:
    """Coils get what they want while the pressure suffices; with too little, flow falls as the root of it."""
    if count == 0 or wanted_m3_h <= 0.0:
        return _Delivery(0.0, 0.0, 0.0, 0.0)
    moving = speed[speed > 0.0]
    if not len(moving):
        return _Delivery(0.0, 0.0, 0.0, 0.0)
    lift_kpa = _SHUT_OFF_KPA * float((moving * moving).mean()) / 1e4
    part = min(1.0, math.sqrt(lift_kpa / _needed_kpa(wanted_m3_h, len(moving), _OPEN_VALVES_KPA)))
    flow = part * wanted_m3_h
    head_kpa = lift_kpa - _PUMP_LOSS * (flow / len(moving)) ** 2
    return _Delivery(flow, part, head_kpa, max(0.0, head_kpa - _PIPE_LOSS * flow**2))


def _water(own: Columns, around: Around, load_kw: float, pump_kw: float, dt_s: float) -> Columns:
    """Water that returns to the chillers, at the end of the step and in its mean, and what each line takes out."""
    primary = around.plants["PCHP"]
    before_c = float(own["_loop_t"][0])
    heat = heat_into(before_c, load_kw, _HEAT_OF_PUMPS * (pump_kw + float(primary["kW"].sum())), _ROOMS_C)
    pull = WATER_KWH_M3_K * primary["_line_m3_h"][:LINES] * primary["_runs"][:LINES]
    found = settled(before_c, heat, aims_c(around), strength_kw(around.plants), pull, dt_s)
    taken = np.zeros(len(own["RunSts"]))
    taken[:LINES] = found.taken_kw
    return {
        "_loop_t": np.full(len(taken), found.end_c),
        "_return_t": np.full(len(taken), found.mean_c),
        "_taken_kw": taken,
    }


def share_to_coils(around: Around) -> float:
    """Share of the wanted flow that coils in need get as cold as the chillers make it."""
    plants = around.plants
    plant = plants["PLT"]
    secondary, primary = float(plants["SCHP"]["_flow_m3_h"][0]), float(plants["PCHP"]["_line_m3_h"].sum())
    if secondary <= 0.0:
        return 0.0
    mixed = min(1.0, primary / secondary) if primary > 0.0 else 1.0
    short = max(float(plant["BypVlv"][0]) - float(plant["_byp_auto"][0]), 0.0) / 100.0
    stray = 1.0 - (1.0 - _STRAY_PART) * float(plant["_fault_low_delta"][0])
    return float(plants["SCHP"]["_flow_part"][0]) * mixed * (1.0 - 0.7 * short) * stray
