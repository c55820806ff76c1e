"""What is summed up anew takes the steps of what is stored, and nothing unsettled is taken for settled."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.adapters.postgres.history_figures import Settled
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.holds import HOLD_MAX_US, LIVE, Holds, Stretch
from cityhall_bms.historian.intervals import HOUR_US, MINUTE_US
from cityhall_bms.historian.rollups import FAR_FUTURE, combine, rollup
from cityhall_bms.historian.summing import finest_of, smaller_level, summed

DAY = 24 * HOUR_US
hours = st.lists(st.integers(0, 60).map(lambda hour: hour * HOUR_US), max_size=6)


@given(hours, hours, st.integers(1, 64), st.sampled_from([MINUTE_US, 15 * MINUTE_US, HOUR_US, 6 * HOUR_US]))
def test_a_bucket_is_settled_where_no_mark_reaches(dirty: list[int], later: list[int], until: int, length: int) -> None:
    settled = Settled.of(until * HOUR_US, dirty, later)
    edges = np.arange(0, 72 * HOUR_US + 1, length)
    spans = [(hour, hour + HOUR_US) for hour in dirty] + [(hour, hour + HOUR_US + HOLD_MAX_US) for hour in later]
    expected = [
        end <= until * HOUR_US and not any(begin < there and end > here for here, there in spans)
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    assert settled.buckets(edges).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 7200), st.floats(-100, 100)), min_size=1, max_size=80))
def test_hours_are_summed_from_quarters_and_these_from_minutes(rows: list[tuple[int, float]]) -> None:
    rows = sorted(rows)
    at = np.array([row[0] for row in rows], np.int64) * 1_000_000
    value, zeros = np.array([row[1] for row in rows]), np.zeros(len(rows), np.uint8)
    samples = Samples(np.full(len(rows), 5, np.uint32), at, at, value, zeros).ordered()
    edges = np.arange(0, 3 * HOUR_US, HOUR_US)
    steps = rollup(samples, np.arange(0, 2 * HOUR_US + 1, MINUTE_US))
    for length in (15 * MINUTE_US, HOUR_US):
        steps = combine(steps, np.arange(0, 2 * HOUR_US + 1, length))
    found = summed(samples, "1h", edges, FAR_FUTURE, LIVE)
    for name in ("bucket", "count", "good_us", "mean", "low", "high", "start", "first", "last", "fall"):
        assert getattr(found, name).tobytes() == getattr(steps, name).tobytes(), name
    at_once = summed(samples, "1h", edges, FAR_FUTURE, LIVE, finest_us=HOUR_US)
    assert at_once.mean.tobytes() == rollup(samples, edges).mean.tobytes()
    assert at_once.mean.tolist() == pytest.approx(found.mean.tolist(), nan_ok=True)


def test_imported_times_begin_with_the_shortest_level_that_is_stored() -> None:
    holds = Holds((Stretch(DAY, 2 * DAY, 900_000_000, HOUR_US),))
    edges = np.array([DAY - HOUR_US, DAY, DAY + HOUR_US, 2 * DAY, 2 * DAY + HOUR_US])
    assert finest_of(holds, edges).tolist() == [MINUTE_US, HOUR_US, HOUR_US, MINUTE_US]


@pytest.mark.parametrize(
    ("level", "edges", "smaller"),
    [
        ("1m", [0, MINUTE_US], None),
        ("15m", [0, HOUR_US], "1m"),
        ("1h", [0, HOUR_US], "15m"),
        ("1d", [16 * HOUR_US, 40 * HOUR_US], "1h"),
        ("1d", [13 * HOUR_US + 30 * MINUTE_US, 37 * HOUR_US + 30 * MINUTE_US], "15m"),
    ],
)
def test_every_level_has_the_one_it_is_summed_from(level: str, edges: list[int], smaller: str | None) -> None:
    assert smaller_level(level, np.array(edges)) == smaller
