"""How long a dead unit may be waited for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.collector.bus import Bus


def test_while_nobody_has_answered_a_probe_gets_the_devices_own_time_out() -> None:
    assert Bus().probe_s(2.0) == 2.0


def test_a_probe_gets_four_times_what_the_bus_usually_takes_and_a_tenth_of_a_second_at_least() -> None:
    bus = Bus()
    bus.answered(10.0, 10.4, 4)
    assert bus.probe_s(2.0) == pytest.approx(0.4)
    quick = Bus()
    quick.answered(10.0, 10.004, 1)
    assert quick.probe_s(2.0) == 0.1


def test_a_probe_never_gets_more_than_the_devices_own_time_out() -> None:
    bus = Bus()
    bus.answered(0.0, 30.0, 1)
    assert bus.probe_s(2.0) == 2.0


@given(st.integers(2, 30), st.integers(1, 20), st.floats(0.03, 0.4))
def test_waiting_for_a_turn_behind_others_is_no_part_of_an_answer(units: int, questions: int, turn_s: float) -> None:
    bus = Bus()
    # A medium that is never idle: every unit asks again as soon as it was answered, and all of them wait for all.
    for scan in range(10 * units):
        ended_s = (scan + 1) * questions * turn_s
        bus.answered(max(ended_s - units * questions * turn_s, 0.0), ended_s, questions)
    assert bus.probe_s(1e9) == pytest.approx(max(4 * turn_s, 0.1))


def test_scans_that_share_the_medium_question_by_question_tell_the_same() -> None:
    bus = Bus()
    # A1 B1 A2 B2 A3 B3, 50 ms each, again and again.
    for at_s in range(50):
        bus.answered(at_s * 0.3, at_s * 0.3 + 0.25, 3)
        bus.answered(at_s * 0.3, at_s * 0.3 + 0.30, 3)
    assert bus.probe_s(2.0) == pytest.approx(0.2, rel=0.05)


def test_the_time_that_a_dead_unit_takes_is_not_that_of_an_answer() -> None:
    bus = Bus()
    bus.answered(0.0, 0.05, 1)
    bus.silent(2.05)
    bus.answered(0.05, 2.10, 1)  # it waited for its turn while the dead one was asked
    assert bus.probe_s(2.0) == pytest.approx(0.2)
