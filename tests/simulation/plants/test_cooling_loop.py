"""The chilled water as one body: exact for any step, never beyond where it is going, no heat lost on the way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_simulators.plants.cooling.loop import HEAT_KWH_K, LEAK_KW_K, Settled, heat_into, settled

SURROUNDINGS_C = 27.0
AIM_C = np.full(3, 7.0)
LIMIT_KW = np.array([2110.0, 2110.0, 703.0])
PULL_KW_K = 1.163 * np.array([325.0, 325.0, 108.0])
STANDING = np.zeros(3)

STEPS = st.floats(0.1, 3600.0)
WATER = st.floats(4.0, 26.0)
LOADS = st.floats(0.0, 9000.0)


def step(water_c: float, coil_kw: float, dt_s: float, pull: np.ndarray = PULL_KW_K) -> Settled:
    return settled(water_c, heat_into(water_c, coil_kw, 0.0, SURROUNDINGS_C), AIM_C, LIMIT_KW, pull, dt_s)


def test_the_return_settles_where_the_chillers_take_what_the_coils_give() -> None:
    found = step(12.0, 3000.0, 3600.0)
    for _ in range(20):
        found = step(found.end_c, 3000.0, 3600.0)
    gained_kw = 3000.0 + LEAK_KW_K * (SURROUNDINGS_C - found.end_c)
    assert found.taken_kw.sum() == pytest.approx(gained_kw, rel=1e-6)
    # Q = 1.163 x m³/h x K: the return is as far above the supply as the flow of 758 m³/h makes it.
    assert found.end_c - 7.0 == pytest.approx(gained_kw / (1.163 * 758.0), rel=1e-6)


def test_chillers_at_their_limit_take_no_more_and_the_water_warms_by_the_rest() -> None:
    found = step(14.0, 6923.0, 36.0)
    assert found.taken_kw == pytest.approx(LIMIT_KW)
    # 2,000 kW too many for a hundredth of an hour in 150 m³ of water.
    assert found.end_c - 14.0 == pytest.approx(20.0 / (150.0 * 1.163), rel=0.05)


def test_without_chillers_coils_give_less_and_less_and_the_water_stays_below_the_rooms() -> None:
    found = step(8.0, 4000.0, 3600.0, STANDING)
    assert 13.0 < found.end_c < 25.0
    assert found.taken_kw.sum() == 0.0


@given(water_c=WATER, coil_kw=LOADS, dt_s=STEPS)
def test_heat_is_neither_made_nor_lost(water_c: float, coil_kw: float, dt_s: float) -> None:
    found = step(water_c, coil_kw, dt_s)
    hours = dt_s / 3600.0
    stored_kwh = HEAT_KWH_K * (found.end_c - water_c)
    leaked_kwh = LEAK_KW_K * (SURROUNDINGS_C - found.mean_c) * hours
    from_coils_kwh = stored_kwh - leaked_kwh + found.taken_kw.sum() * hours
    assert -1e-6 * HEAT_KWH_K <= from_coils_kwh <= coil_kw * hours * (1.0 + 1e-9) + 1e-6
    if max(water_c, found.end_c) <= 13.0:
        assert from_coils_kwh == pytest.approx(coil_kw * hours, rel=1e-6, abs=1e-6)


@given(water_c=WATER, coil_kw=LOADS, dt_s=st.floats(60.0, 3600.0))
def test_water_moves_one_way_within_a_step(water_c: float, coil_kw: float, dt_s: float) -> None:
    half, whole = step(water_c, coil_kw, dt_s / 2.0), step(water_c, coil_kw, dt_s)
    low, high = sorted((water_c, whole.end_c))
    assert low - 1e-6 <= half.end_c <= high + 1e-6
    assert low - 1e-6 <= whole.mean_c <= high + 1e-6


@given(water_c=st.floats(6.0, 12.9), coil_kw=st.floats(0.0, 5000.0))
def test_one_hour_at_once_is_the_same_as_in_seconds(water_c: float, coil_kw: float) -> None:
    heat = heat_into(water_c, coil_kw, 0.0, SURROUNDINGS_C)
    once = settled(water_c, heat, AIM_C, LIMIT_KW, PULL_KW_K, 3600.0)
    now_c, taken_kwh = water_c, 0.0
    for _ in range(360):
        little = settled(now_c, heat, AIM_C, LIMIT_KW, PULL_KW_K, 10.0)
        now_c, taken_kwh = little.end_c, taken_kwh + little.taken_kw.sum() / 360.0
    assert once.end_c == pytest.approx(now_c, abs=1e-6)
    assert once.taken_kw.sum() == pytest.approx(taken_kwh, rel=1e-6, abs=1e-6)


@given(water_c=st.floats(7.0, 26.0), coil_kw=LOADS, dt_s=STEPS, weak=st.floats(0.05, 1.0), colder=st.floats(0.0, 4.0))
def test_unlike_chillers_each_keep_their_own_limit_and_aim(
    water_c: float, coil_kw: float, dt_s: float, weak: float, colder: float
) -> None:
    aims, limits = AIM_C - np.array([colder, 0.0, 0.0]), LIMIT_KW * np.array([1.0, weak, 1.0])
    heat = heat_into(water_c, coil_kw, 0.0, SURROUNDINGS_C)
    found = settled(water_c, heat, aims, limits, PULL_KW_K, dt_s)
    assert (found.taken_kw >= -1e-6).all()
    assert (found.taken_kw <= limits + 1e-6).all()
    supply_c = found.mean_c - found.taken_kw / PULL_KW_K
    assert supply_c.min() >= aims.min() - 1e-6
