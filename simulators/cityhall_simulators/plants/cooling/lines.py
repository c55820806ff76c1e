"""The five lines of the plant: a chiller with its primary and its condenser pump; a sixth pump of each kind stands by.

Lines 1 to 3 are the centrifugal chillers, 4 and 5 the screw chillers. Vectors "of lines" have five elements.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask

KW_PER_RT: Final = 3.517
WATER_KWH_M3_K: Final = 1.163
"""kW = 1.163 x m³/h x K."""
LINES: Final = 5
CENTRIFUGAL: Final = slice(0, 3)
SCREW: Final = slice(3, 5)
CENTRIFUGAL_KW: Final = 600.0 * KW_PER_RT
SCREW_KW: Final = 200.0 * KW_PER_RT
CAPACITY_KW: Final = np.array([CENTRIFUGAL_KW] * 3 + [SCREW_KW] * 2)
CHILLED_M3_H: Final = np.array([325.0] * 3 + [108.0] * 2)
"""5.6 K at full load."""
CONDENSER_M3_H: Final = np.array([430.0] * 3 + [145.0] * 2)
FULL_LOAD_K: Final = 5.6
_WEAK_PART: Final = 0.12
_CLOGGED_PART: Final = 0.45
_TOO_COLD_C: Final = 3.3
_SWING_K: Final = 0.12
_SWING_S: Final = 220.0
_PHASES: Final = 1.7 * np.arange(LINES)
_CYCLE_S: Final = 600.0
_CYCLE_ON_S: Final = 390.0


def of_lines(plants: Mapping[str, Columns], column: str) -> Column:
    """A column that both kinds of chiller have, line by line."""
    return np.concatenate((plants["CHC"][column], plants["CHS"][column]))


@dataclass(frozen=True, slots=True)
class Chillers:
    """What the plant controller knows of the chillers before a step."""

    running: Mask
    called: Mask
    """By the controller itself, in the step before."""
    enabled: Mask
    remote: Mask
    healthy: Mask
    """Would run when called, and go on running."""
    insistent: Mask
    """Not healthy, but called for again and again, because nothing says that it is not."""
    commanded: Column
    """1 or 0 where somebody commanded it, else NaN."""
    state_s: Column
    """Since it last started or stopped."""
    hours: Column
    supplied: bool

    @classmethod
    def of(cls, around: Around) -> Self:
        """Read them; faults and commands act at once."""
        plants = around.plants
        tripped = of_lines(plants, "_fault_trip") > 0.0
        insistent = (of_lines(plants, "_fault_start") + of_lines(plants, "_fault_cycling")) > 0.0
        return cls(
            running=of_lines(plants, "RunSts") > 0.0,
            called=plants["PCHP"]["_called"][:LINES] > 0.0,
            enabled=of_lines(plants, "EnableCmd") > 0.0,
            remote=of_lines(plants, "_fault_local") == 0.0,
            healthy=~(tripped | insistent),
            insistent=insistent & ~tripped,
            commanded=of_lines(plants, "_ovr_EnableCmd"),
            state_s=of_lines(plants, "_state_s"),
            hours=of_lines(plants, "RunHr"),
            supplied=around.supply.normal > 0.0,
        )


def running_now(chillers: Chillers, around: Around, enabled: Mask, watered: Mask) -> Mask:
    """Which chillers run: as enabled in remote, as they were in local; never without supply or water."""
    cycling = of_lines(around.plants, "_fault_cycling") > 0.0
    between = around.moment.epoch_s % _CYCLE_S < _CYCLE_ON_S
    able = chillers.healthy | (cycling & chillers.insistent & between)
    wanted = np.where(chillers.remote, enabled, chillers.running)
    return wanted & able & watered & chillers.supplied


def strength_kw(plants: Mapping[str, Columns]) -> Column:
    """Cooling that each line's chiller can give at most."""
    weak = 1.0 - (1.0 - _WEAK_PART) * of_lines(plants, "_fault_weak")
    kw: Column = CAPACITY_KW * weak
    kw[CENTRIFUGAL] *= plants["CHC"]["DmdLimit"] * 0.01
    return kw


def aims_c(around: Around) -> Column:
    """The supply temperature that each chiller makes if it can: its control swings a little around the set point."""
    cold = of_lines(around.plants, "_fault_cold")
    swing_k = _SWING_K * np.sin(around.moment.epoch_s / _SWING_S + _PHASES)
    aims: Column = of_lines(around.plants, "CHWS_SP") * (1.0 - cold) + _TOO_COLD_C * cold + swing_k
    return aims


def openness(plants: Mapping[str, Columns]) -> Column:
    """Part of its flow that an evaporator lets through: less with a clogged strainer."""
    return 1.0 - (1.0 - _CLOGGED_PART) * of_lines(plants, "_fault_cold")
