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
def test_what_is_written_stays_moves_others_and_goes_back_when_it_is_released(role: str) -> None:
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
    if ROLES[role][0].role.kind == "SP":
        return
    for index in written:
        city.command(index, None)
    released = run(city)[-1]
    assert any(released[index] != value for index, value in written.items()), "the plant has its control back"
