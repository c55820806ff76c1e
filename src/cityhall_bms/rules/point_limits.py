"""Limits of single points, read off the rules that are bound to them: what a bar or a line beside a value shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.site import Point
from cityhall_bms.domain.units import measure_of
from cityhall_bms.rules.checked import Checked
from cityhall_bms.rules.language.checking import EACH_POINT
from cityhall_bms.rules.language.kinds import Kind
from cityhall_bms.rules.language.terms import ORDERED, Term, exact
from cityhall_bms.rules.layout import Row

_MIRRORED: Final[Mapping[str, str]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class PointLimit:
    """A number beyond which one point makes a rule true by itself, its prerequisite apart."""

    point: str
    subject: int
    """Place of the subject that it decides of."""
    is_upper: bool
    is_reached: bool
    """Whether the number itself is beyond already."""
    value: float
    """In the point's unit."""
    mean_s: float
    """Length of the mean that is compared, s; 0: the present value is."""
    priority: int


@dataclass(frozen=True, slots=True)
class _Limit:
    role: str
    operator: str
    value: float
    kind: Kind
    mean_s: float


def point_limits(checked: Checked, rows: Sequence[Row]) -> tuple[PointLimit, ...]:
    """Limits of a rule's subjects, its own condition's first, then those of its severity steps.

    A comparison counts when it is of one point, or of its mean, with a constant, and is enough: in ``A > 1 and B > 1``
    neither number is a limit. What is compared with another value, like a set point, has no fixed one.
    """
    return tuple(
        _of_row(limit, row, place, level.priority)
        for level in checked.levels
        for test in _sufficient(level.condition)
        if (limit := _limit(test)) is not None
        for place, row in enumerate(rows)
    )


def _sufficient(term: Term) -> Iterator[Term]:
    """Comparisons each of which makes a condition true."""
    if term.op in ORDERED:
        yield term
    elif term.op in {"or", "for"}:
        for inner in term.args:
            yield from _sufficient(inner)


def _limit(test: Term) -> _Limit | None:
    operator, (watched, constant) = test.op, test.args
    if watched.constant is not None:
        operator, watched, constant = _MIRRORED[operator], constant, watched
    mean_s = 0.0
    if watched.op == "avg":
        mean_s, watched = float(watched.given[-1]) / 1e6, watched.args[0]
    if watched.op != "own" or constant.constant is None:
        return None
    return _Limit(str(watched.given[0]), operator, constant.constant, watched.kind, mean_s)


def _of_row(limit: _Limit, row: Row, place: int, priority: int) -> PointLimit:
    point = row.point if limit.role == EACH_POINT and row.point is not None else row.own[limit.role]
    return PointLimit(
        point.name,
        place,
        limit.operator.startswith(">"),
        limit.operator.endswith("="),
        _in_unit_of(point, limit),
        limit.mean_s,
        priority,
    )


def _in_unit_of(point: Point, limit: _Limit) -> float:
    """Its number for a point: rows of a rule may be in other units than the first, which the rule calculates in."""
    own = measure_of(point.unit)
    if own is None or limit.kind.measure is None:
        return limit.value
    return exact(limit.value * limit.kind.measure.factor / own.factor)
