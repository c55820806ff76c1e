"""Filled gaps: short ones only, marked, and never beyond the present."""

import numpy as np
import pytest

from cityhall_bms.domain.quality import Quality
from cityhall_bms.historian.filling import Fill, fill
from cityhall_bms.historian.rollups import interval_quality
from cityhall_bms.ports.history import Series

HOUR = 3_600_000_000
N = np.nan


def series(*values: float) -> Series:
    value = np.array(values, np.float64)
    return Series(np.arange(len(value)) * HOUR, value, interval_quality(value), np.where(np.isnan(value), 0.0, 1.0))


def filled(how: Fill, *values: float, present: int = 1000 * HOUR) -> Series:
    return fill(series(*values), how, len(values) * HOUR, present)


@pytest.mark.parametrize(
    ("how", "given", "expected"),
    [
        (Fill.NONE, (1.0, N, 3.0), (1.0, N, 3.0)),
        (Fill.PREVIOUS, (1.0, N, N, 4.0, N), (1.0, 1.0, 1.0, 4.0, 4.0)),
        (Fill.LINEAR, (1.0, N, N, 4.0, N), (1.0, 2.0, 3.0, 4.0, N)),
        (Fill.PREVIOUS, (N, N, 4.0), (N, N, 4.0)),
        (Fill.LINEAR, (N, N, 4.0), (N, N, 4.0)),
        (Fill.PREVIOUS, (1.0, N, N, N, 5.0), (1.0, 1.0, 1.0, 1.0, 5.0)),
        (Fill.PREVIOUS, (1.0, N, N, N, N, 5.0), (1.0, N, N, N, N, 5.0)),
        (Fill.LINEAR, (1.0, N, N, N, N, 5.0), (1.0, N, N, N, N, 5.0)),
        (Fill.PREVIOUS, (N, N), (N, N)),
    ],
)
def test_gaps_of_three_hours_at_most_are_filled(
    how: Fill, given: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    np.testing.assert_array_equal(filled(how, *given).value, expected)


def test_what_is_filled_is_uncertain_and_covers_nothing() -> None:
    answer = filled(Fill.LINEAR, 1.0, N, 3.0)
    assert answer.quality.tolist() == [Quality.GOOD, Quality.UNCERTAIN_ESTIMATED, Quality.GOOD]
    assert answer.coverage is not None
    assert answer.coverage.tolist() == [1.0, 0.0, 1.0]


def test_the_future_is_no_gap() -> None:
    answer = filled(Fill.PREVIOUS, 1.0, N, N, N, present=2 * HOUR + 1)
    np.testing.assert_array_equal(answer.value, (1.0, 1.0, 1.0, N))


def test_days_are_filled_three_at_most() -> None:
    value = np.array([1.0, N, N, N, 2.0, N, N, N, N, 3.0])
    days = Series(np.arange(10) * 24 * HOUR, value, interval_quality(value), np.ones(10))
    answer = fill(days, Fill.PREVIOUS, 240 * HOUR, 1000 * HOUR)
    np.testing.assert_array_equal(answer.value, (1.0, 1.0, 1.0, 1.0, 2.0, N, N, N, N, 3.0))
