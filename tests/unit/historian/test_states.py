"""Time in state, against the slow way: one sample, one interval after the other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.holds import HOLD_MIN_US, LIVE
from cityhall_bms.historian.rollups import rollup
from cityhall_bms.historian.states import Stood, by_value, constant, known_s, stood, while_true
from cityhall_bms.ports.queries import Condition

MINUTE = 60_000_000
EDGES = np.arange(0, 121 * MINUTE, 10 * MINUTE)

Row = tuple[int, float, int]
rows_of_a_point = st.lists(
    st.tuples(
        st.integers(-30 * MINUTE, 130 * MINUTE),
        st.sampled_from([0.0, 1.0, 2.0, 7.5, math.nan]),
        st.sampled_from([0, 0, 0, 0x41, 0x81]),
    ),
    max_size=25,
    unique_by=lambda row: row[0],
)


def samples_of(rows: list[Row]) -> Samples:
    rows = sorted(rows)
    return Samples(
        np.full(len(rows), 7, np.uint32),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.float64),
        np.array([row[2] for row in rows], np.uint8),
    )


def slowly(rows: list[Row], present: int) -> dict[tuple[int, float], int]:
    """µs by interval and value."""
    found: dict[tuple[int, float], int] = {}
    rows = sorted(rows)
    for number, (at, value, quality) in enumerate(rows):
        if quality >= 0x40 or math.isnan(value):
            continue
        following = rows[number + 1][0] if number + 1 < len(rows) else 10**18
        end = min(following, at + HOLD_MIN_US, present)
        for begin in EDGES[:-1].tolist():
            inside = min(end, begin + 10 * MINUTE) - max(at, begin)
            if inside > 0:
                found[begin, value] = found.get((begin, value), 0) + inside
    return found


@given(rows_of_a_point, st.sampled_from([45 * MINUTE, 10**17]))
def test_every_second_of_good_time_is_counted_once_for_the_value_that_stood(rows: list[Row], present: int) -> None:
    expected = slowly(rows, present)
    pieces = stood(samples_of(rows), EDGES, present, LIVE)
    values, seconds = by_value(pieces, EDGES)
    for row, value in enumerate(values):
        for column, begin in enumerate(EDGES[:-1].tolist()):
            assert seconds[row, column] * 1e6 == pytest.approx(expected.pop((begin, value), 0))
    assert not expected
    assert known_s(pieces, EDGES).tolist() == pytest.approx(seconds.sum(axis=0).tolist())


@given(rows_of_a_point, st.sampled_from([Condition((1.0, 2.0)), Condition(above=1.0), Condition(above=0.5, below=7.0)]))
def test_what_a_total_says_already_is_what_the_samples_say(rows: list[Row], condition: Condition) -> None:
    samples = samples_of(rows)
    pieces = stood(samples, EDGES, 10**17, LIVE)
    totals = rollup(samples, EDGES)
    clear = constant(totals, condition)
    told = Stood(totals.bucket[clear], totals.low[clear], totals.good_us[clear])
    unclear = np.isin(pieces.at, totals.bucket[~clear])
    rest = Stood(pieces.at[unclear], pieces.value[unclear], pieces.duration[unclear])
    both = Stood.join(told, rest)
    assert while_true(both, EDGES, condition).tolist() == while_true(pieces, EDGES, condition).tolist()


def test_a_measured_value_has_too_many_states_to_tell_apart() -> None:
    rows = [(number * MINUTE, number / 3, 0) for number in range(100)]
    with pytest.raises(RefusedError, match="above"):
        by_value(stood(samples_of(rows), EDGES, 10**17, LIVE), EDGES)
