"""The running quarter hour: what it took, what it will come to, and when nobody can say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall_bms.domain.energy.demand import (
    WINDOW_US,
    DemandTrack,
    Heard,
    MeterColumns,
    forecast_kw,
    window_begin,
)

SECOND = 1_000_000
MINUTE = 60 * SECOND
BEGIN = 1_782_864_000_000_000
"""2026-07-01 00:00 UTC, a quarter by the clock."""


def meters(*, counter: bool = False, power: bool = True, count: int = 1) -> MeterColumns:
    return MeterColumns(
        np.full(count, 8000.0), np.full(count, MINUTE), np.full(count, power), np.full(count, counter)
    )  # fmt: skip


def heard(power: float = math.nan, at: int = 0, counter: float = math.nan, counted_at: int = 0) -> Heard:
    return Heard(np.array([power]), np.array([at]), np.array([counter]), np.array([counted_at]))


@pytest.mark.parametrize(
    ("so_far_kwh", "power_kw", "elapsed_s", "expected_kw"),
    [
        (0.0, 4000.0, 0.0, 4000.0),
        (500.0, 4000.0, 450.0, 4000.0),
        (1000.0, 5000.0, 720.0, 5000.0),
        (1187.5, 9999.0, 900.0, 4750.0),
        (1000.0, 0.0, 600.0, 4000.0),
    ],
)
def test_the_forecast_is_what_was_taken_and_the_trend_for_the_rest(
    so_far_kwh: float, power_kw: float, elapsed_s: float, expected_kw: float
) -> None:
    # D = (E + P_3min x (900 - t) / 3600) / 0.25
    [found] = forecast_kw(np.array([so_far_kwh]), np.array([power_kw]), elapsed_s)
    assert found == pytest.approx(expected_kw)


def test_a_moment_on_the_edge_belongs_to_the_window_that_it_begins() -> None:
    assert window_begin(BEGIN) == BEGIN
    assert window_begin(BEGIN - 1) == BEGIN - WINDOW_US
    track = DemandTrack(meters(), BEGIN)
    for second in range(901):
        at = BEGIN + second * SECOND
        track.step(at, heard(1000.0 if second < 450 else 3000.0, at))
    now = track.now()
    assert (now.begin, now.elapsed_s) == (BEGIN + WINDOW_US, 0.0)
    assert now.last_kw[0] == pytest.approx(2000.0, rel=2e-3)
    assert now.so_far_kwh[0] == 0.0
    assert now.forecast_kw[0] == pytest.approx(3000.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 55), st.floats(0.0, 6000.0)), min_size=40, max_size=90), st.integers(1, 9))
def test_energy_is_that_of_samples_that_stand_until_the_next_one(steps: list[tuple[int, float]], tick: int) -> None:
    times = BEGIN + np.cumsum([step for step, _ in steps]) * SECOND
    values = np.array([value for _, value in steps])
    track = DemandTrack(meters(), BEGIN)
    end = int(times[-1])
    for at in range(BEGIN + tick * SECOND, end, tick * SECOND):
        place = int(np.searchsorted(times, at, "right")) - 1
        track.step(at, heard(values[place], int(times[place])) if place >= 0 else heard())
    now = track.now()
    # Slow reference: second by second. A tick knows only the newest sample: others within it were not heard.
    heard_at = {int(np.searchsorted(times, at, "right")) - 1 for at in range(BEGIN + tick * SECOND, end, tick * SECOND)}
    known = [place for place in sorted(heard_at) if place >= 0]
    energy = 0.0
    for this, following in zip(known, [*known[1:], None], strict=True):
        stop = now.at if following is None else int(times[following])
        stop = min(stop, now.at, int(times[this]) + MINUTE)
        energy += values[this] * max(stop - max(int(times[this]), now.begin), 0) / 3.6e9
    if not math.isnan(now.so_far_kwh[0]):
        assert now.so_far_kwh[0] * max(now.coverage[0], 1e-9) == pytest.approx(energy, abs=1e-6, rel=1e-6)


def test_silence_is_unknown_and_never_zero() -> None:
    track = DemandTrack(meters(), BEGIN)
    for second in range(0, 600, 5):
        at = BEGIN + second * SECOND
        track.step(at, heard(1000.0, min(at, BEGIN + 300 * SECOND)))
    now = track.now()
    assert math.isnan(now.forecast_kw[0])
    assert math.isnan(now.so_far_kwh[0])
    assert now.coverage[0] == pytest.approx(360 / 595, abs=0.01)
    track.step(BEGIN + 901 * SECOND, heard(1000.0, BEGIN + 901 * SECOND))
    assert math.isnan(track.now().last_kw[0])


def test_a_fine_counter_has_the_last_word_also_across_the_edge_of_a_window() -> None:
    track = DemandTrack(meters(counter=True), BEGIN)
    # The power is measured ten per cent too low; the counter tells 2000 kW, read once a minute off the edge.
    for second in range(0, 931, 5):
        at = BEGIN + second * SECOND
        read = max((second - 10) // 60 * 60 + 10, 0)
        counter = 5000.0 + 2000.0 * read / 3600.0 if second >= 10 else math.nan
        track.step(at, heard(1800.0, at, counter, BEGIN + read * SECOND if second >= 10 else 0))
    now = track.now()
    assert now.last_kw[0] == pytest.approx(2000.0, rel=0.003)
    assert now.so_far_kwh[0] == pytest.approx(2000.0 * 30 / 3600, rel=0.1)


@pytest.mark.parametrize("leap_kwh", [-4000.0, 250_000.0])
def test_a_counter_that_leaps_makes_no_spike_and_no_hole(leap_kwh: float) -> None:
    track = DemandTrack(meters(counter=True), BEGIN)
    for second in range(0, 901, 10):
        at = BEGIN + second * SECOND
        counter = 5000.0 + 2000.0 * second / 3600.0 + (leap_kwh if second >= 400 else 0.0)
        track.step(at, heard(2000.0, at, counter, at))
    assert track.now().last_kw[0] == pytest.approx(2000.0, rel=1e-6)


def test_a_counter_alone_tells_the_power_between_its_readings() -> None:
    track = DemandTrack(meters(counter=True, power=False), BEGIN)
    for second in range(0, 1400, 10):
        at = BEGIN + second * SECOND
        track.step(at, heard(math.nan, 0, 3.0 + 1200.0 * second / 3600.0, at))
    now = track.now()
    assert now.power_kw[0] == pytest.approx(1200.0)
    assert now.forecast_kw[0] == pytest.approx(1200.0)


def test_after_a_restart_history_says_what_the_window_took_so_far() -> None:
    begin = BEGIN - 5 * MINUTE
    edges = np.arange(begin, BEGIN + 7 * MINUTE + 1, MINUTE)
    track = DemandTrack(meters(), begin)
    track.replay(edges, np.full((1, 12), 3000.0), np.ones((1, 12)))
    now = track.now()
    assert (now.begin, now.elapsed_s) == (BEGIN, 420.0)
    assert now.so_far_kwh[0] == pytest.approx(3000.0 * 420 / 3600)
    assert now.forecast_kw[0] == pytest.approx(3000.0)


def test_a_total_does_not_say_what_one_of_its_parts_does_not_know() -> None:
    track = DemandTrack(meters(count=2), BEGIN)
    for second in range(0, 400, 10):
        at = BEGIN + second * SECOND
        both = Heard(np.array([100.0, 50.0]), np.array([at, at]), *(np.full(2, math.nan), np.zeros(2, np.int64)))
        track.step(at, both)
    now = track.now()
    total = now.summed(np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 0.0]]))
    assert total.forecast_kw == pytest.approx([150.0, 50.0, 100.0])
    now.forecast_kw[1] = math.nan
    total = now.summed(np.array([[1.0, 1.0], [1.0, 0.0]]))
    assert math.isnan(total.forecast_kw[0])
    assert total.forecast_kw[1] == pytest.approx(100.0)
