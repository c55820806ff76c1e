"""Text to tree: one function per level of binding, loosest first."""

from collections.abc import Callable
from typing import Final, NoReturn

from cityhall_bms.rules.language.errors import ExpressionError
from cityhall_bms.rules.language.lexer import Token, tokens
from cityhall_bms.rules.language.tree import (
    AND_LEVEL,
    COMPARISON_LEVEL,
    LEVELS,
    SIGN_LEVEL,
    Binary,
    Call,
    Member,
    Name,
    Node,
    Number,
    Related,
    Unary,
)

DEPTH_MAX: Final = 50
RELATIONS: Final = ("feeds", "fed_by", "has_part", "part_of", "site")
_RELATED_PARTS: Final = 3


def parse(text: str) -> Node:
    """Tree of an expression; :class:`ExpressionError` when it is none."""
    parser = _Parser(tokens(text))
    tree = parser.expression(1)
    parser.end()
    return tree


class _Parser:
    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._place = 0
        self._depth = 0

    @property
    def _word(self) -> Token:
        return self._words[self._place]

    def _take(self) -> Token:
        word = self._word
        self._place += 1
        return word

    def _is(self, *marks: str) -> bool:
        return self._word.kind == "mark" and self._word.text in marks

    def _expect(self, mark: str, what: str) -> None:
        if not self._is(mark):
            self._fail(f"add '{mark}' {what}")
        self._take()

    def _fail(self, remedy: str) -> NoReturn:
        """Say that the present word cannot stand here."""
        word = self._word
        message = "the expression ends here" if word.kind == "end" else f"'{word.text}' is not expected here"
        raise ExpressionError(word.column, message, remedy)

    def end(self) -> None:
        """Nothing may follow."""
        if self._word.kind != "end":
            self._fail("write one expression; join two with 'and' or 'or'")

    def expression(self, level: int) -> Node:
        """Read whatever binds at least as tightly as ``level``."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpressionError(self._word.column, f"nested deeper than {DEPTH_MAX}", "name its parts with 'let'")
        try:
            return self._operators(level)
        finally:
            self._depth -= 1

    def _operators(self, level: int) -> Node:
        left = self._operand(level)
        while self._word.kind == "mark" and LEVELS.get(self._word.text, 0) >= level:
            operator = self._take()
            own = LEVELS[operator.text]
            if operator.text == "in":
                left = Member(left, self._choices(), operator.column)
            else:
                left = Binary(operator.text, left, self.expression(own + 1), operator.column)
            if own == COMPARISON_LEVEL and LEVELS.get(self._word.text) == COMPARISON_LEVEL:
                self._fail("comparisons do not chain: write 'a < b and b < c'")
        return left

    def _operand(self, level: int) -> Node:
        word = self._word
        if self._is("not"):
            if level > AND_LEVEL + 1:
                self._fail("put brackets around 'not ...'")
            self._take()
            return Unary("not", self.expression(AND_LEVEL + 1), word.column)
        if self._is("-"):
            self._take()
            return Unary("-", self.expression(SIGN_LEVEL), word.column)
        return self._atom()

    def _atom(self) -> Node:
        if self._is("("):
            self._take()
            inner = self.expression(1)
            self._expect(")", "to close the bracket")
            return inner
        word = self._word
        if word.kind == "number":
            self._take()
            return Number(word.value, word.unit, word.column)
        if word.kind != "name":
            self._fail("write a number, a role or a function")
        self._take()
        if self._is("("):
            return Call(word.text, self._list(lambda: self.expression(1)), word.column)
        return _named(word)

    def _choices(self) -> tuple[Node, ...]:
        if not self._is("("):
            self._fail("write the values in brackets: 'in (1, 2)'")
        found = self._list(lambda: self.expression(SIGN_LEVEL))
        if not found:
            raise ExpressionError(self._word.column, "no values to be in", "write at least one value: 'in (1, 2)'")
        return found

    def _list(self, item: Callable[[], Node]) -> tuple[Node, ...]:
        self._take()
        found: list[Node] = []
        while not self._is(")"):
            if found:
                self._expect(",", "between two arguments, or ')' after the last")
            found.append(item())
        self._take()
        return tuple(found)


def _named(word: Token) -> Node:
    parts = word.text.split(".")
    if len(parts) == 1:
        return Name(word.text, word.column)
    if len(parts) != _RELATED_PARTS or parts[0] not in RELATIONS:
        remedy = f"write RELATION.Class.ROLE; relations are {', '.join(RELATIONS)}"
        raise ExpressionError(word.column, f"'{word.text}' is no role of other equipment", remedy)
    return Related(parts[0], parts[1], parts[2], word.column)
