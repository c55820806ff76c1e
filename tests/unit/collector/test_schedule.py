"""Deadlines: absolute, spread, never drifting."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_driver import fake_point

from cityhall_bms.collector.schedule import TICK_S, Timetable, class_phase, on_tick, phase, scan_classes
from cityhall_bms.ports.driver import BoundPoint

PERIODS = st.lists(st.sampled_from([1.0, 2.0, 5.0, 10.0, 60.0]), min_size=1, max_size=4, unique=True)


def test_points_are_grouped_by_their_period_in_the_order_of_the_file() -> None:
    points = [BoundPoint(n, fake_point(n, "D", scan_s)) for n, scan_s in enumerate([5.0, 1.0, 5.0, 60.0, 1.0], 1)]
    classes = scan_classes(points)
    assert [(c.period_s, [b.point_id for b in c.points]) for c in classes] == [
        (1.0, [2, 5]),
        (5.0, [1, 3]),
        (60.0, [4]),
    ]


def test_a_phase_stays_the_same_for_ever() -> None:
    # Written down once: a change would move every device of every building.
    assert phase("AHU01") == pytest.approx(0.542030, abs=1e-6)


def test_many_devices_are_spread_evenly_over_a_period() -> None:
    tenths = [0] * 10
    for number in range(1000):
        tenths[int(phase(f"DEVICE{number}") * 10)] += 1
    assert min(tenths) > 60
    assert max(tenths) < 150


@given(PERIODS, st.lists(st.floats(0.001, 200.0), max_size=60), st.floats(0.0, 1e7))
def test_every_deadline_is_taken_once_or_counted_as_an_overrun(
    periods: list[float], waits: list[float], origin: float
) -> None:
    table = Timetable("AHU01", periods, origin)
    assert [due.index for due in table.take_due(origin)] == list(range(len(periods)))
    now, taken = origin, 0
    for wait in waits:
        now += wait
        for due in table.take_due(now):
            taken += 1
            assert 0 <= now - due.deadline_s <= periods[due.index] * (1 + 1e-6)
            steps = (due.deadline_s - origin) / periods[due.index] - class_phase("AHU01", periods[due.index])
            assert steps == pytest.approx(round(steps), abs=1e-3)
    elapsed = sum(math.floor((now - origin) / period - class_phase("AHU01", period)) + 1 for period in periods)
    assert taken + table.overruns == pytest.approx(elapsed, abs=1)
    assert table.next_due_s() > now - 1e-6


@given(PERIODS)
def test_reading_in_time_has_no_overruns_and_never_drifts(periods: list[float]) -> None:
    table = Timetable("LIFT02", periods, 1000.0)
    table.take_due(1000.0)
    seen: dict[int, list[float]] = {index: [] for index in range(len(periods))}
    for _ in range(300):
        now = table.next_due_s()
        for due in table.take_due(now + 0.0005):
            seen[due.index].append(due.deadline_s)
    assert table.overruns == 0
    for index, deadlines in seen.items():
        for number, deadline in enumerate(deadlines):
            assert deadline == pytest.approx(
                1000.0 + (class_phase("LIFT02", periods[index]) + number) * periods[index], abs=1e-6
            )


def test_a_scan_late_by_more_than_a_period_skips_what_it_missed() -> None:
    table = Timetable("D", [1.0], 0.0)
    table.take_due(0.0)
    first = table.next_due_s()
    (due,) = table.take_due(first + 3.5)
    assert due.deadline_s == first + 3.0
    assert table.overruns == 3
    assert table.next_due_s() == first + 4.0


def test_after_a_restart_everything_is_due_at_once_and_the_pause_is_no_overrun() -> None:
    table = Timetable("D", [1.0, 5.0], 0.0)
    table.take_due(0.0)
    table.restart(1000.5)
    assert [(due.index, due.deadline_s) for due in table.take_due(1000.5)] == [(0, 1000.5), (1, 1000.5)]
    assert 1000.5 < table.next_due_s() <= 1001.5
    assert table.overruns == 0


def test_a_device_without_points_is_never_due() -> None:
    table = Timetable("D", [], 0.0)
    table.take_due(0.0)
    assert table.next_due_s() == math.inf


def test_after_a_restart_just_before_a_deadline_the_device_is_not_read_twice() -> None:
    table = Timetable("D", [60.0], 0.0)
    deadline = 60.0 * (5 + class_phase("D", 60.0))
    table.restart(deadline - 1e-9)
    assert len(table.take_due(deadline - 1e-9)) == 1
    assert table.take_due(deadline) == []
    assert table.next_due_s() == pytest.approx(deadline + 60.0)


def test_scans_of_many_devices_fall_on_common_ticks_and_stay_spread() -> None:
    origins = [1_000.0 + 0.0007 * number for number in range(500)]
    tables = [Timetable(f"D{number}", [5.0], on_tick(origin)) for number, origin in enumerate(origins)]
    due = []
    for table, origin in zip(tables, origins, strict=True):
        table.take_due(origin)
        due.append(table.next_due_s())
    ticks = [at / TICK_S for at in due]
    assert ticks == pytest.approx([round(tick) for tick in ticks], abs=1e-3)
    assert len({round(tick) for tick in ticks}) > 200


def test_a_period_shorter_than_a_second_keeps_a_phase_of_its_own() -> None:
    phases = {class_phase(f"D{number}", 0.05) for number in range(100)}
    assert len(phases) == 100
