"""Floods seen as alarms ring are those that are found afterwards."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.annunciations import HOUR, MINUTE, SECOND, START

from cityhall_bms.domain.flood_watch import AlarmFloodBegan, AlarmFloodEnded, FloodEvent, FloodWatch
from cityhall_bms.domain.floods import floods

BURSTS = st.lists(st.tuples(st.integers(0, 90 * 60), st.integers(0, 25), st.integers(1, 60)), max_size=8).map(
    lambda bursts: sorted(START + (start + step * n) * SECOND for start, count, step in bursts for n in range(count))
)


def test_the_eleventh_ring_begins_a_flood_and_time_alone_ends_it() -> None:
    watch = FloodWatch()
    rang = [START + 30 * n * SECOND for n in range(11)]

    assert list(watch.advance(rang, rang[-1])) == [AlarmFloodBegan(START + 300 * SECOND, START, 11)]
    assert list(watch.advance([], START + 779 * SECOND)) == []
    assert list(watch.advance([], START + 780 * SECOND)) == [
        AlarmFloodEnded(START + 780 * SECOND, START + 300 * SECOND, 11, 11)
    ]


@given(BURSTS, st.lists(st.integers(0, 150), max_size=6).map(sorted))
def test_looking_often_or_once_finds_the_floods_of_the_record(rang: list[int], looks: list[int]) -> None:
    watch = FloodWatch()
    seen: list[FloodEvent] = []
    given_until = 0
    for minute in (*looks, 150):
        now = START + minute * MINUTE
        seen += watch.advance([time for time in rang if given_until < time <= now], now)
        given_until = now

    expected: list[FloodEvent] = []
    for flood in floods(np.array(rang, np.int64), START + 150 * MINUTE):
        count = sum(flood.began - 10 * MINUTE < time <= flood.began for time in rang)
        expected.append(AlarmFloodBegan(flood.began, flood.first_ring, count))
        if flood.ended is not None:
            expected.append(AlarmFloodEnded(flood.ended, flood.began, flood.total, flood.peak))
    assert seen == expected


def test_a_flood_of_a_quarter_of_a_million_is_watched_in_the_memory_of_ten_minutes() -> None:
    watch = FloodWatch()
    step = HOUR // 250_000

    list(watch.advance((START + n * step for n in range(250_000)), START + HOUR))

    assert len(watch.recent) <= 250_000 // 6 + 1
    assert watch.total == 250_000


def test_rings_that_are_recorded_out_of_order_stay_in_the_order_of_the_log() -> None:
    watch = FloodWatch()

    list(watch.advance([START + SECOND, START, START + 2 * SECOND], START + 3 * SECOND))

    assert list(watch.recent) == [START + SECOND, START + SECOND, START + 2 * SECOND]
