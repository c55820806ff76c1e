"""Units in calculations: what may be added, compared and multiplied, and what is converted for it."""

from dataclasses import replace

from cityhall_bms.domain.units import Measure
from cityhall_bms.rules.language.errors import ExpressionError
from cityhall_bms.rules.language.kinds import ANY_NUMBER, Kind, difference, mixes_ratio, of_measure
from cityhall_bms.rules.language.terms import Term, const, exact


def unified(left: Term, right: Term, column: int) -> tuple[Term, Term]:
    """Bring two terms into one unit: the left one's, or that of the one which is no constant."""
    if left.constant is not None and right.constant is None:
        right, left = unified(right, left, column)
        return left, right
    one, other = left.kind.measure, right.kind.measure
    if one is None or other is None:
        return left, right
    if not one.comparable(other):
        raise _unlike(left.kind, right.kind, column)
    if mixes_ratio(left.kind, right.kind):
        ratio = right.kind if left.kind.bare else left.kind
        raise ExpressionError(
            column,
            f"a number without unit against {ratio}",
            f"write the number with its unit, like '50 {ratio.symbol}'",
        )
    return left, converted(right, left.kind)


def converted(term: Term, to: Kind) -> Term:
    """Give a term in the unit of a kind that it can be compared with."""
    if term.kind.measure is None or to.measure is None:
        return term
    factor = exact(term.kind.measure.factor / to.measure.factor)
    kind = replace(to, bare=term.kind.bare)
    if factor == 1.0:
        return replace(term, kind=kind)
    if term.constant is not None:
        return const(exact(term.constant * factor), kind, term.column)
    return Term("scaled", (term,), (factor,), kind, term.column)


def total(operator: str, left: Term, right: Term, column: int) -> Term:
    """Sum or difference. Two temperatures have a difference, in K; a temperature and kelvins make a temperature."""
    one, other = left.kind.measure, right.kind.measure
    if one is None or other is None:
        return Term(operator, (left, right), (), ANY_NUMBER, column)
    if one.absolute and other.absolute:
        if operator == "+":
            raise ExpressionError(
                column, "two temperatures cannot be added", "add a difference, in K, or take mean values"
            )
        return Term("-", (left, right), (), difference(left.kind), column)
    if one.absolute or other.absolute:
        return _moved_temperature(operator, left, right, column)
    left, right = unified(left, right, column)
    constants = _folded(operator, left, right, column)
    kind = replace(left.kind, bare=left.kind.bare and right.kind.bare)
    return constants or Term(operator, (left, right), (), kind, column)


def product(left: Term, right: Term, column: int) -> Term:
    """Product; degrees Celsius have none."""
    return _scaling("*", left, right, column)


def quotient(left: Term, right: Term, column: int) -> Term:
    """Quotient; degrees Celsius have none."""
    return _scaling("/", left, right, column)


def negated(term: Term, column: int) -> Term:
    """Give the term with the other sign."""
    if term.constant is not None:
        return const(-term.constant, term.kind, column)
    if term.kind.measure is not None and term.kind.measure.absolute:
        raise ExpressionError(column, "a temperature has no opposite", "take a difference first, like '(T - 0 °C)'")
    return Term("neg", (term,), (), term.kind, column)


def _moved_temperature(operator: str, left: Term, right: Term, column: int) -> Term:
    one, other = left.kind.measure, right.kind.measure
    assert one is not None and other is not None  # noqa: S101, PT018 - the caller has asked
    if one.powers != other.powers or (operator == "-" and other.absolute):
        raise _unlike(left.kind, right.kind, column)
    kind = left.kind if one.absolute else right.kind
    return _folded(operator, left, right, column, kind) or Term(operator, (left, right), (), kind, column)


def _scaling(operator: str, left: Term, right: Term, column: int) -> Term:
    one, other = left.kind.measure, right.kind.measure
    for side, measure in ((left, one), (right, other)):
        if measure is not None and measure.absolute:
            message = "a temperature cannot be multiplied or divided"
            raise ExpressionError(side.column, message, "take a difference first, like '(T - 0 °C)'")
    if one is None or other is None:
        return Term(operator, (left, right), (), ANY_NUMBER, column)
    kind = _scaled_kind(operator, left.kind, right.kind, one, other)
    return _folded(operator, left, right, column, kind) or Term(operator, (left, right), (), kind, column)


def _scaled_kind(operator: str, left: Kind, right: Kind, one: Measure, other: Measure) -> Kind:
    if right.bare:
        return left
    if left.bare and operator == "*":
        return right
    return of_measure(one.times(other) if operator == "*" else one.over(other))


def _folded(operator: str, left: Term, right: Term, column: int, kind: Kind | None = None) -> Term | None:
    """Calculate what is constant; none when it is not, or has no value."""
    one, other = left.constant, right.constant
    if one is None or other is None:
        return None
    if operator == "/" and other == 0:
        raise ExpressionError(column, "divided by zero", "correct the divisor")
    values = {"+": one + other, "-": one - other, "*": one * other, "/": one / other if other else 0.0}
    return const(values[operator], kind or replace(left.kind, bare=left.kind.bare and right.kind.bare), column)


def _unlike(one: Kind, other: Kind, column: int) -> ExpressionError:
    message = f"{one} against {other}"
    measures = (one.measure, other.measure)
    if None not in measures and len({measure.powers for measure in measures if measure}) == 1:
        return ExpressionError(column, message, "write temperatures in °C and their differences in K")
    for kind, against in ((one, other), (other, one)):
        if kind.bare:
            return ExpressionError(column, message, f"write the number with its unit, like '5 {against.symbol or 'K'}'")
    return ExpressionError(column, message, "compare and add like with like")
