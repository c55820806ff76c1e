"""The arithmetic of rollups, against an independent slow reference."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.reference_rollup import Heard, reference

from cityhall_bms.domain.quality import Quality
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.holds import HOLD_MIN_US
from cityhall_bms.historian.rollups import Rollups, combine, rollup
from cityhall_bms.ports.history import Aggregation

MINUTE = 60_000_000
T0 = 1_782_864_000_000_000

values = st.one_of(st.integers(-1000, 1000).map(float), st.floats(-1e6, 1e6), st.just(math.nan))
qualities = st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.GOOD, Quality.UNCERTAIN_SPIKE, Quality.BAD_TIMEOUT])
moments = st.one_of(
    st.integers(-20 * 60, 90 * 60).map(lambda s: T0 + s * 1_000_000),
    st.integers(-20, 90).map(lambda m: T0 + m * MINUTE),
    st.integers(-20 * MINUTE, 90 * MINUTE).map(lambda us: T0 + us),
)
rows = st.lists(st.tuples(st.integers(1, 3), moments, values, qualities), max_size=60)


def columns(rows: list[tuple[int, int, float, int]]) -> Samples:
    """Samples recorded in the order of the list."""
    return Samples(
        np.array([row[0] for row in rows], np.uint32),
        np.array([row[1] for row in rows], np.int64),
        T0 + np.arange(len(rows)),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.uint8),
    ).ordered()


def heard(rows: list[tuple[int, int, float, int]], point: int) -> list[Heard]:
    chosen = [row for row in rows if row[0] == point]
    chosen.sort(key=lambda row: row[1])
    return [Heard(at, value, quality < 0x40 and math.isfinite(value)) for _, at, value, quality in chosen]


def assert_like_the_reference(result: Rollups, rows: list[tuple[int, int, float, int]], edges: list[int]) -> None:
    got = {(int(p), int(b)): index for index, (p, b) in enumerate(zip(result.point, result.bucket, strict=True))}
    assert len(got) == len(result), "one row per point and bucket"
    assert list(got) == sorted(got)
    for point in {row[0] for row in rows}:
        samples = heard(rows, point)
        for begin, end in itertools.pairwise(edges):
            expected = reference(samples, begin, end)
            index = got.pop((point, begin), None)
            if index is None:
                assert not expected.known
                continue
            for name in ("count", "good_us", "low", "high", "start", "first", "last"):
                assert getattr(result, name)[index] == pytest.approx(getattr(expected, name), abs=0, nan_ok=True), name
            assert result.mean[index] == pytest.approx(expected.mean, rel=1e-9, abs=1e-6, nan_ok=True)
            assert result.fall[index] == pytest.approx(expected.fall, rel=1e-9, abs=1e-6)
    assert not got, "no row without samples"


@given(rows)
@settings(max_examples=80, deadline=None)
def test_minutes_are_what_the_slow_reference_says(rows: list[tuple[int, int, float, int]]) -> None:
    edges = [T0 + minute * MINUTE for minute in range(61)]
    assert_like_the_reference(rollup(columns(rows), np.array(edges)), rows, edges)


@given(rows, st.sampled_from([15, 20, 60]))
@settings(max_examples=80, deadline=None)
def test_minutes_combine_to_what_the_samples_give(rows: list[tuple[int, int, float, int]], minutes: int) -> None:
    small = np.arange(T0, T0 + 61 * MINUTE, MINUTE)
    large = np.arange(T0, T0 + 61 * MINUTE, minutes * MINUTE)
    combined = combine(rollup(columns(rows), small), large)
    assert_like_the_reference(combined, rows, large.tolist())


@given(rows, st.lists(st.integers(0, 60), min_size=2, unique=True))
@settings(max_examples=60, deadline=None)
def test_uneven_intervals_are_summed_as_well(rows: list[tuple[int, int, float, int]], cuts: list[int]) -> None:
    edges = [T0 + cut * MINUTE for cut in sorted(cuts)]
    assert_like_the_reference(rollup(columns(rows), np.array(edges)), rows, edges)
    minutes = np.arange(T0, T0 + 61 * MINUTE, MINUTE)
    assert_like_the_reference(combine(rollup(columns(rows), minutes), np.array(edges)), rows, edges)


def one(rows: list[tuple[int, int, float, int]], minutes: int = 60) -> Rollups:
    return rollup(columns(rows), np.array([T0, T0 + minutes * MINUTE]))


def test_a_value_is_weighted_by_the_time_it_stood() -> None:
    result = one([(1, T0, 10.0, 0), (1, T0 + 3 * MINUTE, 20.0, 0)], minutes=4)
    assert result.mean.tolist() == [12.5]
    assert result.good_us.tolist() == [4 * MINUTE]


def test_a_value_holds_a_quarter_of_an_hour_and_no_longer() -> None:
    result = one([(1, T0, 10.0, 0)])
    assert result.good_us.tolist() == [15 * MINUTE] == [HOLD_MIN_US]


def test_a_bad_sample_ends_the_hold_and_is_no_zero() -> None:
    result = one([(1, T0, 10.0, 0), (1, T0 + MINUTE, math.nan, Quality.BAD_DEVICE_LOST)])
    assert result.good_us.tolist() == [MINUTE]
    assert result.mean.tolist() == [10.0]


def test_a_number_of_bad_quality_feeds_no_figure() -> None:
    result = one([(1, T0, 10.0, 0), (1, T0 + MINUTE, 32767.0, Quality.BAD_RANGE)])
    assert (result.high.tolist(), result.count.tolist()) == ([10.0], [1])


def test_nothing_known_gives_no_row() -> None:
    assert len(one([(1, T0 - 16 * MINUTE, 10.0, 0)])) == 0


def test_a_counter_counts_from_the_value_it_had_before_the_interval() -> None:
    result = one([(1, T0 - MINUTE, 100.0, 0), (1, T0 + MINUTE, 103.0, 0), (1, T0 + 2 * MINUTE, 107.0, 0)])
    assert result.delta().tolist() == [7.0]


def test_after_a_long_gap_a_counter_starts_at_its_first_value_in_the_interval() -> None:
    result = one([(1, T0 - 60 * MINUTE, 100.0, 0), (1, T0 + MINUTE, 103.0, 0), (1, T0 + 2 * MINUTE, 107.0, 0)])
    assert result.delta().tolist() == [4.0]


def test_a_reset_counter_shows_its_fall() -> None:
    result = one([(1, T0, 5000.0, 0), (1, T0 + MINUTE, 3.0, 0), (1, T0 + 2 * MINUTE, 5.0, 0)])
    assert result.fall.tolist() == [-4997.0]


def test_an_interval_in_which_a_value_only_held_has_that_value_throughout() -> None:
    rows = one([(1, T0 - 5 * MINUTE, 21.3, 0)], minutes=7)
    figures = {name: rows.figure(Aggregation(name)).tolist() for name in ("mean", "min", "max", "first", "last")}
    assert figures == {name: [21.3] for name in figures}
    assert rows.figure(Aggregation.COUNT).tolist() == [0.0]
    assert rows.figure(Aggregation.DELTA).tolist() == [0.0]


def test_nothing_holds_into_the_future() -> None:
    samples = columns([(1, T0, 10.0, 0)])
    result = rollup(samples, np.array([T0, T0 + 60 * MINUTE]), known_until=T0 + 2 * MINUTE)
    assert result.good_us.tolist() == [2 * MINUTE]


def test_a_constant_stays_exactly_what_it_is() -> None:
    result = one([(1, T0 + step * 7_000_001, 0.1, 0) for step in range(100)])
    assert result.mean.tolist() == [0.1]


@given(rows)
@settings(max_examples=60, deadline=None)
def test_samples_are_ordered_and_of_one_point_and_time_the_one_recorded_last_stands(
    rows: list[tuple[int, int, float, int]],
) -> None:
    result = columns([(point * 40_000, at, value, quality) for point, at, value, quality in rows])
    last = {(point * 40_000, at): (repr(value), int(quality)) for point, at, value, quality in rows}
    keys = zip(result.point.tolist(), result.at.tolist(), strict=True)
    found = zip(map(repr, result.value.tolist()), result.quality.tolist(), strict=True)
    assert list(zip(keys, found, strict=True)) == sorted(last.items())


def test_a_fall_during_a_gap_inside_an_interval_is_seen_by_the_interval() -> None:
    rows = columns([(1, T0 + MINUTE, 900.0, 0), (1, T0 + 40 * MINUTE, 5.0, 0), (1, T0 + 41 * MINUTE, 6.0, 0)])
    minutes = rollup(rows, np.arange(T0, T0 + 61 * MINUTE, MINUTE))
    assert minutes.fall.tolist() == [0.0] * len(minutes), "no minute knows both values"
    assert combine(minutes, np.array([T0, T0 + 60 * MINUTE])).fall.tolist() == [-895.0]
