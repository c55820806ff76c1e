"""Programs over vectors say what a slow evaluator, one row and one step at a time, says."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.expression_bench import COUNTED_MAX_US, Bench, ticks

from cityhall_bms.rules.language.checking import check
from cityhall_bms.rules.language.errors import ExpressionError
from cityhall_bms.rules.language.parser import parse
from cityhall_bms.rules.language.scope import Scope
from cityhall_bms.rules.language.tree import Binary, Call, Member, Name, Node, Number, Unary, render

ROLES = ("A", "B", "C")
Answer = float | bool | None


class Slow:
    """Evaluates a tree for one row. Every part is evaluated at every step, so that what remembers sees all of them."""

    def __init__(self) -> None:
        self._memory: dict[int, list[float]] = {}
        self.at = 0
        self.counted = 0.0

    def evaluate(self, node: Node, row: dict[str, float]) -> Answer:  # noqa: PLR0911 - one per kind of node
        match node:
            case Number():
                return node.value
            case Name():
                return None if math.isnan(row[node.text]) else row[node.text]
            case Unary(operator="not"):
                truth = self.evaluate(node.operand, row)
                return None if truth is None else not truth
            case Unary():
                number = self.evaluate(node.operand, row)
                return None if number is None else -number
            case Member():
                number = self.evaluate(node.operand, row)
                return None if number is None else number in [choice.value for choice in node.choices]  # type: ignore[union-attr]
            case Call():
                return self._call(node, [self.evaluate(inner, row) for inner in node.arguments])
            case Binary():
                return self._binary(node.operator, self.evaluate(node.left, row), self.evaluate(node.right, row))
        raise AssertionError(node)

    def _binary(self, operator: str, left: Answer, right: Answer) -> Answer:
        if operator == "and":
            return False if left is False or right is False else None if left is None or right is None else True
        if operator == "or":
            return True if left is True or right is True else None if left is None or right is None else False
        if left is None or right is None:
            return None
        compared = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
        compared |= {"==": left == right, "!=": left != right}
        if operator in compared:
            return compared[operator]
        if operator == "/":
            return left / right if right else None
        number = {"+": left + right, "-": left - right, "*": left * right}[operator]
        return number if math.isfinite(number) else None

    def _call(self, node: Call, arguments: Sequence[Answer]) -> Answer:
        first = arguments[0]
        match node.function:
            case "abs":
                return None if first is None else abs(first)
            case "min" | "max":
                numbers = [number for number in arguments if number is not None]
                return None if len(numbers) < len(arguments) else {"min": min, "max": max}[node.function](numbers)
            case "for":
                return self._for(node, first)
            case "since":
                memory = self._memory.setdefault(id(node), [math.nan])
                if first is True:
                    memory[0] = self.at
                return None if first is None or math.isnan(memory[0]) else (self.at - memory[0]) / 1e6
            case "previous":
                memory = self._memory.setdefault(id(node), [math.nan, math.nan])
                if first is not None and first != memory[0]:
                    memory[:] = [first, memory[0]]
                return None if math.isnan(memory[1]) else memory[1]
        raise AssertionError(node.function)

    def _for(self, node: Call, truth: Answer) -> Answer:
        memory = self._memory.setdefault(id(node), [0.0, 0.0])
        if truth is True and memory[1]:
            memory[0] += self.counted
        if truth is False:
            memory[0] = 0.0
        memory[1] = float(truth is True)
        duration = node.arguments[1]
        assert isinstance(duration, Number)
        return None if truth is None else truth and memory[0] >= duration.value * 1e6


constants = st.integers(min_value=-3, max_value=3).map(float)
_number_leaf = st.builds(Number, constants.map(abs)) | st.builds(Name, st.sampled_from(ROLES))
number_trees = st.recursive(
    _number_leaf,
    lambda inner: st.one_of(
        st.builds(Binary, st.sampled_from("+-*/"), inner, inner),
        st.builds(lambda operand: Unary("-", operand), inner),
        st.builds(lambda argument: Call("abs", (argument,)), inner),
        st.builds(lambda name, one, other: Call(name, (one, other)), st.sampled_from(["min", "max"]), inner, inner),
        st.builds(lambda argument: Call("previous", (argument,)), st.builds(Name, st.sampled_from(ROLES))),
    ),
    max_leaves=5,
)
_truth_leaf = st.one_of(
    st.builds(Binary, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), number_trees, number_trees),
    st.builds(
        Member,
        st.builds(Name, st.sampled_from(ROLES)),
        st.lists(st.builds(Number, constants.map(abs)), min_size=1, max_size=3).map(tuple),
    ),
)
truth_trees = st.recursive(
    _truth_leaf,
    lambda inner: st.one_of(
        st.builds(Binary, st.sampled_from(["and", "or"]), inner, inner),
        st.builds(lambda operand: Unary("not", operand), inner),
        st.builds(lambda cond, s: Call("for", (cond, Number(float(s), "s"))), inner, st.integers(1, 30)),
        st.builds(lambda cond: Binary(">", Call("since", (cond,)), Number(8.0, "s")), inner),
    ),
    max_leaves=5,
)
samples = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, math.nan])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_expressions_are_as_a_slow_evaluator_says(data: st.DataObject) -> None:
    tree = data.draw(truth_trees)
    try:
        check(tree, Scope())
    except ExpressionError:
        return  # a constant divided by zero
    rows = 2
    steps = data.draw(st.lists(st.floats(0.5, 20), min_size=1, max_size=12))
    bench, slow = Bench(check(tree, Scope()), ROLES, rows), [Slow() for _ in range(rows)]
    before = 0
    for at in ticks(steps):
        values = {role: np.array(data.draw(st.lists(samples, min_size=rows, max_size=rows))) for role in ROLES}
        expected = []
        for number, reference in enumerate(slow):
            reference.at, reference.counted = at, min(at - before, COUNTED_MAX_US) if before else 0
            expected.append(reference.evaluate(tree, {role: float(values[role][number]) for role in ROLES}))
        assert bench.feed(at, values) == expected, render(tree)
        before = at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A > 1 and B > 1", False),
        ("B > 1 and A > 1", False),
        ("A > 1 or B == 0", True),
        ("A > 1 or B > 1", None),
        ("not A > 1", None),
        ("B / B > 1", None),
        ("A == 1 and B == 0", None),
    ],
)
def test_what_nobody_knows_decides_nothing(text: str, expected: bool | None) -> None:
    """A is unknown, B is 0."""
    assert Bench(text, ("A", "B"), 1).feed(1, {"A": np.array([math.nan]), "B": np.array([0.0])}) == [expected]


def test_a_part_that_stands_twice_is_calculated_once() -> None:
    once = Bench("avg(A, 5 min) > 1", ("A",), 1).program
    twice = Bench("avg(A, 5 min) > 1 or avg(A, 5 min) < 0 - 1", ("A",), 1).program
    assert len(twice.remembers) == len(once.remembers) == 1
    assert parse("avg(A, 5 min)") == parse("avg( A ,5 min )")


def test_constants_are_calculated_as_they_would_be_at_every_tick() -> None:
    bench = Bench(check(parse("A < abs(3) * (2 / 3)"), Scope()), ROLES, 1)

    assert bench.feed(1, {role: np.array([2.0]) for role in ROLES}) == [False]
