"""Night flow: the least hour of a night, what is usual, leaks and what they cost."""

import math
import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.night_flow import (
    NightLimits,
    Nights,
    judge_nights,
    loss_m3_per_day,
    night_minima,
    usual_minimum,
)

LIMITS = NightLimits(ratio=1.3, floor_m3h=0.0, rest_m3h=0.0)
QUARTERS = 96
NIGHT = range(8, 16)
"""Quarters of 02:00-04:00."""
FIRST_DAY = 740_000


def nights_of(flow: list[float], coverage: float = 1.0) -> Nights:
    """Nights of one meter, from quarters of whole days."""
    days = len(flow) // QUARTERS
    day = np.repeat(np.arange(FIRST_DAY, FIRST_DAY + days), QUARTERS)
    night = np.isin(np.tile(np.arange(QUARTERS), days), list(NIGHT))
    return night_minima(np.array([flow]), np.full((1, len(flow)), coverage), night, day, 4)


def test_the_minimum_is_the_lowest_rolling_hour_between_two_and_four() -> None:
    flow = [0.0] * QUARTERS
    flow[8:16] = [3.0, 3.0, 2.0, 1.0, 1.0, 2.0, 4.0, 4.0]
    found = nights_of(flow)
    assert found.day.tolist() == [FIRST_DAY]
    assert found.minimum[0, 0] == 1.5, "the mean of 02:30-03:30; nothing of before two or after four is in it"


def test_a_night_of_which_too_little_is_known_is_unknown_and_not_zero() -> None:
    flow = [1.0] * QUARTERS
    for quarter in (9, 10, 11, 13):
        flow[quarter] = math.nan
    assert np.isnan(nights_of(flow).minimum[0, 0])
    assert np.isnan(nights_of([1.0] * QUARTERS, coverage=0.7).minimum[0, 0])


def judged(minima: list[float], *, rests: bool = False, limits: NightLimits = LIMITS) -> list[bool]:
    nights = Nights(np.arange(len(minima)), np.array([minima]))
    return judge_nights(nights, np.array([rests]), limits).leaking(limits)[0].tolist()


@pytest.mark.parametrize(
    ("last", "leak"),
    [
        ([1.31, 1.31, 1.31], True),
        ([1.30, 1.31, 1.31], False),  # not above 1.3 times the median
        ([1.31, 1.31], False),  # two nights are not three
        ([1.31, 1.0, 1.31, 1.31], False),  # not on end
        ([1.31, math.nan, 1.31, 1.31], True),  # what is not known ends no run
    ],
)
def test_more_than_1_3_times_the_28_day_median_for_three_nights_is_a_leak(last: list[float], leak: bool) -> None:
    assert judged([1.0] * 28 + last)[-1] is leak


def test_flow_for_seven_nights_where_nothing_should_flow_is_a_leak() -> None:
    above_the_floor = replace(LIMITS, floor_m3h=0.1)
    assert judged([0.0] * 20 + [0.01] * 7, rests=True, limits=above_the_floor)[-2:] == [False, True]
    assert judged([0.5] * 60, rests=False)[-1] is False


def test_nothing_is_usual_before_enough_nights_are_known() -> None:
    assert judged([1.0] * 13 + [9.0] * 3)[-1] is False
    assert judged([1.0] * 14 + [9.0] * 3)[-1] is True


@given(st.lists(st.one_of(st.just(math.nan), st.floats(0.0, 100.0)), min_size=1, max_size=50), st.integers(1, 30))
def test_the_usual_is_the_median_of_the_known_nights_before(minima: list[float], days: int) -> None:
    found = usual_minimum(np.array([minima]), days, 2)[0]
    for night, value in enumerate(found.tolist()):
        before = [m for m in minima[max(night - days, 0) : night] if not math.isnan(m)]
        expected = statistics.median(before) if len(before) >= 2 else math.nan
        assert value == pytest.approx(expected, nan_ok=True)


def test_a_leak_costs_what_flows_beyond_legitimate_use_all_day_long() -> None:
    assert loss_m3_per_day(0.75, 0.25) == 12.0
    assert loss_m3_per_day(0.1, 0.25) == 0.0
