"""Spikes: six median deviations away, back within two values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.collector.grading_spikes import Spikes

ONE = np.array([0])
NEVER = np.array([False])


def told(spikes: Spikes, *values: float, may_jump: bool = False) -> list[bool]:
    """Whether each of these values, one after the other, is doubted."""
    return [bool(spikes.judge(ONE, np.array([value]), np.array([may_jump]))[0]) for value in values]


def settled(floor: float = 5.0, around: float = 20.0) -> Spikes:
    spikes = Spikes(np.array([floor]))
    told(spikes, *(around + 0.1 * (number % 3) for number in range(9)))
    return spikes


def test_a_value_that_jumps_and_comes_back_is_doubted_alone() -> None:
    assert told(settled(), 20.1, 60.0, 20.2, 20.0) == [False, True, False, False]


def test_two_values_of_a_jump_are_doubted_and_the_third_is_believed_with_all_that_follow() -> None:
    assert told(settled(), 60.0, 60.1, 60.2, 60.1, 60.3) == [True, True, False, False, False]


def test_after_a_new_level_is_believed_the_old_one_would_be_the_spike() -> None:
    spikes = settled()
    told(spikes, 60.0, 60.1, *[60.2] * 8)
    assert told(spikes, 20.0, 60.1) == [True, False]


def test_a_jump_below_the_floor_is_no_spike_however_quiet_the_point_was() -> None:
    assert told(settled(floor=5.0), 24.9) == [False]


def test_a_restless_point_needs_a_larger_jump() -> None:
    spikes = Spikes(np.array([5.0]))
    told(spikes, 20.0, 24.0, 16.0, 23.0, 17.0, 20.0, 24.0, 16.0, 20.0)
    # Their median is 20 and their median absolute deviation 3 or 4: 18 to 24 are its own movement.
    assert told(spikes, 36.0, 60.0) == [False, True]


def test_nothing_is_doubted_before_five_values_are_known() -> None:
    assert told(Spikes(np.array([5.0])), 20.0, 90.0, 20.0, 90.0) == [False] * 4


def test_a_unit_that_just_started_may_jump() -> None:
    assert told(settled(), 60.0, 61.0, may_jump=True) == [False, False]


def test_points_are_judged_apart() -> None:
    spikes = Spikes(np.array([5.0, 5.0]))
    both = np.array([0, 1])
    for _ in range(9):
        spikes.judge(both, np.array([20.0, 100.0]), np.array([False, False]))
    assert spikes.judge(both, np.array([20.0, 20.0]), np.array([False, False])).tolist() == [False, True]


def test_what_was_remembered_can_be_handed_over() -> None:
    heir = Spikes(np.array([5.0, 5.0]))
    heir.adopt(np.array([1]), settled(), ONE)
    assert heir.judge(np.array([1]), np.array([60.0]), NEVER).tolist() == [True]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_never_are_three_values_in_a_row_doubted(values: list[float]) -> None:
    doubted = told(Spikes(np.array([5.0])), *values)
    assert not any(all(doubted[place : place + 3]) for place in range(len(doubted) - 2))


@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=60))
def test_values_that_stay_within_the_floor_of_each_other_are_never_doubted(values: list[float]) -> None:
    assert not any(told(Spikes(np.array([5.0])), *values))


def test_what_does_not_jump_is_taken_without_more_ado_and_remembered() -> None:
    spikes = settled()
    assert spikes.take(ONE, np.array([23.0]))
    assert not spikes.take(ONE, np.array([28.5]))
    assert spikes.take(ONE, np.array([27.5]))


def test_while_a_value_is_doubted_every_value_is_looked_at() -> None:
    spikes = settled()
    told(spikes, 60.0)
    assert not spikes.take(ONE, np.array([20.1]))
    told(spikes, 20.1)
    assert spikes.take(ONE, np.array([20.1]))
