"""Groups of pumps at one tank: they take turns by run hours, help each other, and pass their duty on when one fails."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Column, Columns, Mask, free, full, held
from cityhall_simulators.plants.water.cycle import two_point

_IN_FRONT: Final = 1e9
_AT_THE_END: Final = 1e15


@dataclass(frozen=True, slots=True)
class Group:
    """``pumps`` alike at each tank. Volumes count from the level at which the pumps stop."""

    pumps: int
    flow_m3_h: float
    kw: float
    start_m3: float
    assist_m3: float
    cut_m3: float
    """A float ends what somebody commanded by hand: negative, beyond the stop."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a step asks of each tank's pumps."""

    due_m3: Column
    gathering_m3_h: Column
    start_m3: Column | float
    able: Mask
    """Tanks whose pumps have power and a way."""
    tripped: Mask
    """Pumps, one row per tank."""
    first: Mask
    """Pumps that start before their turn."""
    local: Mask
    """Pumps that hear no command."""


def initial_pumps(units: int) -> Columns:
    """Columns of pumps at rest, in remote."""
    return full(units, RunSts=0.0, TripAlm=0.0, LocRem=1.0, StartCmd=0.0, _duty=0.0, _flow_m3_h=0.0, _kw=0.0) | free(
        units, "StartCmd"
    )


def pumped(own: Columns, hours_role: str, group: Group, task: Task, dt_s: float) -> Columns:
    """Columns after a step. ``_flow_m3_h`` and ``_kw`` are means over it, the statuses those at its end."""
    shape, dt_h = (-1, group.pumps), dt_s / 3600.0
    commanded = np.where(task.local, np.nan, own["_ovr_StartCmd"].reshape(shape))
    refused = task.tripped | (commanded == 0.0)
    able = ~refused & task.able[:, None]
    forced = able & (commanded > 0.0)
    on_duty = own["_duty"].reshape(shape) > 0.0
    in_turn = _turn(own[hours_role].reshape(shape) - _IN_FRONT * (on_duty + 2.0 * task.first), refused)
    helped = (task.due_m3 >= group.assist_m3) | ((on_duty.sum(axis=1) > 1) & (task.due_m3 > 0.0))
    chosen = (in_turn < 1 + helped[:, None]) & ~refused & ~forced
    removing = group.flow_m3_h * (chosen & able).sum(axis=1)
    by_hand = group.flow_m3_h * forced.sum(axis=1) * (task.due_m3 > group.cut_m3)
    after, on = two_point(
        task.due_m3, np.asarray(on_duty.any(axis=1)), task.gathering_m3_h - by_hand, removing, task.start_m3, dt_h
    )
    after = np.where(task.due_m3 > group.cut_m3, np.maximum(after, group.cut_m3), after)
    moved_m3_h = np.maximum(task.gathering_m3_h + (task.due_m3 - after) / dt_h, 0.0)
    duty = chosen & on[:, None]
    working = (chosen & able) | forced
    flow = (working * (moved_m3_h / np.maximum(working.sum(axis=1), 1))[:, None]).reshape(-1)
    return {
        "RunSts": ((duty & able) | forced).reshape(-1).astype(np.float64),
        "TripAlm": task.tripped.reshape(-1).astype(np.float64),
        "LocRem": 1.0 - task.local.reshape(-1),
        "StartCmd": held(own, "StartCmd", (duty & ~task.local).reshape(-1).astype(np.float64)),
        "_duty": duty.reshape(-1).astype(np.float64),
        "_flow_m3_h": flow,
        "_kw": flow * (group.kw / group.flow_m3_h),
        hours_role: own[hours_role] + flow * (dt_h / group.flow_m3_h),
    }


def _turn(score: Column, refused: Mask) -> NDArray[np.intp]:
    """Place of each pump in its group's queue, 0 first; those that cannot come last."""
    order = np.argsort(score + _AT_THE_END * refused, axis=1, kind="stable")
    return np.argsort(order, axis=1)
