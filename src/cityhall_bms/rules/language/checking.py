"""Trees to terms: every name is known, every unit fits, and what must be converted is."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.units import PLAIN, Measure
from cityhall_bms.rules.language.arithmetic import negated, product, quotient, total, unified
from cityhall_bms.rules.language.errors import ExpressionError
from cityhall_bms.rules.language.functions import NAMES, Function, Gives, Wants, functions_of
from cityhall_bms.rules.language.kinds import (
    BARE_NUMBER,
    DURATION,
    PLAIN_NUMBER,
    TRUTH,
    Kind,
    Sort,
    difference,
    of_measure,
    of_symbol,
    per_hour,
)
from cityhall_bms.rules.language.scope import Scope
from cityhall_bms.rules.language.terms import COMPARISONS, POINTS, Term, const, exact, walk
from cityhall_bms.rules.language.tree import Binary, Call, Member, Name, Node, Number, Related, Unary, column_of

REASONS: Final = {quality.reason: quality for quality in Quality if quality.reason is not None}
"""Reasons that ``flagged`` knows; their quality codes."""
EACH_POINT: Final = "POINT"
DURATION_MIN_US: Final = 1_000_000
DURATION_MAX_US: Final = 400 * 86_400_000_000
BASELINE_MIN_US: Final = 7 * 86_400_000_000
BASELINE_MAX_US: Final = 60 * 86_400_000_000


def check(tree: Node, scope: Scope) -> Term:
    """Term of a tree; :class:`ExpressionError` names the first thing that does not fit."""
    return _Checker(scope, None).term(tree)


def check_condition(tree: Node, scope: Scope) -> Term:
    """Term of a tree that must be a condition."""
    return wanted(check(tree, scope), Sort.TRUTH)


def check_number(tree: Node, scope: Scope) -> Term:
    """Term of a tree that must be a number."""
    return wanted(check(tree, scope), Sort.NUMBER)


def wanted(term: Term, sort: Sort) -> Term:
    """Give the term back when it is of a sort."""
    if term.kind.sort is sort:
        return term
    remedy = {Sort.TRUTH: "compare it with something, like '== 1'", Sort.NUMBER: "write a number or a role here"}
    message = f"this is {_article(term.kind)}, wanted is {sort.value}"
    raise ExpressionError(term.column, message, remedy.get(sort, "name an operating mode"))


def duration_us(term: Term) -> float:
    """Duration of a constant, µs."""
    second, measure = DURATION.measure, term.kind.measure
    if term.constant is None or measure is None or second is None or not measure.comparable(second):
        raise ExpressionError(term.column, "this is no duration", "write one like '5 min'; it cannot be calculated")
    found_us = round(term.constant * measure.factor * 1e6)
    if not DURATION_MIN_US <= found_us <= DURATION_MAX_US:
        raise ExpressionError(term.column, "a duration is from 1 s to 400 d", "write one like '5 min'")
    return float(found_us)


class _Checker:
    """Checks one expression; within an aggregate, one that is about related equipment."""

    def __init__(self, scope: Scope, aggregate: str | None) -> None:
        self._scope = scope
        self._aggregate = aggregate

    def term(self, node: Node) -> Term:  # noqa: PLR0911 - one per kind of node
        match node:
            case Number():
                return const(node.value, replace(of_symbol(node.unit), bare=not node.unit), node.column)
            case Name():
                return self._spread(self._name(node))
            case Related():
                return self._related(node)
            case Unary(operator="not"):
                return Term("not", (wanted(self.term(node.operand), Sort.TRUTH),), (), TRUTH, node.column)
            case Unary():
                return negated(self._number(node.operand), node.column)
            case Member():
                return self._member(node)
            case Call():
                return self._call(node)
            case Binary():
                return self._binary(node)

    def _number(self, node: Node) -> Term:
        return wanted(self.term(node), Sort.NUMBER)

    def _spread(self, term: Term) -> Term:
        """Give what is the subject's to each of the related."""
        if self._aggregate is None or term.constant is not None:
            return term
        return Term("spread", (term,), (), term.kind, term.column)

    def _name(self, node: Name) -> Term:
        if node.text in self._scope.names:
            return replace(self._scope.names[node.text], column=node.column)
        if node.text == EACH_POINT and not self._scope.each:
            raise ExpressionError(node.column, "POINT needs roles to stand for", "list them in 'each'")
        return Term("own", (), (node.text,), self._scope.role(node.text), node.column)

    def _related(self, node: Related) -> Term:
        kind = self._scope.related(node.relation, node.brick_class, node.role)
        op = "single" if self._aggregate is None else "related"
        return Term(op, (), (node.relation, node.brick_class, node.role), kind, node.column)

    def _binary(self, node: Binary) -> Term:
        if node.operator in {"and", "or"}:
            sides = tuple(wanted(self.term(side), Sort.TRUTH) for side in (node.left, node.right))
            return Term(node.operator, sides, (), TRUTH, node.column)
        if node.operator in COMPARISONS:
            return self._comparison(node)
        left, right = self._number(node.left), self._number(node.right)
        if node.operator in {"+", "-"}:
            return total(node.operator, left, right, node.column)
        return (product if node.operator == "*" else quotient)(left, right, node.column)

    def _comparison(self, node: Binary) -> Term:
        left_node, right_node = node.left, node.right
        if isinstance(left_node, Name) and isinstance(right_node, Call) and right_node.function == "mode":
            left_node, right_node = right_node, left_node
        left = self.term(left_node)
        if left.kind.sort is Sort.MODE:
            if node.operator not in {"==", "!="}:
                raise ExpressionError(node.column, "operating modes have no order", "compare with '==', '!=' or 'in'")
            return Term(node.operator, (left, _state(left, right_node)), (), TRUTH, node.column)
        sides = unified(wanted(left, Sort.NUMBER), self._number(right_node), node.column)
        return Term(node.operator, sides, (), TRUTH, node.column)

    def _member(self, node: Member) -> Term:
        operand = self.term(node.operand)
        if operand.kind.sort is Sort.MODE:
            choices = [_state(operand, choice) for choice in node.choices]
        else:
            wanted(operand, Sort.NUMBER)
            choices = [unified(operand, self._number(choice), column_of(choice))[1] for choice in node.choices]
        values: list[float] = []
        for choice, written in zip(choices, node.choices, strict=True):
            if choice.constant is None:
                raise ExpressionError(column_of(written), "a value of 'in' is no constant", "compare with '=='")
            values.append(choice.constant)
        return Term("in", (operand,), tuple(values), TRUTH, node.column)

    def _call(self, node: Call) -> Term:
        candidates = functions_of(node.function)
        if not candidates:
            near = get_close_matches(node.function, NAMES, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else f"functions are {', '.join(NAMES)}"
            raise ExpressionError(node.column, f"'{node.function}' is no function", remedy)
        if candidates[0].aggregates:
            return self._aggregated(node, candidates[0])
        function = candidates[0] if len(candidates) == 1 else self._meant(node, candidates)
        self._count(node, function)
        return self._applied(node, function)

    def _meant(self, node: Call, candidates: Sequence[Function]) -> Function:
        """Tell ``min(a, b)`` from ``min(x, 5 min)``."""
        plain, window = candidates
        if len(node.arguments) != len(window.wants):
            return plain
        first, second = (self._number(argument) for argument in node.arguments)
        return window if _is_duration(second) and second.constant is not None and not _is_duration(first) else plain

    def _count(self, node: Call, function: Function) -> None:
        given, least = len(node.arguments), len(function.wants)
        if given < least or (given > least and not function.repeats):
            raise ExpressionError(node.column, f"{function.name} has {given} arguments", f"write {function.shown}")

    def _applied(self, node: Call, function: Function) -> Term:
        args: list[Term] = []
        given: list[str | float] = []
        wants = function.wants + function.wants[-1:] * (len(node.arguments) - len(function.wants))
        for want, argument in zip(wants, node.arguments, strict=True):
            match want:
                case Wants.NUMBER if args and function.repeats:
                    args.append(unified(args[0], self._number(argument), column_of(argument))[1])
                case Wants.NUMBER:
                    args.append(self._number(argument))
                case Wants.TRUTH:
                    args.append(wanted(self.term(argument), Sort.TRUTH))
                case Wants.DURATION:
                    given.append(duration_us(self._number(argument)))
                case Wants.SPAN:
                    given.append(_span(args[0], self._number(argument)))
                case _:
                    given.append(self._named(want, argument, function))
        return self._result(function, args, given, node.column)

    def _result(self, function: Function, args: list[Term], given: list[str | float], column: int) -> Term:
        if function.gives is Gives.MODE:
            return self._spread(replace(self._scope.modes[str(given[0])], column=column))
        kind = self._gives(function, args, given, column)
        op = function.op
        if op == "baseline" and not BASELINE_MIN_US <= float(given[0]) <= BASELINE_MAX_US:
            raise ExpressionError(column, "a baseline is of 7 to 60 days", "write one like '28 d'")
        if op == "delta" and args[0].kind.counter and args[0].op in POINTS:
            op = "increase"
        term = Term(op, tuple(args), tuple(given), kind, column)
        # Names of roles, schedules and targets are the subject's, also where the related are asked about.
        return term if args else self._spread(term)

    def _gives(self, function: Function, args: list[Term], given: list[str | float], column: int) -> Kind:
        first = args[0].kind if args else PLAIN_NUMBER
        if function.gives is Gives.ROOT:
            return _root(args[0], column)
        if function.gives is Gives.TARGET:
            return self._scope.target(str(given[0])) or PLAIN_NUMBER
        return {
            Gives.SAME: first,
            Gives.DIFFERENCE: difference(first),
            Gives.PER_HOUR: per_hour(first),
            Gives.PLAIN: PLAIN_NUMBER,
            Gives.DURATION: DURATION,
        }.get(function.gives, TRUTH)

    def _named(self, want: Wants, argument: Node, function: Function) -> str:
        if not isinstance(argument, Name):
            message = f"{function.name} wants {want.value} here"
            raise ExpressionError(column_of(argument), message, f"write {function.shown}")
        name, column = argument.text, argument.column
        match want:
            case Wants.SCHEDULE if not self._scope.schedule(name):
                raise ExpressionError(column, f"'{name}' is no schedule of this site", "add it to site.toml")
            case Wants.TARGET if self._scope.target(name) is None:
                raise ExpressionError(column, f"'{name}' is no target of this site", "add it to targets.toml")
            case Wants.MODE if name not in self._scope.modes:
                raise ExpressionError(column, f"'{name}' is no operating mode", "add a [[mode]] table")
            case Wants.REASON if name not in REASONS:
                remedy = f"reasons are {', '.join(REASONS)}"
                raise ExpressionError(column, f"'{name}' is no reason of bad or uncertain quality", remedy)
            case Wants.ROLE:
                self._name(argument)
        return name

    def _aggregated(self, node: Call, function: Function) -> Term:
        if self._aggregate is not None:
            raise ExpressionError(node.column, "an aggregate within an aggregate", "name the inner one with 'let'")
        self._count(node, function)
        inner = wanted(
            _Checker(self._scope, node.function).term(node.arguments[0]),
            Sort.TRUTH if function.wants[0] is Wants.TRUTH else Sort.NUMBER,
        )
        about = {term.given[:2] for term in walk(inner) if term.op == "related"}
        if len(about) != 1:
            message = "no other equipment in it" if not about else "more than one kind of other equipment in it"
            remedy = f"write one like {function.name}(feeds.Class.ROLE)"
            raise ExpressionError(node.column, message, remedy)
        kind = {Gives.PLAIN: PLAIN_NUMBER, Gives.TRUTH: TRUTH}.get(function.gives, inner.kind)
        measure = inner.kind.measure
        if function.op == "sum" and measure is not None and measure.absolute:
            raise ExpressionError(node.column, "temperatures cannot be added up", "take their mean, or add differences")
        return Term(function.op, (inner,), about.pop(), kind, node.column)


def _state(mode: Term, node: Node) -> Term:
    states = mode.kind.states
    if not isinstance(node, Name) or node.text not in states:
        raise ExpressionError(column_of(node), "this is no state of the mode", f"states are {', '.join(states)}")
    return const(float(states.index(node.text)), BARE_NUMBER, node.column)


def _span(of: Term, span: Term) -> float:
    like = Term("own", (), (), difference(of.kind), of.column)
    found = unified(like, span, span.column)[1].constant
    if found is None or found <= 0:
        raise ExpressionError(span.column, "this is no constant above zero", "write one in the unit of what is watched")
    return exact(found)


def _root(term: Term, column: int) -> Kind:
    measure = term.kind.measure
    root = measure.root() if measure is not None else None
    if measure is not None and root is None:
        raise ExpressionError(column, f"a root of {term.kind} has no unit", "take roots of squares, or divide first")
    return of_measure(root, bare=term.kind.bare)


def _is_duration(term: Term) -> bool:
    second: Measure = DURATION.measure or PLAIN
    return term.kind.measure is not None and term.kind.measure.comparable(second)


def _article(kind: Kind) -> str:
    return kind.sort.value if kind.sort is not Sort.NUMBER else f"a number ({kind})" if kind.symbol else "a number"
