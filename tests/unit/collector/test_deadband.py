"""Which readings are news."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_driver import fake_point

from cityhall_bms.collector.deadband import Deadband
from cityhall_bms.domain.batch import Readings
from cityhall_bms.ports.driver import BoundPoint

S = 1_000_000
PLAIN = BoundPoint(1, fake_point(1, "D"))
NARROW = BoundPoint(2, fake_point(2, "D", deadband=0.5))
WIDE = BoundPoint(3, fake_point(3, "D", deadband=10.0))


def scan(at_s: float, values: dict[int, float], quality: int = 0) -> Readings:
    return Readings(
        np.array(list(values), np.uint32),
        np.full(len(values), round(at_s * S), np.int64),
        np.array(list(values.values())),
        np.full(len(values), quality, np.uint8),
    )


def record(deadband: Deadband, readings: Readings) -> list[list[int]]:
    parts = deadband.news(readings)
    for part in parts:
        deadband.recorded(part)
    return [part.point.tolist() for part in parts]


def test_without_any_deadband_every_scan_is_recorded_as_it_is() -> None:
    readings = scan(1, {1: 20.0})
    assert Deadband([PLAIN]).news(readings)[0] is readings


def test_the_first_reading_is_news() -> None:
    assert record(Deadband([PLAIN, NARROW, WIDE]), scan(1, {1: 20.0, 2: 20.0, 3: 20.0})) == [[1], [2, 3]]


def test_a_point_is_recorded_when_it_moved_by_more_than_its_deadband() -> None:
    deadband = Deadband([PLAIN, NARROW, WIDE])
    record(deadband, scan(1, {1: 20.0, 2: 20.0, 3: 20.0}))
    assert record(deadband, scan(2, {1: 20.0, 2: 20.5, 3: 29.0})) == [[1]]
    assert record(deadband, scan(3, {1: 20.0, 2: 20.6, 3: 30.0})) == [[1], [2]]


def test_a_slow_drift_is_recorded_since_only_what_was_recorded_counts() -> None:
    deadband = Deadband([NARROW])
    record(deadband, scan(0, {2: 20.0}))
    recorded = [step for step in range(1, 11) if record(deadband, scan(step, {2: 20.0 + 0.2 * step}))]
    assert recorded == [3, 6, 9]


def test_what_was_not_recorded_does_not_hide_the_next_one() -> None:
    deadband = Deadband([NARROW])
    record(deadband, scan(0, {2: 20.0}))
    assert deadband.news(scan(1, {2: 30.0}))
    # It was news but could not be recorded: the same value is news again.
    assert record(deadband, scan(2, {2: 30.0})) == [[2]]


def test_a_change_of_quality_passes_every_deadband() -> None:
    deadband = Deadband([WIDE])
    record(deadband, scan(0, {3: 20.0}))
    assert record(deadband, scan(1, {3: 20.0}, quality=0x86)) == [[3]]
    assert record(deadband, scan(2, {3: 20.0}, quality=0x86)) == []
    assert record(deadband, scan(3, {3: 20.0})) == [[3]]


def test_a_value_that_appears_or_disappears_is_news() -> None:
    deadband = Deadband([WIDE])
    record(deadband, scan(0, {3: float("nan")}, quality=0x81))
    assert record(deadband, scan(1, {3: 20.0}, quality=0x81)) == [[3]]
    assert record(deadband, scan(2, {3: float("nan")}, quality=0x81)) == [[3]]
    assert record(deadband, scan(3, {3: float("nan")}, quality=0x81)) == []


def test_a_quiet_point_is_recorded_before_it_looks_stale() -> None:
    # Stale is over max(3 scans, 60 s): a scan of 5 s is repeated after 20 s.
    deadband = Deadband([WIDE])
    recorded = [at for at in range(0, 121, 5) if record(deadband, scan(at + 1000, {3: 20.0}))]
    assert recorded == [0, 20, 40, 60, 80, 100, 120]


def test_a_quiet_point_is_recorded_although_the_clock_was_set_back() -> None:
    deadband = Deadband([NARROW])
    record(deadband, scan(7200, {2: 20.0}))
    assert record(deadband, scan(3600, {2: 20.0})) == [[2]]


def test_points_without_deadband_stay_a_set_and_the_others_are_a_chance_selection() -> None:
    whole, chance = Deadband([PLAIN, NARROW]).news(scan(0, {1: 1.0, 2: 2.0}))
    assert not whole.partial
    assert chance.partial


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80), st.floats(0.001, 1000))
def test_what_is_recorded_is_never_further_from_the_truth_than_the_deadband(values: list[float], width: float) -> None:
    deadband = Deadband([BoundPoint(9, fake_point(9, "D", deadband=width))])
    shown = None
    for step, value in enumerate(values):
        if record(deadband, scan(step, {9: value})):
            shown = value
        assert shown is not None
        assert abs(shown - value) <= width
