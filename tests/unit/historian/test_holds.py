"""How long values stand: a quarter of an hour at least, three scans of slow points, three intervals of a file."""

import numpy as np
import pytest

from cityhall_bms.historian.holds import LIVE, Holds, Stretch

MINUTE = 60_000_000
QUARTERS = Stretch(1000 * MINUTE, 2000 * MINUTE, 15 * MINUTE, 60 * MINUTE)
MINUTES = Stretch(3000 * MINUTE, 4000 * MINUTE, MINUTE, 15 * MINUTE)
FILES = Holds.of([MINUTES, QUARTERS])


def hold_min(holds: Holds, point: int, at_min: int) -> int:
    (end,) = holds.ends(np.array([point], np.uint32), np.array([at_min * MINUTE])).tolist()
    return int(end) // MINUTE - at_min


@pytest.mark.parametrize(("at", "hold"), [(999, 15), (1000, 45), (1999, 45), (2000, 15), (3000, 15)])
def test_values_of_an_imported_time_stand_for_three_intervals_and_never_less_than_others(at: int, hold: int) -> None:
    assert hold_min(FILES, 1, at) == hold


@pytest.mark.parametrize(
    ("interval_min", "hold"), [(1 / 60, 15), (5, 15), (6, 18), (15, 45), (60, 180), (24 * 60, 180)]
)
def test_values_of_a_slow_point_stand_for_three_scans_but_not_beyond_three_hours(
    interval_min: float, hold: int
) -> None:
    holds = Holds.of([], [(7, 30 * MINUTE), (4, round(interval_min * MINUTE))])

    assert [hold_min(holds, point, 0) for point in (3, 4, 5, 7, 8)] == [15, hold, 15, 90, 15]


def test_the_longer_hold_counts_where_a_slow_point_meets_a_file() -> None:
    holds = Holds.of([QUARTERS], [(4, 60 * MINUTE), (5, 10 * MINUTE)])

    assert [hold_min(holds, point, 1500) for point in (4, 5)] == [180, 45]


def test_the_oldest_value_that_may_stand_is_looked_for_as_far_back_as_one_may_reach() -> None:
    since = {at: FILES.since(at * MINUTE) // MINUTE for at in (500, 1000, 1020, 1500, 2020, 2044, 2045, 3500)}
    assert since == {500: 485, 1000: 985, 1020: 1000, 1500: 1455, 2020: 1975, 2044: 1999, 2045: 2030, 3500: 3485}

    slow = Holds.of([], [(4, 15 * MINUTE)])
    assert (slow.since(100 * MINUTE) // MINUTE, slow.since_without_slow(100 * MINUTE) // MINUTE) == (55, 85)
    assert LIVE.since(100 * MINUTE) // MINUTE == 85
