"""The search for demand maxima finds what summing up every quarter would find."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.demand import DEMAND_US, Peaks, Search, peaks_of
from cityhall_bms.historian.rollups import Rollups, combine, rollup

DAY = 86_400_000_000
MINUTE = 60_000_000
PERIODS = np.array([0, 2 * DAY, 3 * DAY])
DAYS = np.arange(0, 4 * DAY, DAY)
QUARTERS = np.arange(0, 3 * DAY + 1, DEMAND_US)

readings = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 3 * 24 * 12 - 1), st.integers(0, 40).map(float)),
    max_size=60,
    unique_by=lambda row: row[:2],
)


@given(readings)
def test_the_greatest_quarter_of_each_period_is_found(rows: list[tuple[int, int, float]]) -> None:
    rows = sorted(rows)
    at = np.array([row[1] for row in rows], np.int64) * 5 * MINUTE
    samples = Samples(
        np.array([row[0] for row in rows], np.uint32), at, at, np.array([row[2] for row in rows]),
        np.zeros(len(rows), np.uint8),
    )  # fmt: skip
    quarters = rollup(samples, QUARTERS)
    search = Search([2, 1], PERIODS, combine(quarters, DAYS))
    looked_at: list[tuple[int, int]] = []
    while (wanted := search.next_day()) is not None:
        day, points = wanted
        looked_at += [(day, point) for point in points]
        inside = (quarters.bucket >= day) & (quarters.bucket < day + DAY) & np.isin(quarters.point, points)
        search.take(quarters.select(inside))
    found = search.found()
    assert len(looked_at) == len(set(looked_at))
    for row, point in enumerate((2, 1)):
        for column in range(2):
            inside = (quarters.bucket >= PERIODS[column]) & (quarters.bucket < PERIODS[column + 1])
            means = quarters.mean[inside & (quarters.point == point) & ~np.isnan(quarters.mean)]
            if not len(means):
                assert math.isnan(found.value[row, column])
                continue
            assert found.value[row, column] == means.max()
            place = (quarters.point == point) & (quarters.bucket == found.when[row, column])
            assert quarters.mean[place].tolist() == [means.max()]


@given(readings)
def test_days_that_are_kept_give_what_a_search_gives(rows: list[tuple[int, int, float]]) -> None:
    rows = sorted(rows)
    at = np.array([row[1] for row in rows], np.int64) * 5 * MINUTE
    samples = Samples(
        np.array([row[0] for row in rows], np.uint32), at, at, np.array([row[2] for row in rows]),
        np.zeros(len(rows), np.uint8),
    )  # fmt: skip
    quarters = rollup(samples, QUARTERS)
    points = np.array([1, 2, 3])
    peaks = [
        peaks_of(quarters.select((quarters.bucket >= day) & (quarters.bucket < day + DAY)), points) for day in DAYS[:-1]
    ]
    stacked = Peaks(
        np.stack([part.value for part in peaks]),
        np.stack([part.when for part in peaks]),
        np.stack([part.good_us for part in peaks]),
    )
    searched, kept = Search([2, 1], PERIODS, Rollups.empty()), Search([2, 1], PERIODS, Rollups.empty())
    searched.take(quarters.select(quarters.point < 3))
    kept.take_kept(points, DAYS[:-1], stacked)
    for ours, theirs in zip(
        (kept.found().value, kept.found().when, kept.found().coverage),
        (searched.found().value, searched.found().when, searched.found().coverage),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
