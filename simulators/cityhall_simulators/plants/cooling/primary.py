"""Primary pumps. The controller that starts them also decides which lines are on, before anything else moves."""

import math
from dataclasses import replace
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, full
from cityhall_simulators.plants.cooling import coils, pumps, sequence
from cityhall_simulators.plants.cooling.lines import (
    CAPACITY_KW,
    FULL_LOAD_K,
    LINES,
    WATER_KWH_M3_K,
    Chillers,
    openness,
    running_now,
)
from cityhall_simulators.plants.cooling.loop import HEAT_KWH_K

_PULL_DOWN_H: Final = 0.65
_CATCH_UP_H: Final = 1.5
_MORNING_KW_K: Final = 150.0
_MORNING_ABOVE_C: Final = 16.0
_MORNING_KW: Final = 1900.0
"""Before the air handlers start: one large chiller on warm mornings."""
_MONDAY_KW: Final = 4000.0
"""After days of rest the water is as warm as the rooms; two large chillers make it cold in time."""
_REST_K: Final = 3.0
_WARM_K: Final = 1.0
_SLACK_K: Final = 1.0


def initial(units: int) -> Columns:
    """Columns of pumps at rest, and of a controller that remembers nothing yet."""
    memory = full(units, _stage=0.0, _rising_s=0.0, _falling_s=0.0, _since_start_s=3600.0)
    return pumps.initial(units) | memory | full(units, _called=0.0, _enabled=0.0, _runs=0.0, _on_duty=0.0)


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Decide stage and lines, then let the pumps follow."""
    chillers = _able(Chillers.of(around), own, around)
    memory, called, on_duty = _decided(own, around, chillers, dt_s)
    enabled = np.where(np.isnan(chillers.commanded), called, chillers.commanded > 0.0)
    wet = pumps.watered(own, around, enabled) & pumps.watered(around.plants["CWP"], around, enabled)
    runs = running_now(chillers, around, enabled, wet)
    moved = pumps.step(own, around, pumps.PRIMARY, dt_s, enabled | runs, on_duty=on_duty)
    units = len(own["RunSts"])
    started = bool((runs & ~chillers.running).any())
    return moved | {
        "_line_m3_h": _throttled(own, moved, around, dt_s),
        "_called": _of_pumps(called, units),
        "_enabled": _of_pumps(enabled, units),
        "_runs": _of_pumps(runs, units),
        "_stage": np.full(units, memory.stage, dtype=np.float64),
        "_rising_s": np.full(units, memory.rising_s),
        "_falling_s": np.full(units, memory.falling_s),
        "_since_start_s": np.full(units, 0.0 if started else memory.since_start_s, dtype=np.float64),
        "_on_duty": np.full(units, float(on_duty)),
    }


def _able(chillers: Chillers, own: Columns, around: Around) -> Chillers:
    """A chiller that would get no water is not healthy either."""
    wet = pumps.watered(own, around, chillers.enabled)
    wet &= pumps.watered(around.plants["CWP"], around, chillers.enabled)
    return replace(chillers, healthy=chillers.healthy & wet)


def _decided(own: Columns, around: Around, chillers: Chillers, dt_s: float) -> tuple[sequence.Memory, Mask, bool]:
    """What the sequencer remembers, the lines it calls, whether the plant is to serve."""
    before = sequence.Memory(
        int(own["_stage"][0]), float(own["_rising_s"][0]), float(own["_falling_s"][0]), float(own["_since_start_s"][0])
    )
    plant = around.plants["PLT"]
    due = sequence.due(around.moment)
    warm = around.moment.air_conditioning and float(plant["CHWS_T"][0]) > float(plant["CHWS_SP"][0]) + _WARM_K
    demand_kw = _demand_kw(around, chillers) if due else coils.coil_kw(around)
    memory = sequence.staged(before, demand_kw, on_duty=due, warm=warm, dt_s=dt_s)
    mode, count = float(plant["SeqMode"][0]), float(plant["_ovr_StageCmd"][0])
    if mode == sequence.OFF:
        return sequence.Memory(since_start_s=memory.since_start_s), np.zeros(LINES, dtype=np.bool_), False
    large, small = sequence.STAGES[memory.stage]
    if mode == sequence.MANUAL or not math.isnan(count):
        large, small = sequence.manual(float(plant["StageCmd"][0]) if math.isnan(count) else count)
    on_duty = due or large + small > 0
    return memory, sequence.called(chillers, large, small, memory.since_start_s, on_duty=on_duty), on_duty


def _demand_kw(around: Around, chillers: Chillers) -> float:
    """Load, what the water must still be cooled by, and as much as the coils' flow asks for."""
    plants = around.plants
    coil_kw = coils.coil_kw(around)
    running_kw = float(CAPACITY_KW[chillers.running].sum())
    serving = around.moment.air_conditioning and running_kw > 0.0
    lift_k = min(FULL_LOAD_K, FULL_LOAD_K * coil_kw / running_kw) if serving else _REST_K
    excess_k = float(plants["SCHP"]["_loop_t"][0]) - float(plants["PLT"]["CHWS_SP"][0]) - lift_k - _SLACK_K
    warm_kwh = HEAT_KWH_K * max(excess_k, 0.0)
    if not around.moment.air_conditioning:
        coming_kw = min(_MORNING_KW_K * (around.moment.outdoor_t - _MORNING_ABOVE_C), _MORNING_KW)
        return max(min(warm_kwh / _PULL_DOWN_H, _MONDAY_KW), coming_kw)
    flow_kw = coils.wanted_m3_h(around, coil_kw) * WATER_KWH_M3_K * FULL_LOAD_K
    return max(coil_kw + warm_kwh / (_CATCH_UP_H if serving else _PULL_DOWN_H), flow_kw)


def _throttled(own: Columns, moved: Columns, around: Around, dt_s: float) -> Column:
    """Flow through each line: less through a clogged strainer, and where the bypass is too far closed."""
    plant = around.plants["PLT"]
    open_part = 1.0 - max(float(plant["_byp_auto"][0]) - float(plant["BypVlv"][0]), 0.0) / 100.0
    target = moved["_full_m3_h"].copy()
    target[:LINES] *= openness(around.plants) * open_part
    return pumps.flowing(own["_line_m3_h"], target, dt_s)


def _of_pumps(lines: Mask, units: int) -> Column:
    column = np.zeros(units)
    column[:LINES] = lines
    return column
