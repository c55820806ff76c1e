"""Expressions as they were written. Two trees are equal when they say the same, wherever it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

AND_LEVEL: Final = 2
NOT_LEVEL: Final = 3
COMPARISON_LEVEL: Final = 4
SIGN_LEVEL: Final = 7
LEVELS: Final = {
    "or": 1, "and": AND_LEVEL,
    "<": COMPARISON_LEVEL, "<=": COMPARISON_LEVEL, ">": COMPARISON_LEVEL, ">=": COMPARISON_LEVEL,
    "==": COMPARISON_LEVEL, "!=": COMPARISON_LEVEL, "in": COMPARISON_LEVEL,
    "+": 5, "-": 5, "*": 6, "/": 6,
}  # fmt: skip
"""How tightly operators of two operands bind; ``not`` and the sign have levels of their own."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit, if it has one."""

    value: float
    unit: str = ""
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A role, a parameter, a ``let``, ``POINT`` or the name that a function wants."""

    text: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Related:
    """A role of other equipment: ``fed_by.Air_Handling_Unit.RunSts``."""

    relation: str
    brick_class: str
    role: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of some arguments."""

    function: str
    arguments: tuple["Node", ...]
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """``not x`` or ``-x``."""

    operator: str
    operand: "Node"
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands; ``column`` is the operator's."""

    operator: str
    left: "Node"
    right: "Node"
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """``x in (a, b)``."""

    operand: "Node"
    choices: tuple["Node", ...]
    column: int = field(default=1, compare=False)


Node = Number | Name | Related | Call | Unary | Binary | Member


def names_in(node: Node) -> Iterator[str]:
    """Names that a tree says, of whatever kind."""
    match node:
        case Name(text=text):
            yield text
        case Call(arguments=inner):
            for part in inner:
                yield from names_in(part)
        case Unary(operand=inner_node) | Member(operand=inner_node):
            yield from names_in(inner_node)
        case Binary(left=left, right=right):
            yield from names_in(left)
            yield from names_in(right)
        case _:
            return


def column_of(node: Node) -> int:
    """Column at which a node begins."""
    match node:
        case Binary(left=first) | Member(operand=first):
            return column_of(first)
        case _:
            return node.column


def render(node: Node, level: int = 0) -> str:  # noqa: PLR0911 - one per kind of node
    """Write a tree as text that reads as the same tree; ``level`` is that of the operator around it."""
    match node:
        case Number():
            text = repr(node.value).removesuffix(".0")
            return f"{text} {node.unit}" if node.unit else text
        case Name():
            return node.text
        case Related():
            return f"{node.relation}.{node.brick_class}.{node.role}"
        case Call():
            return f"{node.function}({', '.join(render(item) for item in node.arguments)})"
        case Unary(operator="not"):
            return _wrapped(f"not {render(node.operand, NOT_LEVEL)}", NOT_LEVEL, level)
        case Unary():
            return _wrapped(f"-{render(node.operand, SIGN_LEVEL)}", SIGN_LEVEL, level)
        case Member():
            choices = ", ".join(render(item) for item in node.choices)
            return _wrapped(f"{render(node.operand, COMPARISON_LEVEL + 1)} in ({choices})", COMPARISON_LEVEL, level)
        case Binary():
            own = LEVELS[node.operator]
            # Comparisons do not chain; the others lean to the left.
            left = render(node.left, own + 1 if own == COMPARISON_LEVEL else own)
            return _wrapped(f"{left} {node.operator} {render(node.right, own + 1)}", own, level)


def _wrapped(text: str, own: int, around: int) -> str:
    return f"({text})" if own < around else text
