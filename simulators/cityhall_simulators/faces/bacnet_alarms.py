"""Which points of BACnet controllers report alarms by themselves, and when one begins and ends.

Pure. Conditions are those of the domain reference, section 4; times follow ANSI/ASHRAE 135, clause 13.3 (an alarm and
its end must hold for the delay; a fault needs none).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.description import Point

NORMAL, FAULT, OFF_NORMAL, HIGH_LIMIT, LOW_LIMIT = range(5)
"""BACnet event states."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Condition of one point: a ``state`` it must not have, or limits. ``priority`` 1 (urgent) to 4 (low)."""

    priority: int
    state: float | None = None
    low: float | None = None
    high: float | None = None
    deadband: float = 0.0
    delay_s: float = 0.0


_TRIP: Final = Alarm(2, state=1.0)
_URGENT: Final = Alarm(1, state=1.0)
_DIRTY_FILTER: Final = Alarm(4, high=250.0, deadband=20.0, delay_s=1800.0)
_BY_ROLE: Final = {
    "TripAlm": _TRIP, "VibAlm": _TRIP, "SeLeak": _TRIP, "HiLvlAlm": _TRIP, "HiAlm": _TRIP,
    "Prealm": _TRIP, "Supv": _TRIP, "Trouble": _TRIP, "AcFail": _TRIP, "BattFail": _TRIP,
    "LoAlm": Alarm(3, state=1.0),
    "DuctSmoke": _URGENT, "Alarm": _URGENT, "StopBtn": _URGENT, "DlgVlv": _URGENT,
}  # fmt: skip
_BY_TYPE_AND_ROLE: Final = {
    "ACV.FlowSw": _URGENT,
    "FOM.FlowSw": _URGENT,
    "FZN.State": Alarm(1, state=2.0),
    "CT.BasinLvl": Alarm(2, low=20.0, high=95.0, deadband=5.0, delay_s=60.0),
    "PLT.Cond": Alarm(3, high=2000.0, deadband=40.0, delay_s=1800.0),
    "PLT.pH": Alarm(3, low=7.0, high=9.0, deadband=0.1, delay_s=1800.0),
    "AHU.FltDP": _DIRTY_FILTER,
    "OAH.FltDP": _DIRTY_FILTER,
    # Fire tanks stand full: too high a level is for the contact to report.
    "TNK.Lvl": Alarm(3, low=30.0, deadband=3.0, delay_s=60.0),
}  # fmt: skip


def alarm_of(point: Point) -> Alarm | None:
    """The condition of a point, None when it reports none."""
    role = point.role.role
    return _BY_TYPE_AND_ROLE.get(f"{point.equipment.type.code}.{role}") or _BY_ROLE.get(role)


class Conditions:
    """Conditions of several points as columns."""

    def __init__(self, alarms: Sequence[Alarm]) -> None:
        self.state = np.array([np.nan if a.state is None else a.state for a in alarms])
        self.low = np.array([-np.inf if a.low is None else a.low for a in alarms])
        self.high = np.array([np.inf if a.high is None else a.high for a in alarms])
        self.deadband = np.array([a.deadband for a in alarms])
        self.delay_s = np.array([a.delay_s for a in alarms])


@dataclass(frozen=True, slots=True)
class EventStates:
    """Event state of each point, and the state that it would go to (equal when none) since when."""

    now: NDArray[np.int8]
    next: NDArray[np.int8]
    since_s: NDArray[np.float64]

    @classmethod
    def normal(cls, count: int) -> "EventStates":
        """Nothing is wrong."""
        return cls(np.zeros(count, np.int8), np.zeros(count, np.int8), np.zeros(count))


def advance(
    conditions: Conditions, states: EventStates, values: NDArray[np.float64], bad: NDArray[np.bool_], at_s: float
) -> EventStates:
    """States at ``at_s``: a condition that held for its delay becomes one; a broken sensor is a fault at once."""
    wanted = _wanted(conditions, states.now, values, bad)
    since_s = np.where(wanted == states.next, states.since_s, at_s)
    of_fault = (wanted == FAULT) | (states.now == FAULT)
    is_due = (wanted != states.now) & (of_fault | (at_s - since_s >= conditions.delay_s))
    return EventStates(np.where(is_due, wanted, states.now), wanted, since_s)


def _wanted(
    conditions: Conditions, now: NDArray[np.int8], values: NDArray[np.float64], bad: NDArray[np.bool_]
) -> NDArray[np.int8]:
    high = values > conditions.high - np.where(now == HIGH_LIMIT, conditions.deadband, 0.0)
    low = values < conditions.low + np.where(now == LOW_LIMIT, conditions.deadband, 0.0)
    analog = np.where(high, HIGH_LIMIT, np.where(low, LOW_LIMIT, NORMAL))
    wanted = np.where(values == conditions.state, OFF_NORMAL, analog)
    return np.where(bad, FAULT, wanted).astype(np.int8)
