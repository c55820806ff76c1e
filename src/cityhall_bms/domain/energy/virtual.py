"""Virtual meters: an expression over other meters, as the factor with which each of them counts.

The grammar is closed: ``+ - * /``, numbers, brackets and names of meters. Meters are added and taken away, and
multiplied or divided by numbers only, so that an expression is a sum of meters with a factor each, the same for an
interval of any length.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

LENGTH_MAX: Final = 2_000
"""Characters of one expression."""
DEPTH_MAX: Final = 50
NAME: Final = r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*"
"""Names of meters: those of points are such."""

_WORD: Final = re.compile(
    rf"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>{NAME})|(?P<mark>[-+*/()]))"
)
_SPACE: Final = re.compile(r"\s*")


class MeterExpressionError(ValueError):
    """An expression that is none; ``column`` counts from 1."""

    def __init__(self, column: int, message: str, remedy: str) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Expression:
    """What was written, and the factor of each meter in it."""

    text: str
    factors: Mapping[str, float]
    columns: Mapping[str, int]
    """Where each meter is named first."""


def parse(text: str) -> Expression:
    """Read an expression; :class:`MeterExpressionError` for what is none, and for one that counts nothing."""
    if len(text) > LENGTH_MAX:
        raise MeterExpressionError(
            LENGTH_MAX, f"longer than {LENGTH_MAX} characters", "make virtual meters of its parts"
        )
    parser = _Parser(_words(text))
    form = parser.sum()
    parser.end()
    if not form.meters:
        raise MeterExpressionError(1, "there is no meter in it", "name at least one meter")
    cancelled = [name for name, factor in form.meters.items() if not (factor and math.isfinite(factor))]
    if cancelled:
        column = parser.columns[cancelled[0]]
        raise MeterExpressionError(column, f"'{cancelled[0]}' counts nothing in the end", "take it out")
    return Expression(text, form.meters, parser.columns)


@dataclass(frozen=True, slots=True)
class _Word:
    kind: str
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class _Form:
    """A number, or meters with their factors: never both."""

    number: float
    meters: Mapping[str, float]

    def times(self, factor: float) -> "_Form":
        return _Form(self.number * factor, {name: own * factor for name, own in self.meters.items()})


def _words(text: str) -> list[_Word]:
    found: list[_Word] = []
    place = 0
    while match := _WORD.match(text, place):
        kind = match.lastgroup or ""
        found.append(_Word(kind, match[kind], match.start(kind) + 1))
        place = match.end()
    space = _SPACE.match(text, place)
    place = space.end() if space else place
    if place < len(text):
        remedy = "write names of meters, numbers, + - * / and brackets"
        raise MeterExpressionError(place + 1, f"'{text[place]}' is no part of an expression", remedy)
    return [*found, _Word("end", "", len(text) + 1)]


class _Parser:
    """One method per level of binding, loosest first."""

    def __init__(self, words: list[_Word]) -> None:
        self._words = words
        self._place = 0
        self._depth = 0
        self.columns: dict[str, int] = {}

    def end(self) -> None:
        """Nothing may follow."""
        if self._word.kind != "end":
            self._fail("join two meters with + or -")

    def sum(self) -> _Form:
        """``a + b - c``."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise MeterExpressionError(self._word.column, f"nested deeper than {DEPTH_MAX}", "use fewer brackets")
        left = self._product()
        while self._is("+", "-"):
            sign = self._take()
            right = self._product()
            if bool(left.meters) is not bool(right.meters):
                message = "a number cannot be added to a meter: short intervals would get as much of it as long ones"
                raise MeterExpressionError(sign.column, message, "multiply the meter by a factor instead")
            left = _added(left, right.times(1.0 if sign.text == "+" else -1.0))
        self._depth -= 1
        return left

    def _product(self) -> _Form:
        left = self._operand()
        while self._is("*", "/"):
            sign = self._take()
            right = self._operand()
            left = _multiplied(left, right, sign) if sign.text == "*" else _divided(left, right, sign)
        return left

    def _operand(self) -> _Form:
        negative = False
        while self._is("-"):
            self._take()
            negative = not negative
        return self._atom().times(-1.0 if negative else 1.0)

    def _atom(self) -> _Form:
        if self._is("("):
            self._take()
            inner = self.sum()
            if not self._is(")"):
                self._fail("add ')' to close the bracket")
            self._take()
            return inner
        if self._word.kind not in {"number", "name"}:
            self._fail("name a meter, or write a number")
        word = self._take()
        if word.kind == "number":
            return _Form(float(word.text), {})
        self.columns.setdefault(word.text, word.column)
        return _Form(0.0, {word.text: 1.0})

    @property
    def _word(self) -> _Word:
        return self._words[self._place]

    def _take(self) -> _Word:
        word = self._word
        self._place += 1
        return word

    def _is(self, *marks: str) -> bool:
        return self._word.kind == "mark" and self._word.text in marks

    def _fail(self, remedy: str) -> NoReturn:
        word = self._word
        message = "the expression ends here" if word.kind == "end" else f"'{word.text}' is not expected here"
        raise MeterExpressionError(word.column, message, remedy)


def _added(left: _Form, right: _Form) -> _Form:
    factors = dict(left.meters)
    for name, factor in right.meters.items():
        factors[name] = factors.get(name, 0.0) + factor
    return _Form(left.number + right.number, factors)


def _multiplied(left: _Form, right: _Form, sign: _Word) -> _Form:
    if left.meters and right.meters:
        raise MeterExpressionError(sign.column, "two meters cannot be multiplied", "multiply a meter by a number")
    return left.times(right.number) if left.meters else right.times(left.number)


def _divided(left: _Form, right: _Form, sign: _Word) -> _Form:
    if right.meters:
        raise MeterExpressionError(sign.column, "nothing can be divided by a meter", "divide a meter by a number")
    if not right.number:
        raise MeterExpressionError(sign.column, "a division by zero", "divide by another number")
    return left.times(1.0 / right.number)
