"""What the names of an expression stand for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cityhall_bms.rules.language.kinds import ANY_NUMBER, Kind
from cityhall_bms.rules.language.terms import Term


@dataclass(frozen=True, slots=True)
class Scope:
    """Names and what they mean. The default is that of a rule that has not met its site: every unit may be."""

    role: Callable[[str], Kind] = lambda _: ANY_NUMBER
    related: Callable[[str, str, str], Kind] = lambda _relation, _class, _role: ANY_NUMBER
    target: Callable[[str], Kind | None] = lambda _: ANY_NUMBER
    schedule: Callable[[str], bool] = lambda _: True
    names: Mapping[str, Term] = field(default_factory=dict)
    """Parameters and ``let`` names."""
    modes: Mapping[str, Term] = field(default_factory=dict)
    each: bool = False
    """Whether ``POINT`` means something."""
