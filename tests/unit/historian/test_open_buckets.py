"""Minutes summed up as their scans come in are what all samples together give, to the last bit."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.quality import Quality
from cityhall_bms.historian.columns import Samples, Scans
from cityhall_bms.historian.grids import Held, split, sum_minute
from cityhall_bms.historian.holds import Holds
from cityhall_bms.historian.open_buckets import GRID_SAMPLES_MIN, OpenBuckets
from cityhall_bms.historian.rollups import Rollups, rollup

SECOND = 1_000_000
MINUTE = 60 * SECOND
T0 = 1_782_864_000_000_000
MINUTES = 6
WIDE = 700
"""Points of a set of which a minute's scans are enough for a grid."""


@dataclass(frozen=True, slots=True)
class Polled:
    """A group of points that is read again and again."""

    first: int
    points: int
    every_s: int
    phase_us: int
    bad: float
    silent: tuple[int, ...] = ()
    """Minutes in which it is not read."""

    def scans(self, chance: np.random.Generator) -> list[Readings]:
        points = np.arange(self.first, self.first + self.points, dtype=np.uint32)
        times = np.arange(T0 - 2 * MINUTE + self.phase_us, T0 + MINUTES * MINUTE, self.every_s * SECOND)
        return [reading(points, int(at), chance, self.bad) for at in times if (at - T0) // MINUTE not in self.silent]


def reading(points: NDArray[np.uint32], at: int, chance: np.random.Generator, bad: float) -> Readings:
    value = np.round(chance.normal(0.0, 50.0, len(points)), 3)
    value[chance.random(len(points)) < 0.1] = chance.choice([0.0, -0.0, np.nan])
    quality = np.where(chance.random(len(points)) < bad, Quality.BAD_TIMEOUT, Quality.GOOD).astype(np.uint8)
    return Readings(points, np.full(len(points), at), value, quality)


polled = st.builds(
    Polled,
    first=st.just(0),
    points=st.sampled_from([1, 3, WIDE]),
    every_s=st.sampled_from([2, 7, 15, 60, 110]),
    phase_us=st.sampled_from([0, 1, 400_000, 1_999_999]),
    bad=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    silent=st.sampled_from([(), (), (1,), (1, 2, 3), (-2, -1, 0)]),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is heard of a building, and what disturbs it."""

    groups: list[Polled]
    seed: int
    pushed: bool
    repeated: bool
    overlapping: bool
    closes_every: int
    slow: bool

    def scans(self) -> Scans:
        """All scans in the order of their times, as they are recorded."""
        chance = np.random.default_rng(self.seed)
        found: list[Readings] = []
        first = 1
        for group in self.groups:
            found += Polled(first, *(getattr(group, name) for name in Polled.__slots__[1:])).scans(chance)
            first += group.points
            if self.overlapping:
                first = max(1, first - 1)
        times = [int(scan.observed_at[0]) for scan in found]
        if self.pushed:
            for at in chance.choice(times, 5):
                point = np.array([1, chance.integers(1, first + 5)], np.uint32)
                pushed = reading(point, int(at) + 17, chance, 0.2)
                found.append(Readings(pushed.point, pushed.observed_at, pushed.value, pushed.quality, partial=True))
        if self.repeated:
            again = found[int(chance.integers(len(found)))]
            found.append(reading(again.point, int(again.observed_at[0]), chance, 0.2))
        found.sort(key=lambda scan: int(scan.observed_at[0]))
        batches = [SampleBatch.gather("b", 1, n, T0 + n, [scan]) for n, scan in enumerate(found)]
        return Scans.gather(batches)

    @property
    def holds(self) -> Holds:
        return Holds.of((), [(2, 3_600 * SECOND)] if self.slow else [])


cases = st.builds(
    Case,
    groups=st.lists(polled, min_size=1, max_size=3),
    seed=st.integers(0, 2**32 - 1),
    pushed=st.booleans(),
    repeated=st.booleans(),
    overlapping=st.booleans(),
    closes_every=st.sampled_from([1, 1, 2, 4]),
    slow=st.booleans(),
)


def assert_same(one: Rollups, other: Rollups) -> None:
    for name in Rollups.__slots__:
        left, right = getattr(one, name), getattr(other, name)
        np.testing.assert_array_equal(left, right, err_msg=name)
        if left.dtype == np.float64:
            known = ~np.isnan(left)
            np.testing.assert_array_equal(np.signbit(left[known]), np.signbit(right[known]), err_msg=name)


@given(cases)
@settings(max_examples=60, deadline=None)
def test_minutes_that_close_one_by_one_are_those_of_all_samples_at_once(case: Case) -> None:
    scans = case.scans()
    buckets = OpenBuckets(T0 - 2 * MINUTE, Samples.join([]), case.holds)
    closed: list[Rollups] = []
    for through in range(-2, MINUTES + 1, case.closes_every):
        end = T0 + through * MINUTE
        begin = end - case.closes_every * MINUTE
        late = buckets.absorb(scans.select((scans.at >= begin) & (scans.at < end)), end)
        assert len(late) == 0
        closed.append(buckets.close(end))
    edges = np.arange(T0 - 2 * MINUTE, T0 + through * MINUTE + 1, MINUTE)
    expected = scans.select(scans.at < edges[-1]).samples().ordered()
    assert_same(Rollups.merge(*closed), rollup(expected, edges, holds=case.holds))


@given(cases)
@settings(max_examples=40, deadline=None)
def test_a_grid_is_the_same_minute_without_its_arrangement(case: Case) -> None:
    scans = case.scans()
    before, minute = scans.at < T0, (scans.at >= T0) & (scans.at < T0 + MINUTE)
    earlier = scans.select(before).samples().ordered()
    grids, others = split(scans.select(minute), np.empty(0, np.uint32))
    assert sum(grid.value.size for grid in grids) + len(others.point) == len(scans.select(minute).point)
    for grid in grids:
        mine = earlier.select(np.isin(earlier.point, grid.point))
        rows, still = sum_minute(grid, Held.of(grid.point, mine), T0, T0 + MINUTE, case.holds)
        samples = Samples.join([mine, scans.select(minute).samples()]).ordered()
        samples = samples.select(np.isin(samples.point, grid.point))
        one_minute = np.array([T0, T0 + MINUTE])
        assert_same(Rollups.merge(rows), rollup(samples, one_minute, holds=case.holds))
        later = np.arange(T0 + MINUTE, T0 + 90 * MINUTE, MINUTE)
        assert_same(rollup(still.ordered(), later, holds=case.holds), rollup(samples, later, holds=case.holds))


def scan(first: int, at: int, value: float = 1.0, points: int = WIDE) -> Readings:
    point = np.arange(first, first + points, dtype=np.uint32)
    return Readings(point, np.full(points, at), np.full(points, value), np.zeros(points, np.uint8))


def gathered(*scans: Readings) -> Scans:
    return Scans.gather([SampleBatch.gather("b", 1, n, T0 + n, [one]) for n, one in enumerate(scans)])


def test_a_set_read_in_rows_makes_a_grid() -> None:
    [grid], others = split(gathered(scan(1, T0), scan(1, T0 + SECOND)), np.empty(0, np.uint32))
    assert (grid.value.shape, len(others)) == ((2, WIDE), 0)


def test_sets_with_as_many_scans_share_a_grid_whatever_their_phases() -> None:
    scans = gathered(scan(1, T0), scan(1_001, T0 + 5), scan(1, T0 + 9), scan(1_001, T0 + SECOND), scan(3_000, T0))
    grids, _ = split(scans, np.empty(0, np.uint32))
    assert sorted(grid.value.shape for grid in grids) == [(1, WIDE), (2, 2 * WIDE)]


def test_points_of_which_more_is_heard_make_no_grid() -> None:
    scans = gathered(scan(1, T0), scan(1, T0 + SECOND))
    assert split(scans, np.array([WIDE], np.uint32))[0] == []
    assert split(gathered(scan(1, T0), scan(WIDE, T0 + SECOND)), np.empty(0, np.uint32))[0] == []


def test_a_time_heard_twice_makes_no_grid() -> None:
    grids, others = split(gathered(scan(1, T0, 1.0), scan(1, T0, 2.0)), np.empty(0, np.uint32))
    assert (grids, len(others)) == ([], 2)


def test_a_set_that_makes_no_grid_takes_those_with_it_that_share_its_points() -> None:
    scans = gathered(scan(1, T0, 1.0), scan(1, T0, 2.0), scan(WIDE, T0 + SECOND))
    grids, others = split(scans, np.empty(0, np.uint32))
    assert (grids, len(others)) == ([], 3)


def test_late_samples_are_told_and_still_held() -> None:
    buckets = OpenBuckets(T0, Samples.join([]))
    touched = buckets.absorb(gathered(*(scan(1, T0 - 30 * SECOND + n * SECOND, 7.0) for n in range(4))), T0)
    assert len(touched) > 0
    rows = buckets.close(T0 + MINUTE)
    assert set(rows.start.tolist()) == {7.0}
    assert set(rows.count.tolist()) == {0}


def test_the_wide_sets_of_these_tests_are_enough_for_a_grid() -> None:
    assert 4 * WIDE > GRID_SAMPLES_MIN
