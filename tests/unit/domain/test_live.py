"""The live table against a plain dictionary."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.live import POINT_ID_MAX, LiveTable
from cityhall_bms.domain.quality import Quality

SAMPLE = st.tuples(
    st.integers(1, 40),
    st.integers(1, 12),
    st.integers(-1000, 1000).map(float),
    st.sampled_from([Quality.GOOD, Quality.UNCERTAIN_CLOCK, Quality.BAD_DEVICE_LOST]),
)
S = 1_000_000


def readings(samples: list[tuple[int, int, float, Quality]]) -> Readings:
    point, at, value, quality = zip(*samples, strict=True)
    return Readings(np.array(point, np.uint32), np.array(at, np.int64), np.array(value), np.array(quality, np.uint8))


def batch(sequence: int, *scans: list[tuple[int, int, float, Quality]]) -> SampleBatch:
    return SampleBatch.gather("c1", 1, sequence, 0, [readings(scan) for scan in scans if scan])


@given(st.lists(st.lists(SAMPLE, max_size=15), max_size=8))
def test_the_newest_sample_of_each_point_is_the_present_one(
    batches: list[list[tuple[int, int, float, Quality]]],
) -> None:
    table, expected = LiveTable(), {}
    for sequence, samples in enumerate(batches):
        taken = batch(sequence, samples)
        before = dict(expected)
        for point, at, value, quality in zip(taken.point, taken.observed_at, taken.value, taken.quality, strict=True):
            if at >= expected.get(int(point), (0,))[0]:
                expected[int(point)] = (int(at), float(value), int(quality))
        changed = table.apply(taken)
        assert {point for point in expected if expected[point] != before.get(point)} <= set(changed.tolist())
        assert sorted(set(changed.tolist())) == changed.tolist()
    for point, (at, value, quality) in expected.items():
        assert table.present(point, at) == (value, quality, at)
    seen = np.flatnonzero(table.observed_at)
    assert seen.tolist() == sorted(expected)


@given(st.lists(SAMPLE, min_size=1, max_size=30), st.randoms())
def test_the_order_of_arrival_does_not_matter_when_times_differ(samples: list, random: object) -> None:
    distinct = list({(sample[0], sample[1]): sample for sample in samples}.values())
    shuffled = distinct.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = LiveTable(), LiveTable()
    for number, sample in enumerate(distinct):
        one.apply(batch(number, [sample]))
    for number, sample in enumerate(shuffled):
        other.apply(batch(number, [sample]))
    size = min(len(one), len(other))
    np.testing.assert_array_equal(one.value[:size], other.value[:size])
    np.testing.assert_array_equal(one.observed_at[:size], other.observed_at[:size])


def test_a_late_sample_changes_nothing() -> None:
    table = LiveTable({1: 5.0})
    table.apply(batch(0, [(1, 50, 21.5, Quality.GOOD)]))
    assert table.apply(batch(1, [(1, 49, 99.0, Quality.GOOD)])).tolist() == []
    assert table.present(1, 50) == (21.5, Quality.GOOD, 50)


def test_within_one_batch_the_newest_sample_counts_in_whatever_order_they_stand() -> None:
    table = LiveTable()
    table.apply(batch(0, [(1, 60, 22.5, Quality.GOOD)], [(1, 50, 21.5, Quality.GOOD)]))
    assert table.present(1, 60) == (22.5, Quality.GOOD, 60)


def test_of_two_samples_with_one_time_the_later_in_the_log_counts() -> None:
    table = LiveTable()
    table.apply(batch(0, [(1, 50, 21.5, Quality.GOOD)], [(1, 50, 22.5, Quality.GOOD)]))
    assert table.value[1] == 22.5


def test_age_takes_quality_away_by_the_scan_period() -> None:
    # domain reference 5: over max(3 scans, 60 s) uncertain, over max(10 scans, 15 min) bad.
    table = LiveTable({1: 5.0, 2: 60.0, 3: 300.0})
    start = 1_000_000 * S
    table.apply(batch(0, [(point, start, 7.0, Quality.GOOD) for point in (1, 2, 3)]))
    expected = {
        60: (Quality.GOOD, Quality.GOOD, Quality.GOOD),
        61: (Quality.UNCERTAIN_STALE, Quality.GOOD, Quality.GOOD),
        181: (Quality.UNCERTAIN_STALE, Quality.UNCERTAIN_STALE, Quality.GOOD),
        900: (Quality.UNCERTAIN_STALE, Quality.UNCERTAIN_STALE, Quality.GOOD),
        901: (Quality.BAD_STALE, Quality.BAD_STALE, Quality.UNCERTAIN_STALE),
        3001: (Quality.BAD_STALE, Quality.BAD_STALE, Quality.BAD_STALE),
    }
    for age_s, qualities in expected.items():
        now = start + age_s * S
        assert tuple(table.quality_now(now)[1:4]) == qualities, age_s
        assert tuple(table.present(point, now)[1] for point in (1, 2, 3)) == qualities, age_s


def test_age_never_hides_a_worse_reason() -> None:
    table = LiveTable({1: 5.0, 2: 5.0})
    table.apply(batch(0, [(1, S, 7.0, Quality.BAD_DEVICE_LOST), (2, S, 7.0, Quality.UNCERTAIN_CLOCK)]))
    assert tuple(table.quality_now(100 * S)[1:]) == (Quality.BAD_DEVICE_LOST, Quality.UNCERTAIN_CLOCK)
    assert tuple(table.quality_now(10_000 * S)[1:]) == (Quality.BAD_DEVICE_LOST, Quality.BAD_STALE)


@given(st.sampled_from(list(Quality)), st.integers(0, 4000))
def test_one_point_and_the_whole_column_agree(quality: Quality, age_s: int) -> None:
    table = LiveTable({1: 30.0})
    table.apply(batch(0, [(1, S, 7.0, quality)]))
    now = (age_s + 1) * S
    assert table.present(1, now)[1] == table.quality_now(now)[1]


def test_a_point_never_seen_has_no_data() -> None:
    table = LiveTable({3: 5.0})
    for point in (0, 1, 3, 4, 10**9):
        value, quality, at = table.present(point, 5)
        assert np.isnan(value)
        assert (quality, at) == (Quality.BAD_NO_DATA, None)
    assert (table.quality_now(10**15) == Quality.BAD_NO_DATA).all()


def test_a_number_no_registry_hands_out_takes_no_memory() -> None:
    table = LiveTable()
    changed = table.apply(batch(0, [(2**32 - 1, 5, 1.0, Quality.GOOD), (POINT_ID_MAX, 5, 1.0, Quality.GOOD)]))
    assert changed.tolist() == [POINT_ID_MAX]
    assert len(table) == POINT_ID_MAX + 1


def test_a_clock_set_back_does_not_freeze_values_until_it_is_as_late_again() -> None:
    hour = 3600 * S
    table = LiveTable({1: 5.0})
    table.apply(SampleBatch.gather("c1", 1, 0, 2 * hour, [readings([(1, 2 * hour, 20.0, Quality.GOOD)])]))
    table.apply(SampleBatch.gather("c1", 1, 1, hour, [readings([(1, hour, 21.0, Quality.GOOD)])]))
    assert table.present(1, hour) == (21.0, Quality.GOOD, hour)


def test_a_value_from_the_future_is_no_good_one() -> None:
    hour = 3600 * S
    table = LiveTable({1: 5.0})
    table.apply(SampleBatch.gather("c1", 1, 0, 2 * hour, [readings([(1, 2 * hour, 20.0, Quality.GOOD)])]))
    assert table.present(1, hour)[1] == Quality.BAD_STALE
    assert table.quality_now(hour)[1] == Quality.BAD_STALE
    assert table.present(1, 2 * hour - 61 * S)[1] == Quality.UNCERTAIN_STALE
