"""Checked expressions: units are converted, names are resolved. Equal terms are calculated once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from cityhall_bms.rules.language.kinds import PLAIN_NUMBER, TRUTH, Kind

ORDERED: Final = frozenset({"<", "<=", ">", ">="})
POINTS: Final = frozenset({"own", "single", "related"})
"""Values of points: of the equipment itself, of the one related to it, of each of the related."""
COMPARISONS: Final = frozenset({*ORDERED, "==", "!=", "in"})
_CARRIERS: Final = frozenset({"and", "or", "not", "for"})
"""What a comparison may stand in and still be the one that decided."""


@dataclass(frozen=True, slots=True)
class Term:
    """One operation. ``given`` are its constants: names, numbers, durations in µs."""

    op: str
    args: tuple["Term", ...] = ()
    given: tuple[str | float, ...] = ()
    kind: Kind = field(default=PLAIN_NUMBER, compare=False)
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        """Text that tells it from every other: what the engine remembers of it is kept under this.

        The unit of a point is part of it: a mean of kilowatts is none of watts, should a site change its mind.
        """
        if self.op in POINTS:
            return f"{self.op}({'.'.join(map(str, self.given))} {self.kind.symbol})"
        return f"{self.op}({', '.join([*map(str, self.args), *map(_given, self.given)])})"

    @property
    def constant(self) -> float | None:
        """Its number, when it is one."""
        return float(self.given[0]) if self.op == "const" else None


class About(NamedTuple):
    """Related equipment: of a relation and a class, and with all of some roles.

    Every aggregate has members of its own, those with the roles that it names. ``roles`` is empty for the one that is
    related: it has every role that is named of it.
    """

    relation: str
    brick_class: str
    roles: tuple[str, ...] = ()


def about_of(aggregate: Term) -> About:
    """Equipment that an aggregate is about."""
    roles = {str(term.given[2]) for term in walk(aggregate.args[0]) if term.op == "related"}
    return About(str(aggregate.given[0]), str(aggregate.given[1]), tuple(sorted(roles)))


def const(value: float, kind: Kind, column: int = 1) -> Term:
    """A number."""
    return Term("const", (), (value,), kind, column)


def walk(term: Term) -> Iterator[Term]:
    """Visit it and everything in it."""
    yield term
    for inner in term.args:
        yield from walk(inner)


def comparisons(term: Term) -> list[Term]:
    """Comparisons that can have decided a condition, in the order in which they were written."""
    if term.op in COMPARISONS:
        return [term]
    return [found for inner in term.args for found in comparisons(inner)] if term.op in _CARRIERS else []


def eased(term: Term, by: Term) -> Term:
    """Give the condition under which an alarm stays: every ordering comparison yields by a deadband.

    Only comparisons of the deadband's measure yield, and only those that decide now: what a function has counted or
    timed is as it is.
    """
    return _eased(term, by, wanted=True)


def _eased(term: Term, by: Term, *, wanted: bool) -> Term:
    match term.op:
        case "and" | "or":
            return replace(term, args=tuple(_eased(inner, by, wanted=wanted) for inner in term.args))
        case "not":
            return replace(term, args=(_eased(term.args[0], by, wanted=not wanted),))
        case op if op in ORDERED and yields(term, by):
            return _moved(term, by, wider=wanted)
        case _:
            return term


def yields(comparison: Term, by: Term) -> bool:
    """Tell whether a deadband is of a comparison's measure."""
    measure, band = comparison.args[0].kind.measure, by.kind.measure
    return measure is None or band is None or measure.powers == band.powers


def _moved(term: Term, by: Term, *, wider: bool) -> Term:
    """Move the right side so that the comparison is true for longer (``wider``), or for shorter."""
    left, right = term.args
    size = float(by.given[0])
    if left.kind.measure is not None and by.kind.measure is not None:
        size = exact(size * by.kind.measure.factor / left.kind.measure.factor)
    step = -size if (term.op in {">", ">="}) == wider else size
    if right.constant is not None:
        moved = const(exact(right.constant + step), right.kind, right.column)
    else:
        moved = Term("+", (right, const(step, by.kind)), (), right.kind, right.column)
    return Term(term.op, (left, moved), term.given, TRUTH, term.column)


def exact(value: float) -> float:
    """Number without the noise of a conversion: 99 % are 0.99, not 0.9900000000000001."""
    return float(f"{value:.14g}")


def _given(value: str | float) -> str:
    return value if isinstance(value, str) else repr(value)
