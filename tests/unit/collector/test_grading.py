"""Quality by rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_driver import fake_point

from cityhall_bms.collector.grading import Limits, grade
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint

NOW = 1_782_864_000_000_000
S = 1_000_000
LIMITS = Limits.of(
    [
        BoundPoint(7, fake_point(7, "D", low=-10.0, high=60.0)),
        BoundPoint(3, fake_point(3, "D", low=0.0)),
        BoundPoint(5, fake_point(5, "D")),
    ]
)


def one(point: int, value: float, quality: int = 0, at: int = NOW) -> Readings:
    return Readings(
        np.array([point], np.uint32), np.array([at], np.int64), np.array([value]), np.array([quality], np.uint8)
    )


def graded(readings: Readings, *, polled: bool = True) -> Readings:
    return grade(readings, LIMITS.pick(readings.point), NOW, polled=polled)


@pytest.mark.parametrize(
    ("point", "value", "given_quality", "expected"),
    [
        (7, 21.5, Quality.GOOD, Quality.GOOD),
        (7, -10.0, Quality.GOOD, Quality.GOOD),
        (7, 60.0, Quality.GOOD, Quality.GOOD),
        (7, 60.01, Quality.GOOD, Quality.BAD_RANGE),
        (7, -32768.0, Quality.GOOD, Quality.BAD_RANGE),
        (7, 99.0, Quality.UNCERTAIN, Quality.BAD_RANGE),
        (7, 99.0, Quality.BAD_REFUSED, Quality.BAD_REFUSED),
        (3, -0.1, Quality.GOOD, Quality.BAD_RANGE),
        (3, 1e12, Quality.GOOD, Quality.GOOD),
        (5, 1e300, Quality.GOOD, Quality.GOOD),
        (5, float("nan"), Quality.GOOD, Quality.BAD_DECODE),
        (5, float("inf"), Quality.GOOD, Quality.BAD_DECODE),
        (7, float("nan"), Quality.UNCERTAIN_OVERRIDDEN, Quality.BAD_DECODE),
        (7, float("nan"), Quality.BAD_TIMEOUT, Quality.BAD_TIMEOUT),
    ],
)
def test_a_value_gets_the_quality_it_deserves(point: int, value: float, given_quality: int, expected: int) -> None:
    got = graded(one(point, value, given_quality))
    assert got.quality.tolist() == [expected]
    np.testing.assert_array_equal(got.value, [value])


@pytest.mark.parametrize(
    ("ahead_s", "polled", "expected_s", "expected_quality"),
    [
        (0, True, 0, Quality.GOOD),
        (5, True, 5, Quality.GOOD),
        (6, True, 0, Quality.UNCERTAIN_CLOCK),
        (6, False, 0, Quality.UNCERTAIN_CLOCK),
        (-5, True, -5, Quality.GOOD),
        (-3600, True, 0, Quality.GOOD),
        (-3600, False, -3600, Quality.GOOD),
    ],
)
def test_a_time_that_cannot_be_is_ours(ahead_s: int, polled: bool, expected_s: int, expected_quality: int) -> None:
    got = graded(one(5, 1.0, at=NOW + ahead_s * S), polled=polled)
    assert (got.observed_at[0] - NOW) // S == expected_s
    assert got.quality[0] == expected_quality


def test_a_wrong_clock_does_not_make_a_bad_value_better() -> None:
    assert graded(one(7, 99.0, at=NOW + 60 * S)).quality[0] == Quality.BAD_RANGE


def test_a_point_of_another_device_is_a_defect() -> None:
    for point in (1, 4, 6, 8, 4_000_000_000):
        with pytest.raises(ValueError, match="not of this device"):
            graded(one(point, 1.0))


def test_the_readings_of_the_driver_are_left_alone() -> None:
    readings = one(7, 99.0, at=NOW + 60 * S)
    graded(readings)
    assert (readings.quality[0], readings.observed_at[0]) == (0, NOW + 60 * S)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([3, 5, 7]),
            st.floats(allow_nan=True, allow_infinity=True),
            st.sampled_from(list(Quality)),
            st.integers(-(10**9), 10**9),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_grading_never_makes_quality_better(rows: list[tuple[int, float, Quality, int]]) -> None:
    point, value, quality, offset = zip(*rows, strict=True)
    readings = Readings(
        np.array(point, np.uint32), np.array(offset, np.int64) + NOW, np.array(value), np.array(quality, np.uint8)
    )
    got = graded(readings)
    assert (got.quality >> 6 >= readings.quality >> 6).all()
    assert (np.abs(got.observed_at - NOW) <= 5 * S).all()
    assert not (~np.isfinite(got.value) & (got.quality < 0x80)).any()
