"""How many chillers, and which: stages by load with hysteresis, minimum times, rotation by run hours."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Mask
from cityhall_simulators.plants.cooling.lines import CENTRIFUGAL, CENTRIFUGAL_KW, LINES, SCREW, SCREW_KW, Chillers
from cityhall_simulators.plants.moment import Moment

STAGES: Final = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
"""Centrifugal and screw chillers, by rising capacity."""
STAGE_KW: Final = tuple(large * CENTRIFUGAL_KW + small * SCREW_KW for large, small in STAGES)
PRE_START_HOUR: Final = 7.5
MANUAL, AUTOMATIC, OFF = 0.0, 1.0, 2.0
_FULL_PART: Final = 0.95
_EASY_PART: Final = 0.82
_BEGIN_KW: Final = 350.0
"""Less is not worth a chiller: even a small one would make less than 2.2 K of it."""
_END_KW: Final = 250.0
_AFTER_HOURS_KW: Final = 450.0
_UP_AFTER_S: Final = 600.0
_URGENT_PART: Final = 1.08
_URGENT_AFTER_S: Final = 120.0
_DOWN_AFTER_S: Final = 2400.0
"""Longer than the lunch break is felt."""
_IDLE_PART: Final = 0.45
"""With less than that the water comes back hardly warmer than it left."""
_IDLE_AFTER_S: Final = 300.0
_MINIMUM_ON_S: Final = 1200.0
_MINIMUM_OFF_S: Final = 1800.0
_BETWEEN_STARTS_S: Final = 60.0
_NEVER: Final = 1e12


@dataclass(frozen=True, slots=True)
class Memory:
    """What the sequencer remembers from step to step."""

    stage: int = 0
    rising_s: float = 0.0
    falling_s: float = 0.0
    since_start_s: float = 3600.0


def due(moment: Moment) -> bool:
    """Air conditioning hours, and before them the time that the water needs to get cold."""
    return moment.air_conditioning or (moment.workday and PRE_START_HOUR <= moment.hour < 12.0)


def staged(memory: Memory, demand_kw: float, *, on_duty: bool, warm: bool, dt_s: float) -> Memory:
    """The stage that fits the demand. Outside the hours of duty nothing but one screw chiller, if it is worth it."""
    stage = memory.stage
    # No more than one start a minute is saved up.
    waited_s = min(memory.since_start_s + dt_s, max(_BETWEEN_STARTS_S, dt_s))
    if not on_duty:
        enough_kw = _END_KW if stage == 1 else _AFTER_HOURS_KW
        return Memory(int(demand_kw >= enough_kw), 0.0, 0.0, waited_s)
    worth = demand_kw >= (_BEGIN_KW if stage == 0 else _END_KW)
    fitting = _fitting(demand_kw, _FULL_PART) if worth else 0
    if warm and stage > 0 and fitting <= stage:
        fitting = min(stage + 1, len(STAGES) - 1)
    easy = _fitting(demand_kw, _EASY_PART) if worth else 0
    rising_s = memory.rising_s + dt_s if fitting > stage else 0.0
    falling_s = memory.falling_s + dt_s if easy < stage and not warm else 0.0
    urgent = stage == 0 or demand_kw > _URGENT_PART * STAGE_KW[stage]
    if rising_s >= (_URGENT_AFTER_S if urgent else _UP_AFTER_S) or (stage == 0 and fitting > 0):
        return Memory(fitting, 0.0, 0.0, waited_s)
    idle = demand_kw < _IDLE_PART * STAGE_KW[stage]
    if falling_s >= (_IDLE_AFTER_S if idle else _DOWN_AFTER_S):
        return Memory(easy, 0.0, 0.0, waited_s)
    return Memory(stage, rising_s, falling_s, waited_s)


def called(chillers: Chillers, large: int, small: int, since_start_s: float, *, on_duty: bool) -> Mask:
    """Which chillers are called for so many: those that were go on, others join by run hours, one a minute.

    One that somebody else started has no such right. One that does not come stays called and does not count, so that
    another one takes its place.
    """
    pool = chillers.remote & chillers.healthy & np.isnan(chillers.commanded) & chillers.supplied
    keeping = pool & chillers.running & chillers.called
    startable = pool & ~keeping & (chillers.running | (chillers.state_s >= _MINIMUM_OFF_S))
    others = chillers.running & chillers.healthy & ~pool
    rank = np.where(keeping, chillers.hours - _NEVER, np.where(startable, chillers.hours, _NEVER))
    fresh = int(since_start_s / _BETWEEN_STARTS_S)
    found = np.zeros(LINES, dtype=np.bool_)
    for part, wanted in ((CENTRIFUGAL, large), (SCREW, small)):
        count = min(wanted - int(others[part].sum()), int(keeping[part].sum()) + fresh)
        found[part][rank[part].argsort(kind="stable")[: max(count, 0)]] = True
    found &= keeping | startable
    absent = ~chillers.healthy & chillers.remote & (chillers.enabled | chillers.insistent)
    return (
        found
        | (pool & chillers.running & (chillers.state_s < _MINIMUM_ON_S))
        | (absent & (on_duty and chillers.supplied))
    )


def manual(count: float) -> tuple[int, int]:
    """Which kinds a plain number of chillers means: the large ones first."""
    wanted = min(max(round(count), 0), LINES)
    return min(wanted, 3), max(wanted - 3, 0)


def _fitting(demand_kw: float, part: float) -> int:
    return next((stage for stage, kw in enumerate(STAGE_KW) if part * kw >= demand_kw), len(STAGES) - 1)
