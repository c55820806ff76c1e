"""When staff and visitors are in the building.

Staff arrive between 07:30 and 09:00, some go out for lunch between 12:00 and 13:30, most leave between 17:00 and 18:30,
a few work into the evening; guards and operators, two in a hundred, are always there. Counters serve visitors from
08:30 to 17:00, the food hall at lunch; at weekends and on holidays there are only the guests of events. The shapes are
assumptions for an office building of this size.
"""

import math
from typing import Final, NamedTuple

GUARDS: Final = 0.02
"""Part of the staff that is in the building at any time."""
_PRESENT: Final = 0.95
_PRESENT_ON_FRIDAY: Final = 0.90
_PRESENT_AT_WEEKENDS: Final = 0.045
_PRESENT_IN_TYPHOON: Final = 0.01
_FRIDAY: Final = 4


class _Move(NamedTuple):
    """Part of those who come on a day that passes the doors around an hour, with a normal spread."""

    part: float
    hour: float
    spread_h: float


_IN: Final = (_Move(1.0, 8.2, 0.30), _Move(0.3, 13.15, 0.15))
_OUT: Final = (_Move(0.3, 12.2, 0.12), _Move(0.9, 17.7, 0.32), _Move(0.1, 19.6, 0.80))
_WEEKEND_IN: Final = (_Move(1.0, 9.5, 0.60),)
_WEEKEND_OUT: Final = (_Move(1.0, 17.0, 0.80),)
_COUNTERS: Final = (_Move(0.62, 10.3, 0.95), _Move(0.56, 14.5, 1.10))
_FOOD_HALL: Final = _Move(0.80, 12.3, 0.42)
_EVENTS: Final = _Move(0.05, 14.0, 2.2)
_DOORS_OPEN_H: Final = (8.5, 17.0)
_DOORS_SPREAD_H: Final = 0.12


class OfficeHour(NamedTuple):
    """An hour of a day; ``weekday`` 0 is Monday, ``closed`` a day lost to a typhoon."""

    hour: float
    weekday: int
    workday: bool
    closed: bool = False


def occupancy(at: OfficeHour) -> float:
    """Part of the staff that is in the building: the guards, and who has come and not yet gone since midnight."""
    came, went = _moves(at)
    inside = sum(m.part * _passed(m, at.hour) for m in came) - sum(m.part * _passed(m, at.hour) for m in went)
    return GUARDS + _part_that_comes(at) * max(0.0, inside)


def visitors(at: OfficeHour) -> float:
    """Visitors in the building, as a part of those in the busiest hour."""
    if at.closed:
        return 0.0
    if not at.workday:
        return _bump(_EVENTS, at.hour) * _open(at.hour)
    at_counters = sum(_bump(move, at.hour) for move in _COUNTERS) * _open(at.hour)
    return min(1.0, at_counters + _bump(_FOOD_HALL, at.hour))


def _part_that_comes(at: OfficeHour) -> float:
    if at.closed:
        return _PRESENT_IN_TYPHOON
    if not at.workday:
        return _PRESENT_AT_WEEKENDS - GUARDS
    return (_PRESENT_ON_FRIDAY if at.weekday == _FRIDAY else _PRESENT) - GUARDS


def _moves(at: OfficeHour) -> tuple[tuple[_Move, ...], tuple[_Move, ...]]:
    return (_IN, _OUT) if at.workday else (_WEEKEND_IN, _WEEKEND_OUT)


def _passed(move: _Move, hour: float) -> float:
    return 0.5 * (1.0 + math.erf((hour - move.hour) / (move.spread_h * math.sqrt(2.0))))


def _bump(move: _Move, hour: float) -> float:
    return move.part * math.exp(-0.5 * ((hour - move.hour) / move.spread_h) ** 2)


def _open(hour: float) -> float:
    opens, closes = _DOORS_OPEN_H
    return 0.5 * (math.tanh((hour - opens) / _DOORS_SPREAD_H) - math.tanh((hour - closes) / _DOORS_SPREAD_H))
