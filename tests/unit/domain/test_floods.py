"""A flood begins with the eleventh ring within ten minutes and is over below five, as EEMUA 191 has it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.annunciations import MINUTE, SECOND, START

from cityhall_bms.domain.floods import Flood, floods, peak

BURSTS = st.lists(st.tuples(st.integers(0, 90 * 60), st.integers(0, 25), st.integers(1, 60)), max_size=8).map(
    lambda bursts: sorted(start + step * number for start, count, step in bursts for number in range(count))
)


def rang(seconds: list[int]) -> np.ndarray:
    return np.array(sorted(START + second * SECOND for second in seconds), np.int64)


def slowly(times: list[int], until: int) -> list[Flood]:
    """The rule word by word, second by second."""
    found: list[Flood] = []
    begun, most = None, 0
    for now in range(START, until + 1, SECOND):
        recent = [time for time in times if now - 10 * MINUTE < time <= now]
        if begun is None and len(recent) > 10:
            begun, first, most = now, recent[0], 0
        if begun is not None:
            most = max(most, len(recent))
            if len(recent) < 5:
                found.append(Flood(begun, now, first, sum(first <= time <= now for time in times), most))
                begun = None
    if begun is not None:
        found.append(Flood(begun, None, first, sum(first <= time <= until for time in times), most))
    return found


def test_ten_rings_in_ten_minutes_are_no_flood_and_eleven_are() -> None:
    assert floods(rang([30 * n for n in range(10)]), START + 60 * MINUTE) == []

    [flood] = floods(rang([30 * n for n in range(11)]), START + 60 * MINUTE)

    assert (flood.began, flood.first_ring, flood.total, flood.peak) == (START + 300 * SECOND, START, 11, 11)


def test_a_flood_lasts_until_fewer_than_five_rang_in_ten_minutes() -> None:
    # The seventh of eleven rings at 180 s leaves the ten minutes at 780 s: four are left.
    [flood] = floods(rang([30 * n for n in range(11)]), START + 60 * MINUTE)

    assert flood.ended == START + (180 + 600) * SECOND
    assert flood.lasted_s(START + 60 * MINUTE) == 480.0


def test_a_flood_that_is_not_over_has_no_end() -> None:
    [flood] = floods(rang([10 * n for n in range(20)]), START + 5 * MINUTE)

    assert flood.ended is None
    assert flood.lasted_s(START + 5 * MINUTE) == 200.0


@given(BURSTS)
def test_floods_are_those_of_the_rule_word_by_word(seconds: list[int]) -> None:
    until = START + 130 * MINUTE

    assert floods(rang(seconds), until) == slowly([int(time) for time in rang(seconds)], until)


@given(BURSTS, st.integers(0, 130 * 60))
def test_what_is_known_of_a_flood_only_grows(seconds: list[int], second: int) -> None:
    """Floods that are over at some time are the same when they are asked for later."""
    times = rang(seconds)
    early = floods(times, START + second * SECOND)
    late = floods(times, START + 130 * MINUTE)

    assert [flood for flood in early if flood.ended is not None] == late[: sum(f.ended is not None for f in early)]
    assert [flood.began for flood in early] == [flood.began for flood in late[: len(early)]]


@given(BURSTS)
def test_the_peak_is_the_most_within_any_ten_minutes(seconds: list[int]) -> None:
    times = rang(seconds)
    within = [sum(time - 10 * MINUTE < other <= time for other in times) for time in times]

    assert peak(times, START) == max(within, default=0)
