"""Windows say what comes of looking at the whole past again at every step."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.expression_bench import COUNTED_MAX_US, START_US, Bench, ticks

from cityhall_bms.domain.units import Measure
from cityhall_bms.rules.language.kinds import Kind
from cityhall_bms.rules.language.scope import Scope

BUCKETS = 60


@dataclass(frozen=True)
class Seen:
    """A step: its time, the value then, the value before (last known) and the time that counts with it."""

    at: int
    value: float
    before: float
    was_known: bool
    counted: float


@dataclass(frozen=True)
class Past:
    """Steps of one row that lie in the window, oldest first."""

    steps: Sequence[Seen]
    width_us: int
    now: Seen

    @property
    def known_us(self) -> float:
        return sum(step.counted for step in self.steps)


def whole_past(values: Sequence[float], times: Sequence[int], window_us: int) -> Past:
    width = window_us // BUCKETS
    steps: list[Seen] = []
    before, was_known, last_at = math.nan, False, 0
    for at, value in zip(times, values, strict=True):
        known = not math.isnan(value)
        counted = float(min(at - last_at, COUNTED_MAX_US)) if known and was_known and last_at else 0.0
        steps.append(Seen(at, value, before, was_known, counted))
        before, was_known, last_at = value if known else before, known, at
    newest = times[-1] // width
    return Past([step for step in steps if step.at // width > newest - BUCKETS], width, steps[-1])


def mean(past: Past) -> float:
    return sum(step.before * step.counted for step in past.steps if step.counted) / past.known_us


def deviation(past: Past) -> float:
    middle = mean(past)
    square = sum((step.before - middle) ** 2 * step.counted for step in past.steps if step.counted)
    return math.sqrt(square / past.known_us)


def extreme(choose: Callable[[list[float]], float]) -> Callable[[Past], float]:
    def of(past: Past) -> float:
        held = [step.before for step in past.steps if step.counted]
        return choose(held + [step.value for step in past.steps if not math.isnan(step.value)])

    return of


def first(past: Past) -> Seen:
    return next(step for step in past.steps if not math.isnan(step.value))


def difference(past: Past) -> float:
    return past.now.value - first(past).value


def rate(past: Past) -> float:
    return difference(past) * 3.6e9 / (past.now.at - first(past).at)


def tally(worth: Callable[[Seen], float]) -> Callable[[Past], float]:
    return lambda past: sum(worth(step) for step in past.steps if not math.isnan(step.value + step.before))


def middle(past: Past) -> float:
    newest = past.now.at // past.width_us
    buckets: dict[int, list[Seen]] = {}
    for step in past.steps:
        if step.counted and step.at // past.width_us < newest:
            buckets.setdefault(step.at // past.width_us, []).append(step)
    means = [sum(s.before * s.counted for s in steps) / sum(s.counted for s in steps) for steps in buckets.values()]
    return median(means)


CASES: dict[str, Callable[[Past], float]] = {
    "avg(A, 3 min)": mean,
    "stddev(A, 3 min)": deviation,
    "min(A, 3 min)": extreme(min),
    "max(A, 3 min)": extreme(max),
    "delta(A, 3 min)": difference,
    "rate(A, 3 min)": rate,
    "changes(A, 3 min)": tally(lambda step: float(step.value != step.before)),
    "count(A > 2, 3 min)": tally(lambda step: float(step.value > 2 and not step.before > 2)),
    "share(A > 2, 3 min)": lambda past: (
        sum(s.counted for s in past.steps if s.counted and s.before > 2) / past.known_us
    ),
    "median(A, 3 min)": middle,
}
NEEDS_NOW = {"delta(A, 3 min)", "rate(A, 3 min)"}
histories = st.lists(
    st.tuples(st.floats(0.5, 25).map(lambda s: round(s, 1)), st.sampled_from([0.0, 1.0, 2.5, 4.0, 7.0, math.nan])),
    min_size=1, max_size=120,
)  # fmt: skip


@pytest.mark.parametrize("text", CASES)
@settings(max_examples=25, deadline=None)
@given(history=histories)
def test_a_window_is_as_the_whole_past_says(text: str, history: list[tuple[float, float]]) -> None:
    window_us = 180_000_000
    bench = Bench(text, ("A",), 1)
    times = list(ticks([step for step, _ in history]))
    values = [value for _, value in history]
    for number, at in enumerate(times, start=1):
        (found,) = bench.feed(at, {"A": np.array(values[number - 1 : number])})
        past = whole_past(values[:number], times[:number], window_us)
        if past.known_us < 0.75 * window_us or (text in NEEDS_NOW and math.isnan(past.now.value)):
            assert found is None
        elif found is None:
            # Only where nothing lies in the window that could be told.
            assert text.startswith(("median", "rate"))
        else:
            assert found == pytest.approx(CASES[text](past), abs=1e-6)


def run(text: str, values: Sequence[float], step_s: float = 1.0) -> list[float | bool | None]:
    bench = Bench(text, ("A",), 1)
    times = ticks([step_s] * len(values))
    return [bench.feed(at, {"A": np.array([value])})[0] for at, value in zip(times, values, strict=True)]


def test_a_window_is_known_once_three_quarters_of_it_are() -> None:
    found = run("avg(A, 100 s)", [5.0] * 90)
    assert found.index(5.0) == 75
    assert set(found[:75]) == {None}


def test_a_window_that_nobody_watched_is_unknown_again() -> None:
    bench = Bench("avg(A, 1 min)", ("A",), 1)
    one = {"A": np.array([1.0])}
    for second in range(60):
        before = bench.feed(START_US + second * 1_000_000, one)
    assert before == [1.0]
    assert bench.feed(START_US + 3_600_000_000, one) == [None]


def test_a_counter_counts_up_past_a_reset() -> None:
    scope = Scope(role=lambda _: Kind(measure=Measure(), counter=True))
    bench = Bench("delta(A, 1 min)", ("A",), 1, scope)
    register = [10.0 + second for second in range(40)] + [float(second) for second in range(20)]
    found = [bench.feed(at, {"A": np.array([value])})[0] for at, value in zip(ticks([1.0] * 60), register, strict=True)]
    assert found[-1] == 39 + 19


def test_swings_below_the_span_are_no_reversals() -> None:
    wave = [50 + 12 * math.sin(second / 10 * math.tau / 2) for second in range(120)]
    ripple = [value + (second % 2) for second, value in enumerate(wave)]
    assert run("reversals(A, 20, 2 min)", ripple)[-1] == 10.0
    assert run("reversals(A, 20, 2 min)", [50 + second % 19 for second in range(120)])[-1] == 0.0


def test_a_baseline_is_of_the_same_hour_of_the_days_before() -> None:
    bench = Bench("baseline(A, 8 d)", ("A",), 1, counted_max_us=600_000_000)
    midnight = START_US - START_US % 86_400_000_000
    noons: list[float | bool | None] = []
    for step in range(12 * 144):
        day, hour = divmod(step, 144)
        value = float(day) if hour // 6 < 18 else 1_000.0
        (found,) = bench.feed(midnight + step * 600_000_000, {"A": np.array([value])})
        if hour == 72:
            noons.append(found)
    # Unknown before seven days; then the median of all, of eight at most.
    assert noons == [None] * 7 + [3.0, 3.5, 4.5, 5.5, 6.5]


def test_the_past_is_as_it_was() -> None:
    found = run("ago(A, 1 min)", [float(second) for second in range(130)])
    assert found[58] is None
    assert found[100] == 40.0
