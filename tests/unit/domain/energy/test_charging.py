"""Sharing current: never above the budget, never between nothing and six amperes, first come first served or alike."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.charging import Station, budget_a, ramped, share
from cityhall_bms.domain.energy.shedding import ChargingPlan, Split

FIFO, EQUAL = ChargingPlan(split=Split.FIFO), ChargingPlan(split=Split.EQUAL)
CAR, FULL, SILENT = Station(wants=True), Station(wants=False), Station(wants=True, silent=True)


@pytest.mark.parametrize(
    ("plan", "stations", "budget", "expected"),
    [
        (EQUAL, [CAR, CAR, FULL], 40.0, [20.0, 20.0, 0.0]),
        (EQUAL, [CAR] * 4, 20.0, [6.0, 6.0, 6.0, 0.0]),
        (EQUAL, [Station(wants=True, cap_a=8.0), CAR], 40.0, [8.0, 32.0]),
        (EQUAL, [CAR, SILENT], 20.0, [14.0, 6.0]),
        (EQUAL, [CAR], 5.9, [0.0]),
        (FIFO, [CAR, CAR, CAR], 40.0, [28.0, 6.0, 6.0]),
        (FIFO, [CAR, CAR, CAR], 17.0, [11.0, 6.0, 0.0]),
        (FIFO, [SILENT, CAR], 0.0, [6.0, 0.0]),
    ],
)
def test_current_is_shared_out(
    plan: ChargingPlan, stations: list[Station], budget: float, expected: list[float]
) -> None:
    assert share(plan, stations, budget) == expected


@given(
    stations=st.lists(
        st.builds(Station, wants=st.booleans(), silent=st.booleans(), cap_a=st.floats(0.0, 40.0)), max_size=20
    ),
    budget=st.floats(0.0, 400.0),
    split=st.sampled_from(Split),
)
def test_no_share_breaks_a_bound(stations: list[Station], budget: float, split: Split) -> None:
    plan = ChargingPlan(split=split)
    limits = share(plan, stations, budget)
    for station, limit in zip(stations, limits, strict=True):
        assert limit == 0.0 or 6.0 <= limit <= 32.0
        assert limit == int(limit)
        assert station.silent or limit <= station.cap_a
        assert station.silent or station.wants or limit == 0.0
    forced = 6.0 * sum(station.silent for station in stations)
    assert sum(limits) <= max(budget, forced)
    if split is Split.EQUAL:
        able = [n for n, one in enumerate(stations) if one.wants and not one.silent and one.cap_a >= 6.0]
        given_out = [limits[number] for number in able]
        assert given_out[: sum(limit > 0.0 for limit in given_out)].count(0.0) == 0, "the first ones are served"


def test_the_budget_is_what_feeder_and_contract_leave() -> None:
    # 5000 kW x 0.95 - 4728 kW = 22 kW at 220 V: 100 A
    assert budget_a(EQUAL, 5000.0 * 0.95 - 4728.0) == pytest.approx(100.0)
    assert budget_a(EQUAL, 1000.0) == 300.0
    assert budget_a(EQUAL, -3.0) == 0.0
    assert budget_a(EQUAL, math.nan) == 300.0


@given(st.integers(0, 32).map(float), st.sampled_from([0.0, 6.0, 12.0, 32.0]), st.floats(0.0, 60.0))
def test_limits_rise_step_by_step_and_fall_at_once(current: float, target: float, passed_s: float) -> None:
    following = ramped(EQUAL, current, target, passed_s)
    if passed_s < 10.0:
        assert following == current
    elif target <= current:
        assert following == target
    else:
        assert current <= following <= max(current + 6.0, 6.0)
        assert following == 0.0 or following >= 6.0
        assert following <= target
