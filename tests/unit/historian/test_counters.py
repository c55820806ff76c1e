"""What a counter counted, against a meter whose consumption is known; pains 23 and 24 of those we answer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.counters import Decision, StepKind, StepState
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.counter_examination import Stretch, examine
from cityhall_bms.historian.counters import (
    RETURNS_WITHIN,
    Exchange,
    Register,
    Step,
    Steps,
    Watch,
    Words,
    corrected,
    find_steps,
    registers_of,
)
from cityhall_bms.historian.rollups import rollup

MINUTE = 60_000_000
HOUR = 60 * MINUTE
T0 = 1_782_864_000_000_000
RATED = Register(1000.0, 1.2 * 60.0 / 3.6e9)
"""Three digits, and at most one count a minute."""
UNKNOWN = Register()
WHOLE = {"whole_before": True, "whole_after": True}


def steps_of(
    values: Sequence[float], register: Register = RATED, words: Words | None = None
) -> list[tuple[int, StepKind, StepState, float]]:
    """Steps of readings a minute apart: minute, kind, state, and what is counted."""
    at = T0 + MINUTE * np.arange(len(values))
    found = find_steps(at, np.array(values, np.float64), register, words or Words())
    return [((s.at - T0) // MINUTE, s.kind, s.state, round(s.counted, 9)) for s in found]


def test_a_counter_that_only_counts_needs_no_correction() -> None:
    assert steps_of([10, 10, 10.5, 11.5, 12]) == []


def test_pain_24_a_rollover_counts_on_from_zero() -> None:
    assert steps_of([998.5, 999.5, 0.25, 1, 2, 3]) == [(2, StepKind.ROLLOVER, StepState.SETTLED, 0.75)]


def test_pain_24_a_reset_counts_what_was_counted_since() -> None:
    assert steps_of([500, 501, 0.5, 1, 2, 3]) == [(2, StepKind.RESET, StepState.SETTLED, 0.5)]


@pytest.mark.parametrize("zeros", range(1, RETURNS_WITHIN + 1))
def test_pain_24_a_glitch_zero_counts_nothing_and_what_follows_goes_on_from_before(zeros: int) -> None:
    found = steps_of([500, 501, *[0] * zeros, 502, 503, 503, 503])

    assert [kind for _, kind, _, _ in found] == [StepKind.GLITCH] * zeros + [StepKind.RETURN]
    assert [counted for *_, counted in found] == [0.0] * zeros + [1.0]


def test_pain_24_a_jump_that_is_taken_back_is_a_glitch_too() -> None:
    assert sum(counted for *_, counted in steps_of([500, 501, 65535, 502, 503, 503, 503])) == 1.0


def test_pain_24_more_than_the_rating_allows_is_in_quarantine_and_counts_nothing() -> None:
    assert steps_of([500, 501, 900, 901, 902, 903]) == [(2, StepKind.SPIKE, StepState.QUARANTINED, 0.0)]


def test_pain_24_a_fall_to_no_beginning_is_in_quarantine() -> None:
    assert steps_of([500, 501, 300, 301, 302, 303]) == [(2, StepKind.DROP, StepState.QUARANTINED, 0.0)]


@pytest.mark.parametrize(
    ("decision", "state", "counted"),
    [
        (Decision.ACCEPT, StepState.ACCEPTED, 399.0),
        (Decision.REJECT, StepState.REJECTED, 0.0),
        (Decision.EXCHANGE, StepState.EXCHANGED, 0.0),
    ],
)
def test_pain_24_an_operator_decides_about_quarantine(decision: Decision, state: StepState, counted: float) -> None:
    words = Words(decisions={T0 + 2 * MINUTE: decision})

    assert steps_of([500, 501, 900, 901, 902, 903], words=words) == [(2, StepKind.SPIKE, state, counted)]


def test_an_accepted_fall_counts_from_zero() -> None:
    words = Words(decisions={T0 + 2 * MINUTE: Decision.ACCEPT})

    assert steps_of([500, 501, 300, 301, 302, 303], words=words)[0][3] == 300.0


@pytest.mark.parametrize("minutes_off", [-40, -1, 0, 30])
def test_pain_24_an_exchange_counts_what_both_meters_counted(minutes_off: int) -> None:
    values = [*np.linspace(440, 500, 61), 7.5, *np.linspace(8, 68, 61)]
    at = T0 + 61 * MINUTE + minutes_off * MINUTE - 1
    words = Words((Exchange(at, last_old=500.25, first_new=7.0),))

    assert steps_of(values, words=words) == [(61, StepKind.EXCHANGE, StepState.SETTLED, 0.75)]


def test_an_exchange_whose_readings_do_not_fit_waits_for_a_decision() -> None:
    words = Words((Exchange(T0 + 2 * MINUTE - 1, last_old=800.0, first_new=7.0),))

    assert steps_of([500, 501, 7.5, 8, 9, 10], words=words) == [(2, StepKind.EXCHANGE, StepState.QUARANTINED, 0.0)]


def test_the_last_readings_wait_for_what_follows() -> None:
    found = steps_of([500, 501, 0, 0.5])

    assert [(state, counted) for _, _, state, counted in found] == [(StepState.PENDING, 0.0), (StepState.PENDING, 0.0)]


def test_backwards_by_a_rounding_counts_nothing_and_bothers_nobody() -> None:
    assert steps_of([500, 501, 500.5, 500.5, 500.5, 500.5]) == [(2, StepKind.BACKSTEP, StepState.SETTLED, 0.0)]


def test_of_a_counter_whose_rating_nobody_knows_a_fall_near_zero_is_a_reset() -> None:
    assert steps_of([500, 501, 40, 41, 42, 43], UNKNOWN) == [(2, StepKind.RESET, StepState.SETTLED, 40.0)]
    assert steps_of([500, 501, 60, 61, 62, 63], UNKNOWN) == [(2, StepKind.DROP, StepState.QUARANTINED, 0.0)]


def test_registers_are_told_by_encoding_declaration_and_the_units_greatest_power() -> None:
    float32, uint16 = ({"type": name, "scale": 0.1} for name in ("float32", "uint16"))
    meter: dict[str, object] = {"equipment": "EM01", "kind": "CI", "unit": "kWh", "encoding": uint16}
    points: dict[int, dict[str, object]] = {
        1: meter,
        2: meter | {"encoding": float32, "rollover": 1_000_000.0},
        3: {"equipment": "EM01", "kind": "AI", "unit": "kW", "low": 0.0, "high": 90.0, "encoding": float32},
        4: {"equipment": "WM01", "kind": "CI", "unit": "m³", "encoding": float32},
        5: {"equipment": "EOL01", "kind": "CI", "unit": "ts", "encoding": float32},
    }

    found = registers_of(points)

    assert sorted(found) == [1, 2, 4]
    assert found[1].size == pytest.approx(6553.6)
    assert found[2].size == 1_000_000.0
    assert found[1].most(3.6e9) == pytest.approx(1.2 * 90.0 * 61 / 60)
    assert found[4] == Register(math.inf, math.inf)


# Histories of a meter whose consumption is known.


@dataclass
class Meter:
    """Readings a minute apart of what was consumed; ``total`` is consumed by the time of each sample."""

    at: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    minute: int = 0
    consumed: float = 0.0
    register: float = 0.0

    def count(self, amount: float) -> None:
        self.minute += 1
        self.consumed += amount
        self.register += amount

    def tell(self, value: float | None = None) -> None:
        self.register %= RATED.size
        self.at.append(T0 + self.minute * MINUTE)
        self.value.append(self.register if value is None else value)
        self.total.append(self.consumed)


AMOUNTS = st.integers(0, 8).map(lambda eighths: eighths / 8)
"""Counts in a minute: exact in binary, so that sums are."""
EVENTS = st.sampled_from(["silence", "glitch", "jump", "reset", "exchange"])


@st.composite
def meters(draw: st.DrawFn) -> Meter:
    """Quiet counting, interrupted by everything that happens to meters, never twice within a few readings."""
    meter = Meter(register=draw(st.sampled_from([20.0, 400.0, 990.0])))
    meter.tell()
    for _ in range(draw(st.integers(1, 6))):
        for amount in draw(st.lists(AMOUNTS, min_size=5, max_size=12)):
            meter.count(amount)
            meter.tell()
        _interrupt(draw, meter, draw(EVENTS))
    for amount in (*draw(st.lists(AMOUNTS, max_size=4)), *[0.0] * (RETURNS_WITHIN + 1)):
        meter.count(amount)  # at last nothing: what happens to the last readings would wait for what follows
        meter.tell()
    return meter


def _interrupt(draw: st.DrawFn, meter: Meter, event: str) -> None:
    if event == "silence":
        for _ in range(draw(st.integers(1, 40))):
            meter.count(draw(AMOUNTS))
    elif event in {"glitch", "jump"} and 50 < meter.register < 900:
        for _ in range(draw(st.integers(1, RETURNS_WITHIN))):
            meter.count(0.0)
            meter.tell(0.0 if event == "glitch" else 65535.0)
    elif event == "reset" and 10 < meter.register < 900:  # just before its end it would look like a rollover
        meter.register = 0.0
    elif event == "exchange" and meter.register > 10:
        before = draw(st.sampled_from([0.0, 0.125]))
        first_new = float(draw(st.sampled_from([0, 7, 700])))
        meter.consumed += before
        meter.exchanges.append(Exchange(T0 + meter.minute * MINUTE + 1, meter.register + before, first_new))
        meter.register = first_new


def deltas(meter: Meter, edges: np.ndarray, steps: Sequence[Step]) -> np.ndarray:
    count = len(meter.at)
    samples = Samples(
        np.full(count, 7, np.uint32),
        np.array(meter.at),
        np.array(meter.at),
        np.array(meter.value),
        np.zeros(count, np.uint8),
    )
    rows = rollup(samples, edges)
    return corrected(rows, edges, Steps.of((7, step) for step in steps))


@given(meters(), st.lists(st.integers(0, 200), max_size=8))
def test_pain_24_the_deltas_of_any_intervals_sum_up_to_what_was_consumed(meter: Meter, cuts: list[int]) -> None:
    at, value = np.array(meter.at), np.array(meter.value)
    steps = find_steps(at, value, RATED, Words(tuple(meter.exchanges)))
    last = meter.minute + 1
    edges = T0 + MINUTE * np.unique([0, last, *(cut for cut in cuts if cut < last)])

    found = deltas(meter, edges, steps)
    # What was consumed in a silence longer than a value stands belongs to no interval that does not hold it whole.
    lost = sum(
        after - before
        for begin, end, before, after in zip(meter.at, meter.at[1:], meter.total, meter.total[1:], strict=False)
        if any(begin < edge <= end and edge - begin >= 15 * MINUTE for edge in edges.tolist())
    )

    assert np.nansum(found) == meter.total[-1] - meter.total[0] - lost
    assert not (found < 0).any()


@given(meters(), st.data())
def test_pain_24_steps_found_as_samples_come_late_and_twice_are_those_found_at_once(
    meter: Meter, data: st.DataObject
) -> None:
    """A store of steps that looks again only at what changed, in any order, ends where one look at all does."""
    at, value = np.array(meter.at), np.array(meter.value)
    words = Words(tuple(meter.exchanges))
    order = data.draw(st.permutations(range(len(at))), label="order of arrival")
    known = np.zeros(len(at), np.bool_)
    standing: list[Step] = []
    end = int(at[-1]) + 1
    for size in (len(order) // 2, len(order) // 3, len(order)):
        part, order = order[:size], order[size:]
        for first in range(0, len(part), 7):
            chosen = sorted(part[first : first + 7])
            known[chosen] = True
            standing = _look_again(at[known], value[known], words, standing, at[chosen], end)

    assert standing == find_steps(at, value, RATED, words)


def _look_again(
    at: np.ndarray, value: np.ndarray, words: Words, standing: list[Step], changed: np.ndarray, end: int
) -> list[Step]:
    window = int(changed[0]), int(changed[-1]) + 1
    for exchange in words.exchanges:
        if window[0] - HOUR <= exchange.at <= window[1] + HOUR:
            window = min(window[0], exchange.at - HOUR), max(window[1], exchange.at + HOUR + 1)
    found = examine(Stretch(at, value, **WHOLE), RATED, words, standing, window, end)
    assert found is not None
    kept = [step for step in standing if not found.after < step.at <= found.through]
    return sorted([*kept, *found.steps], key=lambda step: step.at)


def test_a_late_sample_turns_a_reset_before_it_into_a_glitch() -> None:
    at = T0 + np.array([0, 60, 120, 150, 180, 240, 300, 360]) * 1_000_000
    value = np.array([500.0, 501.0, 0.5, 502.0, 1.0, 1.5, 2.0, 2.5])
    on_time = np.array([True, True, True, False, True, True, True, True])
    end = int(at[-1]) + 1
    standing = find_steps(at[on_time], value[on_time], RATED)
    assert [step.kind for step in standing] == [StepKind.RESET]

    found = _look_again(at, value, Words(), standing, at[~on_time], end)

    assert [step.kind for step in found] == [StepKind.GLITCH, StepKind.RETURN, StepKind.RESET]
    assert found == find_steps(at, value, RATED)


@given(meters())
def test_a_watch_over_minutes_misses_no_counter_that_does_something_odd(meter: Meter) -> None:
    at, value = np.array(meter.at), np.array(meter.value)
    count = len(at)
    edges = T0 + MINUTE * np.arange(meter.minute + 2)
    samples = Samples(np.full(count, 7, np.uint32), at, at, value, np.zeros(count, np.uint8))

    odd = Watch.of({7: RATED}).odd(rollup(samples, edges).select(slice(1, None)))

    assert odd.tolist() == [7] or not find_steps(at, value, RATED, Words())
