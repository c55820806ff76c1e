"""How long values stand: a quarter of an hour live, three intervals in what was imported."""

import numpy as np

from cityhall_bms.historian.holds import Holds, Stretch

MINUTE = 60_000_000
QUARTERS = Stretch(1000 * MINUTE, 2000 * MINUTE, 15 * MINUTE, 60 * MINUTE)
MINUTES = Stretch(3000 * MINUTE, 4000 * MINUTE, MINUTE, 15 * MINUTE)
HOLDS = Holds.of_stretches([MINUTES, QUARTERS])


def test_values_of_an_imported_time_stand_for_three_intervals_and_never_less_than_live_ones() -> None:
    minutes = [999, 1000, 1999, 2000, 3000]

    holds = HOLDS.us(np.array(minutes) * MINUTE) // MINUTE

    assert holds.tolist() == [15, 45, 45, 15, 15]


def test_the_oldest_value_that_may_stand_is_looked_for_as_far_back_as_an_imported_one_may_reach() -> None:
    since = {at: HOLDS.since(at * MINUTE) // MINUTE for at in (500, 1000, 1020, 1500, 2020, 2044, 2045, 3500)}

    assert since == {500: 485, 1000: 985, 1020: 1000, 1500: 1455, 2020: 1975, 2044: 1999, 2045: 2030, 3500: 3485}
