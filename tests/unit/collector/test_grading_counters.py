"""Counters: forwards within what the meter can, or rolled over, or doubted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.collector.grading_counters import Counters

ONE = np.array([0])
HOUR = 3_600_000_000


class Meter:
    """One counter of a register of ``size`` with ``rate_max`` counts an hour, told a value every hour."""

    def __init__(self, size: float = np.inf, rate_max: float = np.inf) -> None:
        self.counters = Counters(np.array([size]), np.array([rate_max]))
        self.hour = 0

    def told(self, *values: float) -> list[bool]:
        doubted = []
        for value in values:
            self.hour += 1
            doubted.append(bool(self.counters.judge(ONE, np.array([value]), np.array([self.hour * HOUR]))[0]))
        return doubted


def test_a_counter_that_grows_is_believed() -> None:
    assert Meter(rate_max=100.0).told(0.0, 50.0, 150.0, 150.0) == [False] * 4


def test_a_register_that_rolls_over_is_believed_and_counted() -> None:
    meter = Meter(size=65_536.0, rate_max=10_000.0)
    assert meter.told(65_000.0, 400.0, 900.0) == [False] * 3
    assert (meter.counters.rollovers, meter.counters.resets) == (1, 0)


@pytest.mark.parametrize(("last", "new"), [(50_000.0, 400.0), (65_000.0, 30_000.0)])
def test_a_fall_from_the_middle_or_into_the_middle_is_no_rollover(last: float, new: float) -> None:
    assert Meter(size=65_536.0).told(last, new) == [False, True]


def test_a_glitch_downwards_is_doubted_alone() -> None:
    meter = Meter()
    assert meter.told(1000.0, 0.0, 1001.0) == [False, True, False]
    assert meter.counters.resets == 0


def test_a_counter_that_begins_anew_is_believed_at_the_third_reading_and_counted() -> None:
    meter = Meter()
    assert meter.told(1000.0, 0.0, 1.0, 2.0, 3.0) == [False, True, True, False, False]
    assert meter.counters.resets == 1


def test_more_than_a_fifth_above_the_greatest_power_is_doubted() -> None:
    # 100 kW for an hour and the minute of slack: 1.2 x 100 x 61/60 = 122 kWh.
    assert Meter(rate_max=100.0).told(0.0, 121.9) == [False, False]
    assert Meter(rate_max=100.0).told(0.0, 122.1, 20.0) == [False, True, False]


def test_after_a_gap_the_whole_gap_counts() -> None:
    meter = Meter(rate_max=100.0)
    meter.told(0.0)
    meter.hour += 9
    assert meter.told(1000.0) == [False]


@given(st.lists(st.floats(0.0, 100.0), max_size=50))
def test_no_growth_within_the_greatest_power_is_ever_doubted(growths: list[float]) -> None:
    assert not any(Meter(rate_max=100.0).told(*np.cumsum([0.0, *growths]).tolist()))


@given(st.lists(st.floats(0.0, 1e9), min_size=3, max_size=50))
def test_never_are_three_readings_in_a_row_doubted(values: list[float]) -> None:
    doubted = Meter(rate_max=10.0).told(*values)
    assert not any(all(doubted[place : place + 3]) for place in range(len(doubted) - 2))


def test_an_heir_goes_on_from_what_was_believed_and_counted() -> None:
    meter, heir = Meter(size=65_536.0, rate_max=10_000.0), Counters(np.array([np.inf, 65_536.0]), np.array([1e9, 1e4]))
    meter.told(65_000.0, 400.0)
    heir.adopt(np.array([1]), meter.counters, ONE)
    assert heir.rollovers == 1
    assert heir.judge(np.array([1]), np.array([300.0]), np.array([3 * HOUR])).tolist() == [True]
