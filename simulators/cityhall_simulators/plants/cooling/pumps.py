"""Pumps of constant speed, primary and condenser: one for each line, and a sixth where one does not come."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, free, full, held, lag, sound
from cityhall_simulators.plants.cooling.lines import CHILLED_M3_H, CONDENSER_M3_H, LINES

STANDBY: Final = 5
AFTER_RUN_S: Final = 180.0
"""A pump stops three minutes after its chiller."""
_SPIN_UP_S: Final = 6.0
_FLOW_S: Final = 8.0
_LEAST_M3_H: Final = 1.0
_IDLE_PART: Final = 0.2
"""Part of its power that a motor takes without its pump."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What primary and condenser pumps differ in."""

    line_m3_h: Column
    head_kpa: float
    rated_kw: Column

    @classmethod
    def of(cls, line_m3_h: Column, head_kpa: float, efficiency: tuple[float, float]) -> "Kind":
        """Rated power from flow, head and the efficiency of large and small pumps: kW = m³/h x kPa / 3600 / eta."""
        large, small = efficiency
        per_line = line_m3_h * head_kpa / 3600.0 / np.array([large] * 3 + [small] * 2)
        return cls(line_m3_h, head_kpa, np.append(per_line, per_line[0]))


PRIMARY: Final = Kind.of(CHILLED_M3_H, 250.0, (0.80, 0.74))
CONDENSER: Final = Kind.of(CONDENSER_M3_H, 250.0, (0.80, 0.74))


def initial(units: int) -> Columns:
    """Columns of pumps that stand ready, in remote."""
    columns = full(
        units, RunSts=0.0, TripAlm=0.0, LocRem=1.0, StartCmd=0.0, FlowSw=0.0, DP=0.0, kW=0.0, _part=0.0, _hold_s=0.0,
        _line_m3_h=0.0, _full_m3_h=0.0,
    )  # fmt: skip
    hours: Columns = {"RunHr": 15_200.0 + 40.0 * np.arange(units, dtype=np.float64)}
    return columns | hours | free(units, "StartCmd") | sound(units, "fail", "trip", "local", "coupling")


def usable(own: Columns, around: Around) -> Mask:
    """Pumps that run or would run when called."""
    broken = own["_fault_fail"] + own["_fault_trip"] > 0.0
    away = (own["_fault_local"] > 0.0) & (own["RunSts"] == 0.0)
    # An operator's 0 is NaN-safe here: NaN equals nothing.
    good: Mask = ~(broken | away | (own["_ovr_StartCmd"] == 0.0)) & (around.supply.normal > 0.0)
    return good


def _moving(own: Columns, around: Around) -> Mask:
    """Pumps that move water when called: the motor of one whose coupling is broken turns alone."""
    moving: Mask = usable(own, around) & (own["_fault_coupling"] == 0.0)
    return moving


def watered(own: Columns, around: Around, enabled: Mask) -> Mask:
    """Lines that get flow: by their own pump, or the first one without by the pump that stands by."""
    good = _moving(own, around)
    sure: Mask = good[:LINES] | (_first(enabled & ~good[:LINES]) & good[STANDBY])
    return sure


def step(own: Columns, around: Around, kind: Kind, dt_s: float, enabled: Mask, *, on_duty: bool) -> Columns:
    """Run with the lines that are enabled, and three minutes longer; the flow through each line follows."""
    good, coupled = _moving(own, around), own["_fault_coupling"] == 0.0
    hold_s = own["_hold_s"] - dt_s
    hold_s[:LINES][enabled] = AFTER_RUN_S
    np.maximum(hold_s, 0.0, out=hold_s)
    wanting = hold_s[:LINES] > 0.0
    alone = _first(wanting & ~good[:LINES])
    automatic = ((own["_fault_fail"] > 0.0) | ~coupled) & on_duty
    automatic[:LINES] |= wanting
    automatic[STANDBY] |= alone.any()
    command = held(own, "StartCmd", automatic.astype(np.float64))
    tripped = own["_fault_trip"]
    local = own["_fault_local"] > 0.0
    able = (tripped + own["_fault_fail"] == 0.0) & (around.supply.normal > 0.0)
    on = (np.where(local, own["RunSts"], command) > 0.0) & able
    running = on.astype(np.float64)
    part = lag(own["_part"], running * coupled, dt_s, _SPIN_UP_S)
    turning = on & coupled
    served = turning[:LINES] | (alone & turning[STANDBY])
    full_m3_h = kind.line_m3_h * served
    return own | {
        "RunSts": running,
        "TripAlm": tripped,
        "LocRem": 1.0 - own["_fault_local"],
        "StartCmd": command,
        "FlowSw": (part > 0.5).astype(np.float64),
        "DP": kind.head_kpa * part * part,
        "kW": kind.rated_kw * np.maximum(part, _IDLE_PART * ~coupled) * running,
        "RunHr": own["RunHr"] + running * (dt_s / 3600.0),
        "_part": part,
        "_hold_s": hold_s,
        "_full_m3_h": np.append(full_m3_h, 0.0),
        "_line_m3_h": flowing(own["_line_m3_h"], np.append(full_m3_h, 0.0), dt_s),
    }


def flowing(before_m3_h: Column, target_m3_h: Column, dt_s: float) -> Column:
    """Flow that follows its pump within seconds; the last of it is none."""
    flow = lag(before_m3_h, target_m3_h, dt_s, _FLOW_S)
    return flow * (flow > _LEAST_M3_H)


def _first(mask: Mask) -> Mask:
    """The first one that is true, alone."""
    first: Mask = mask & (mask.cumsum() == 1)
    return first
