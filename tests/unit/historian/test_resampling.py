"""What fits on a screen: the interval, and the values that look like all of them."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.historian.resampling import extremes, fitting_interval, largest_triangles, parted
from cityhall_bms.historian.rollups import Rollups
from cityhall_bms.ports.history import Window

HOUR = 3_600_000_000
DAY = 24 * HOUR
TAIPEI = ZoneInfo("Asia/Taipei")
JANUARY = 1_767_196_800_000_000
"""2026-01-01 00:00 in Taipei."""


@pytest.mark.parametrize(
    ("days", "buckets", "interval"),
    [(365, 500, "1d"), (30, 500, "2h"), (1, 500, "5m"), (60, 500, "3h"), (240, 500, "12h"), (3650, 500, "1mo"),
     (0.01, 500, "5s"), (1, 3, "8h")],
)  # fmt: skip
def test_the_shortest_interval_that_fits_is_taken(days: float, buckets: int, interval: str) -> None:
    window = Window(JANUARY, JANUARY + round(days * DAY))
    chosen, edges = fitting_interval(window, buckets, TAIPEI)
    assert chosen == interval
    assert len(edges) - 1 <= buckets
    assert edges[0] <= window.start
    assert edges[-1] >= window.end


def test_more_months_than_buckets_are_refused() -> None:
    with pytest.raises(RefusedError):
        fitting_interval(Window(0, 400 * 365 * DAY), 500, TAIPEI)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=300),
    st.integers(3, 60),
)
def test_a_line_keeps_its_ends_its_order_and_its_length(values: list[float], count: int) -> None:
    at = np.cumsum(np.arange(len(values)) + 1)
    chosen = largest_triangles(at, np.array(values), count)
    assert len(chosen) == min(count, len(values))
    assert chosen[0] == 0
    assert chosen[-1] == len(values) - 1
    assert (np.diff(chosen) > 0).all()


def test_a_line_keeps_a_spike() -> None:
    value = np.sin(np.arange(10_000) / 500)
    value[4321] = 40.0
    assert 4321 in largest_triangles(np.arange(10_000) * 1_000_000, value, 100)


def test_a_line_is_the_one_of_the_paper() -> None:
    """Worked out by hand: of {1, 5, 2} before {7, 0, 1} 5 spans most, then 0 between it and the last value 3."""
    value = np.array([0.0, 1.0, 5.0, 2.0, 7.0, 0.0, 1.0, 3.0])
    assert largest_triangles(np.arange(8), value, 4).tolist() == [0, 2, 5, 7]


def test_extremes_of_a_bucket_come_once_where_they_are_the_same() -> None:
    figures = np.array([1.0, 3.0, np.nan, 2.0]), np.array([1.0, 9.0, np.nan, 4.0])
    empty = np.full(4, np.nan)
    whole = np.ones(4, np.int64)
    rows = Rollups(whole, np.arange(4), whole, whole, empty, *figures, empty, empty, empty, empty)
    at, value = extremes(rows)
    assert at.tolist() == [0, 1, 1, 3, 3]
    assert value.tolist() == [1.0, 3.0, 9.0, 4.0, 2.0]


def test_a_gap_parts_a_line_once() -> None:
    at, value = parted(np.array([10, 20, 50, 60]), np.array([1.0, 2.0, 3.0, 4.0]), np.array([5, 30, 40, 70]))
    assert at.tolist() == [10, 20, 30, 50, 60]
    np.testing.assert_array_equal(value, [1.0, 2.0, np.nan, 3.0, 4.0])
