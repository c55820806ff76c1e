"""Amounts of periods in intervals: whole, or spread and marked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.manual import PeriodAmount, spread_periods

DAYS = np.arange(0, 41, 10)
"""Four days of ten moments."""


def test_whole_periods_count_in_the_interval_that_holds_them() -> None:
    value, estimated, coverage = spread_periods(
        [PeriodAmount(0, 10, 5.0), PeriodAmount(10, 15, 2.0), PeriodAmount(15, 20, 3.0)], DAYS, estimate=False
    )
    np.testing.assert_array_equal(value, [5.0, 5.0, np.nan, np.nan])
    np.testing.assert_array_equal(estimated, np.zeros(4))
    np.testing.assert_array_equal(coverage, [1.0, 1.0, 0.0, 0.0])


def test_a_part_of_a_period_is_known_only_as_an_estimate() -> None:
    month = [PeriodAmount(0, 40, 8.0)]
    value, _, coverage = spread_periods(month, DAYS, estimate=False)
    assert np.isnan(value).all()
    assert not coverage.any()
    value, estimated, coverage = spread_periods(month, DAYS, estimate=True)
    np.testing.assert_array_equal(value, [2.0] * 4)
    np.testing.assert_array_equal(estimated, [2.0] * 4)
    assert not coverage.any()


def test_what_is_measured_and_what_is_estimated_stand_side_by_side() -> None:
    value, estimated, coverage = spread_periods(
        [PeriodAmount(0, 5, 1.0), PeriodAmount(5, 15, 4.0)], DAYS, estimate=True
    )
    np.testing.assert_array_equal(value, [3.0, 2.0, np.nan, np.nan])
    np.testing.assert_array_equal(estimated, [2.0, 2.0, 0.0, 0.0])
    np.testing.assert_array_equal(coverage, [0.5, 0.0, 0.0, 0.0])


def test_zero_that_somebody_entered_is_zero() -> None:
    value, _, coverage = spread_periods([PeriodAmount(0, 10, 0.0)], DAYS, estimate=False)
    assert (value[0], coverage[0]) == (0.0, 1.0)


@given(st.lists(st.integers(1, 13), min_size=1, max_size=8), st.data())
def test_all_intervals_together_have_what_was_entered(lengths: list[int], data: st.DataObject) -> None:
    ends = np.cumsum(lengths)
    amounts = data.draw(st.lists(st.floats(0.0, 1e6), min_size=len(lengths), max_size=len(lengths)))
    periods = [
        PeriodAmount(int(end - length), int(end), amount)
        for end, length, amount in zip(ends, lengths, amounts, strict=True)
    ]
    edges = np.arange(0, ends[-1] + 10, 10)
    value, estimated, coverage = spread_periods(periods, edges, estimate=True)
    assert np.nansum(value) == pytest.approx(sum(amounts))
    assert (estimated <= np.nan_to_num(value) * (1 + 1e-9)).all()
    assert ((coverage >= 0.0) & (coverage <= 1.0 + 1e-12)).all()
