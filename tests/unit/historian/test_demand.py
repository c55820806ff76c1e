"""The search for demand maxima finds what summing up every quarter would find."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.demand import DEMAND_US, Search
from cityhall_bms.historian.rollups import combine, rollup

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
