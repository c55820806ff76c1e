"""Expressions cut into words. A unit belongs to the number before it."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from cityhall_bms.domain.units import UNITS, find_unit, measure_of, typed_symbol
from cityhall_bms.rules.language.errors import ExpressionError

LENGTH_MAX: Final = 2_000
"""Characters of one expression; longer ones are better named in parts (``let``)."""
KEYWORDS: Final = frozenset({"or", "and", "not", "in"})

_SPACE: Final = re.compile(r"\s*")
_NUMBER: Final = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_MARK: Final = re.compile(r"<=|>=|==|!=|[<>+\-*/(),]")
_UNIT: Final = re.compile(r"(?!\d)[%\w°℃㎡㎥Ω²³]+(?:\(A\))?")
_UNIT_BELOW: Final = re.compile(r"/(?=[^\s/])" + _UNIT.pattern)
_TIMES: Final = frozenset({"s", "min", "h", "d"})


@dataclass(frozen=True, slots=True)
class Token:
    """One word: ``kind`` is ``number``, ``name``, ``mark`` (operators, keywords, brackets) or ``end``."""

    kind: str
    text: str
    column: int
    value: float = 0.0
    unit: str = ""


def tokens(text: str) -> list[Token]:
    """Words of an expression, the end included; :class:`ExpressionError` for what is none."""
    if len(text) > LENGTH_MAX:
        raise ExpressionError(LENGTH_MAX, f"longer than {LENGTH_MAX} characters", "name its parts with 'let'")
    found: list[Token] = []
    place = _skip(text, 0)
    while place < len(text):
        token, place = _next(text, place)
        found.append(token)
        place = _skip(text, place)
    return [*found, Token("end", "", len(text) + 1)]


def _next(text: str, place: int) -> tuple[Token, int]:
    column = place + 1
    if match := _NUMBER.match(text, place):
        unit, end = _unit(text, match.end())
        return Token("number", match[0], column, float(match[0]), unit), end
    if match := _NAME.match(text, place):
        return Token("mark" if match[0] in KEYWORDS else "name", match[0], column), match.end()
    if match := _MARK.match(text, place):
        return Token("mark", match[0], column), match.end()
    remedy = {"=": "compare with '=='", "&": "write 'and'", "|": "write 'or'", "!": "write 'not'"}
    raise ExpressionError(column, f"'{text[place]}' is no part of the language", remedy.get(text[place], "remove it"))


def _unit(text: str, end: int) -> tuple[str, int]:
    """Unit that follows a number, and where it ends; empty when none follows."""
    start = _skip(text, end)
    above = _UNIT.match(text, start)
    if above is not None and above[0] in KEYWORDS:
        return "", end
    below = _UNIT_BELOW.match(text, above.end() if above else start)
    if below is not None and (find_unit(_symbol(above, below)) or below[0][1:] in _TIMES):
        return _known(start + 1, _symbol(above, below)), below.end()
    if above is not None and find_unit(above[0]) is None:
        raise _unknown(start + 1, above[0])
    return (_known(start + 1, above[0]), above.end()) if above else ("", end)


def _symbol(above: re.Match[str] | None, below: re.Match[str]) -> str:
    return (above[0] if above else "") + below[0]


def _known(column: int, symbol: str) -> str:
    """Symbol as the table writes it."""
    unit = find_unit(symbol)
    if unit is not None:
        return unit.symbol
    if measure_of(symbol) is None:
        raise _unknown(column, symbol)
    above, _, below = typed_symbol(symbol).rpartition("/")
    return f"{_known(column, above)}/{below}" if above else f"/{below}"


def _unknown(column: int, symbol: str) -> ExpressionError:
    near = get_close_matches(symbol, UNITS, n=1, cutoff=0.4)
    remedy = f"did you mean '{near[0]}'?" if near else "units are those of points.csv"
    return ExpressionError(column, f"'{symbol}' is no unit", remedy)


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
