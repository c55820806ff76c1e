"""Operating modes: which state counts, once it has lasted."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.expression_bench import COUNTED_MAX_US, Bench, ticks

from cityhall_bms.rules.checked import RuleExpressionError, check_mode, checked
from cityhall_bms.rules.language.kinds import Kind, Sort
from cityhall_bms.rules.language.terms import Term
from cityhall_bms.rules.model import ConditionRule, Mode

UNKNOWN = math.nan


def mode_term(hold_s: float, *states: dict[str, object]) -> Term:
    mode = {"id": "OS", "equipment_class": "any", "hold_s": hold_s, "state": list(states)}
    rule = ConditionRule.model_validate(
        {"id": "R", "equipment_class": "any", "condition": "mode(OS) == off", "modes": [mode], "priority": 4,
         "text_zh": "x", "text_en": "x", "source": "test"}
    )  # fmt: skip
    return checked(rule).levels[0].condition.args[0]


STATES = (
    {"name": "off", "when": "A == 0"},
    {"name": "cooling", "when": "A > 1"},
    {"name": "other"},
)


def states(term: Term, values: Sequence[float], step_s: float = 1.0) -> list[float | bool | None]:
    bench = Bench(term, ("A",), 1)
    times = ticks([step_s] * len(values))
    return [bench.feed(at, {"A": np.array([value])})[0] for at, value in zip(times, values, strict=True)]


def test_the_first_state_whose_test_is_true_counts() -> None:
    assert states(mode_term(0, *STATES), [0, 2, 1, 0]) == [0, 1, 2, 0]


def test_a_state_counts_once_it_has_lasted() -> None:
    assert states(mode_term(3, *STATES), [0, 0, 0, 0, 2, 2, 0, 2, 2, 2, 2]) == [None] * 3 + [0] * 7 + [1]


def test_what_nobody_knows_holds_the_state_and_its_timer() -> None:
    values = [0, 0, 0, 2, 2, UNKNOWN, 2, 2, 2]
    assert states(mode_term(2, *STATES), values) == [None, None, 0, 0, 0, 0, 0, 1, 1]


def test_a_state_may_be_entered_from_some_only() -> None:
    chained = (
        {"name": "off", "when": "A == 0"},
        {"name": "start", "when": "A == 1"},
        {"name": "run", "when": "A == 2", "from": ["start"]},
    )
    assert states(mode_term(0, *chained), [0, 2, 1, 2, 0]) == [0, -1, 1, 2, 0]


def test_a_rule_reads_the_state_by_its_name() -> None:
    term = mode_term(0, *STATES)
    condition = Term("==", (term, Term("const", (), (1.0,))), (), Kind(Sort.TRUTH, None))
    assert states(condition, [0, 2]) == [False, True]


@pytest.mark.parametrize(
    ("state", "part"),
    [
        ({"name": "off", "when": "A >"}, "column 4: the expression ends here"),
        ({"name": "off", "when": "A"}, "compare it with something"),
        ({"name": "off", "from": ["on"]}, "'on' is no state of this mode"),
    ],
)
def test_a_mistake_in_a_mode_is_named(state: dict[str, object], part: str) -> None:
    mode = Mode.model_validate({"id": "OS", "equipment_class": "any", "state": [state]})
    with pytest.raises(RuleExpressionError, match=part):
        check_mode(mode)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.5, 15), st.sampled_from([0.0, 1.0, 2.0, UNKNOWN])), max_size=40))
def test_modes_are_as_a_slow_machine_says(history: list[tuple[float, float]]) -> None:
    bench = Bench(mode_term(20, *STATES), ("A",), 1)
    state: float | None = None
    coming, held, before, was_known = UNKNOWN, 0, 0, False
    for at, (_, value) in zip(ticks([step for step, _ in history]), history, strict=True):
        counted = min(at - before, COUNTED_MAX_US) if before else 0
        before = at
        if not math.isnan(value):
            wanted = {0.0: 0.0, 2.0: 1.0}.get(value, 2.0)
            lasts = wanted != state and wanted == coming
            held = (held + counted if was_known else held) if lasts else 0
            coming = wanted
            if wanted != state and held >= 20_000_000:
                state, held = wanted, 0
        was_known = not math.isnan(value)
        assert bench.feed(at, {"A": np.array([value])}) == [state]
