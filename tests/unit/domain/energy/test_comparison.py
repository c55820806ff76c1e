"""The comparison engine on the published figures of the city hall, and what it refuses."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.comparison import Figure, compare, total
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.energy.shown import half_up
from cityhall_bms.domain.errors import RefusedError

NOW, THEN = parse_period("104H1"), parse_period("95H1")


@pytest.mark.parametrize(
    ("current", "reference", "difference", "saving"),
    [
        (10_404_800, 13_952_000, -3_547_200, "25.42"),  # electricity, base year 95
        (10_404_800, 10_528_000, -123_200, "1.17"),  # electricity, year 103
        (70_243, 78_323, -8_080, "10.32"),  # water, base year 99
        (70_243, 71_409, -1_166, "1.63"),  # water, year 103
        (9_098, 19_595, -10_497, "53.57"),  # vehicle fuel, base year 95
        (110, 100, 10, "-10.00"),
    ],
)
def test_the_published_figures_follow(current: float, reference: float, difference: float, saving: str) -> None:
    found = compare(Figure(NOW, current, 1.0), Figure(THEN, reference, 1.0))
    assert found.difference == difference
    assert found.saving_percent is not None
    assert half_up(found.saving_percent) == Decimal(saving)
    assert not found.provisional


def test_there_is_no_percentage_of_nothing() -> None:
    found = compare(Figure(NOW, 5.0, 1.0), Figure(THEN, 0.0, 1.0))
    assert (found.difference, found.saving_percent) == (5.0, None)


@pytest.mark.parametrize(
    ("current", "reference", "says"),
    [
        (0.9499, 1.0, "the current period 104H1 is covered to 95.0 %, less than 95 %"),
        (1.0, 0.5, "the reference period 95H1 is covered to 50.0 %"),
    ],
)
def test_less_than_95_percent_of_either_side_is_refused_unless_asked_for(
    current: float, reference: float, says: str
) -> None:
    sides = Figure(NOW, 90.0, current), Figure(THEN, 100.0, reference)
    with pytest.raises(RefusedError, match=says):
        compare(*sides)
    assert compare(*sides, provisional=True).provisional
    assert not compare(*sides, coverage_min=0.5).provisional


def test_exactly_95_percent_is_enough_and_not_provisional() -> None:
    assert not compare(Figure(NOW, 1.0, 0.95), Figure(THEN, 1.0, 0.95), provisional=True).provisional


def test_what_is_not_known_at_all_is_never_compared() -> None:
    with pytest.raises(RefusedError, match="nothing is known of the reference period 95H1"):
        compare(Figure(NOW, 1.0, 1.0), Figure(THEN, None, 0.0), provisional=True)


def amounts(value: list[list[float]], coverage: list[list[float]], at: list[int], end: int) -> Amounts:
    return Amounts(
        np.array(at), end, np.array(value), np.zeros_like(np.array(value)), np.array(coverage)
    )  # fmt: skip


def test_a_total_adds_meters_by_their_factors() -> None:
    found = total(amounts([[1.0, 2.0], [0.5, 0.5]], [[1, 1], [1, 1]], [0, 10], 20), np.array([1.0, -1.0]), NOW)
    assert (found.value, found.coverage) == (2.0, 1.0)


def test_a_sum_is_as_complete_as_its_least_complete_meter_and_long_intervals_count_more() -> None:
    found = total(amounts([[1.0, 2.0], [3.0, np.nan]], [[1, 1], [1, 0]], [0, 30], 40), np.ones(2), NOW)
    assert (found.value, found.coverage) == (6.0, 0.75)


def test_missing_is_missing_and_no_zero() -> None:
    found = total(amounts([[np.nan, np.nan]], [[0, 0]], [0, 10], 20), np.ones(1), NOW)
    assert (found.value, found.coverage) == (None, 0.0)


def test_no_intervals_and_no_meters_are_nothing_known() -> None:
    assert total(amounts([[]], [[]], [], 0), np.ones(1), NOW).value is None
    empty = Amounts(np.array([0]), 1, np.zeros((0, 1)), np.zeros((0, 1)), np.zeros((0, 1)))
    assert total(empty, np.ones(0), NOW).value is None


def test_estimates_are_told_and_never_raise_the_coverage() -> None:
    found = total(
        Amounts(np.array([0, 10]), 20, np.array([[4.0, 6.0]]), np.array([[0.0, 5.0]]), np.array([[1.0, 0.5]])),
        np.ones(1), NOW,
    )  # fmt: skip
    assert (found.value, found.estimated, found.coverage) == (10.0, 5.0, 0.75)


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [(0.125, 2, "0.13"), (-0.125, 2, "-0.13"), (1.005, 2, "1.01"), (2.5, 0, "3"), (74.665, 2, "74.67"), (1e-9, 2, "0.00")],
)  # fmt: skip
def test_halves_are_rounded_up_when_shown(value: float, decimals: int, shown: str) -> None:
    assert str(half_up(value, decimals)) == shown


@given(st.floats(-1e12, 1e12), st.integers(0, 4))
def test_rounding_never_moves_a_figure_by_more_than_half_of_its_last_place(value: float, decimals: int) -> None:
    assert abs(half_up(value, decimals) - Decimal(repr(value))) <= Decimal(5).scaleb(-decimals - 1)


@given(st.floats(0.01, 1e9), st.floats(0.01, 1e9))
def test_who_compares_the_other_way_round_gets_the_difference_with_its_other_sign(one: float, other: float) -> None:
    there = compare(Figure(NOW, one, 1.0), Figure(THEN, other, 1.0))
    back = compare(Figure(THEN, other, 1.0), Figure(NOW, one, 1.0))
    assert there.difference == -back.difference
