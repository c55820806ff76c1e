"""Optimum start: learnt, bounded, explained, and never from nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.scheduling.optimum import RATE_MAX, RATE_MIN, advise, learnt_rate

FALLING = np.array([30.0, 30.0, 28.5, 27.0, 26.5])
"""Quarter hours of a morning: 3 °C in half an hour at its steepest."""


def test_the_rate_is_the_median_of_the_steepest_half_hours() -> None:
    slower, faster = FALLING * 0.5 + 15.0, FALLING * 2.0 - 30.0
    assert learnt_rate([FALLING, slower, faster], 15.0) == pytest.approx(0.1)


def test_too_few_mornings_and_mornings_without_a_fall_teach_nothing() -> None:
    warm, unknown = np.full(5, 26.0), np.full(5, np.nan)
    assert learnt_rate([FALLING, FALLING, warm, unknown], 15.0) is None
    assert learnt_rate([FALLING, FALLING, np.where([0, 1, 0, 0, 0], np.nan, FALLING)], 15.0) == pytest.approx(0.1)


def test_the_advice_is_the_distance_over_the_rate_and_says_so() -> None:
    advice = advise(29.0, 27.0, 0.05, 90)
    assert advice.minutes == 40
    assert advice.zh == "室溫 29.0 °C，目標 27.0 °C，學得每分鐘 0.050 °C：提前 40 分"
    assert "bounded to 90 min" in advise(35.0, 27.0, 0.05, 90).en


@pytest.mark.parametrize(("room", "rate"), [(float("nan"), 0.05), (30.0, None), (26.9, 0.05)])
def test_what_is_not_known_or_not_needed_leads_to_the_plain_time(room: float, rate: float | None) -> None:
    assert advise(room, 27.0, rate, 90).minutes == 0


@given(
    st.lists(st.lists(st.floats(-50, 80) | st.just(float("nan")), min_size=0, max_size=12), max_size=8),
    st.floats(-50, 80), st.integers(5, 240),
)  # fmt: skip
def test_it_is_bounded_whatever_the_room_was(mornings: list[list[float]], room: float, most_min: int) -> None:
    rate = learnt_rate([np.array(morning) for morning in mornings], 15.0)
    assert rate is None or RATE_MIN <= rate <= RATE_MAX
    assert 0 <= advise(room, 27.0, rate, most_min).minutes <= most_min
