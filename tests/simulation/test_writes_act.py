"""Whatever may be written changes the physics, and is handed back to the plant's own control when it is released."""

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from cityhall_simulators.description import Point, load_building
from cityhall_simulators.runtime import City

WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei"))
WHOLE = load_building("full")
STEP_S, STEPS = 60.0, 40
ROLES: dict[str, list[Point]] = {}
for _point in WHOLE.points:
    if _point.writable:
        ROLES.setdefault(f"{_point.equipment.type.code}.{_point.role.role}", []).append(_point)
"""Every role that may be written, with its points: not every unit runs in the same hour."""


def run(city: City) -> NDArray[np.float64]:
    """What is true at all points from now on, a row per step."""
    rows = []
    for _ in range(STEPS):
        city.advance(city.local + timedelta(seconds=STEP_S), STEP_S)
        rows.append(city.truth)
    return np.array(rows)


@cache
def untouched() -> NDArray[np.float64]:
    return run(City(WHOLE, 5, WORKING_MORNING))


def another_value(point: Point, now: float) -> float:
    """A value that is allowed and far from what it is now."""
    if point.role.states:
        return max((float(state) for state in point.role.states), key=lambda state: abs(state - now))
    assert point.role.low is not None
    assert point.role.high is not None
    return point.role.low if now - point.role.low > point.role.high - now else point.role.high


@pytest.mark.parametrize("role", ROLES)
def test_what_is_written_stays_and_moves_others(role: str) -> None:
    city = City(WHOLE, 5, WORKING_MORNING)
    written = {point.index: another_value(point, float(city.truth[point.index])) for point in ROLES[role]}
    for index, value in written.items():
        city.command(index, value)
        assert city.truth[index] == value, "read back at once"
    commanded = run(city)
    for index, value in written.items():
        assert (commanded[:, index] == value).all(), "it stays until somebody writes again"
    moved = set(np.flatnonzero((commanded != untouched()).any(axis=0))) - set(written)
    assert moved, "nothing follows"


OWN_CONTROL = [role for role, points in ROLES.items() if points[0].role.kind != "SP"]


@pytest.mark.parametrize("role", OWN_CONTROL)
def test_a_released_point_goes_back_to_the_plants_own_control(role: str) -> None:
    """Which the plant may use to choose the very value that was commanded: not for every one of them, though."""
    first = ROLES[role][0].role
    candidates = list(first.states) if first.states else [first.low, first.high]
    assert any(moves_after_release(ROLES[role], float(value)) for value in candidates if value is not None)


def moves_after_release(points: list[Point], value: float) -> bool:
    city = City(WHOLE, 5, WORKING_MORNING)
    for point in points:
        city.command(point.index, value)
    run(city)
    for point in points:
        city.command(point.index, None)
    released = run(city)
    return any((released[:, point.index] != value).any() for point in points)
