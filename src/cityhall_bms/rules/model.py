"""What a rule file may say: closed models of the ``[[rule]]`` tables (`docs/reference/rules.md`).

A rule names a class of equipment and the roles of its points; it is bound to every member by `binding`.
"""

import hashlib
import string
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    TypeAdapter,
    field_validator,
)

from cityhall_bms.domain.site import System

ANY_CLASS: Final = "any"
DELAY_MAX_S: Final = 7 * 86_400.0
PLACEHOLDERS: Final = frozenset({"equipment", "point", "value", "limit", "unit"})
"""What a rule's texts may hold in braces; replaced when the alarm is raised."""


def _tuple_of(value: object) -> object:
    """One name stands for a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_tuple_of), Field(min_length=1, max_length=100)]
Seconds = Annotated[float, Field(ge=0.0, le=DELAY_MAX_S, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Role = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=100)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=40)]
Detail = Annotated[str, Field(max_length=2000)]
Expression = Annotated[str, Field(min_length=1)]
Constant = str | Number
"""A number with its unit, like ``"2.8 K"``; a bare one where there is no unit."""
Priority = Annotated[int, Field(ge=1, le=4)]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a rule was read. It is no part of what the rule says: all origins are equal."""

    file: str = field(default="rules", compare=False)
    line_of: Callable[[tuple[str | int, ...]], int] = field(default=lambda _: 0, compare=False)
    """Gives the line of a key of the rule's table; 0 when it is not known."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class RuleBase(_Closed):
    """What every rule has. Delays in s; ``version`` grows with every change of meaning."""

    id: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,39}$")]
    version: Annotated[int, Field(ge=1)] = 1
    enabled: bool = True
    detects: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """What of the limits and faults of the project it finds."""
    priority: Priority
    latching: bool = False
    on_delay_s: Seconds = 0.0
    off_delay_s: Seconds = 0.0
    text_zh: Annotated[str, Field(min_length=1, max_length=200)]
    text_en: Annotated[str, Field(min_length=1, max_length=200)]
    cause_zh: Detail = ""
    cause_en: Detail = ""
    """What is most likely wrong."""
    sop_zh: Detail = ""
    sop_en: Detail = ""
    """What to do, a step per line."""
    source: Annotated[str, Field(min_length=1, max_length=200)]

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @property
    def origin(self) -> Origin:
        """Where it was read."""
        return self._origin

    def read_from(self, origin: Origin) -> None:
        """Note where it was read, for mistakes that only its site shows."""
        self._origin = origin

    @field_validator("text_zh", "text_en")
    @classmethod
    def _known_placeholders(cls, text: str) -> str:
        # Field names are compared whole, so that no attribute or index of a value can be reached.
        for _, name, form, conversion in string.Formatter().parse(text):
            if name is not None and (name not in PLACEHOLDERS or form or conversion):
                msg = f"'{{{name}}}' is no placeholder; known are {', '.join(sorted(PLACEHOLDERS))}, without a format"
                raise ValueError(msg)
        return text


class ModeState(_Closed):
    """A state of an operating mode. The first one counts whose ``when`` is true; without one it is any time."""

    name: Word
    when: Expression | None = None
    entered_from: Annotated[tuple[Word, ...], Field(alias="from", max_length=50)] = ()


class Mode(_Closed):
    """A ``[[mode]]``: states of equipment, told by conditions. A new one counts after ``hold_s``."""

    id: Word
    equipment_class: Names
    hold_s: Seconds = 0.0
    states: Annotated[tuple[ModeState, ...], Field(alias="state", min_length=1, max_length=50)]


class SeverityStep(_Closed):
    """A further condition of the same alarm, with a priority of its own."""

    priority: Priority
    condition: Expression
    on_delay_s: Seconds | None = None
    """As the rule's, without it."""


class _OfClass(RuleBase):
    equipment_class: Names

    def is_for(self, brick_class: str) -> bool:
        """Tell whether equipment of a class is meant."""
        return ANY_CLASS in self.equipment_class or brick_class in self.equipment_class


class ConditionRule(_OfClass):
    """True while an expression is (`docs/reference/rule-language.md`).

    With ``each``, every one of those roles is a subject of its own and the expressions call it ``POINT``; without, the
    equipment is the subject.
    """

    condition: Expression
    deadband: Constant | None = None
    when: Expression | None = None
    """Prerequisite. Known not to hold: the rule is NOT-APPLICABLE."""
    parameters: Annotated[Mapping[Word, Constant], Field(max_length=50)] = {}
    let: Annotated[Mapping[Word, Expression], Field(max_length=50)] = {}
    each: Annotated[tuple[Role, ...], BeforeValidator(_tuple_of), Field(max_length=100)] = ()
    value: Expression | None = None
    """Figure for people; without it the left side of the comparison that decided."""
    steps: Annotated[tuple[SeverityStep, ...], Field(alias="step", max_length=8)] = ()
    modes: Annotated[tuple[Mode, ...], Field(max_length=20)] = ()
    """Operating modes that it asks for; put here by the reader of the file, so that a rule is whole."""


class StaleRule(_OfClass):
    """True while none of the named points (of all, without ``role``) of an equipment has a good, fresh value."""

    kind: Literal["stale"]
    role: Annotated[tuple[str, ...], BeforeValidator(_tuple_of)] = ()


class DeviceRule(RuleBase):
    """True while none of a device's points has a good, fresh value.

    ``systems`` empty = devices of every system. With ``equipment_class``, devices that speak for equipment of it.
    """

    kind: Literal["device"]
    systems: tuple[System, ...] = ()
    equipment_class: Annotated[tuple[str, ...], BeforeValidator(_tuple_of), Field(max_length=100)] = ()
    other_than: Annotated[tuple[str, ...], BeforeValidator(_tuple_of), Field(max_length=100)] = ()
    """Classes whose devices are left to another rule."""

    def is_for(self, system: str, classes: Collection[str]) -> bool:
        """Tell whether a device of a system is meant that speaks for equipment of some classes."""
        return (
            (not self.systems or system in self.systems)
            and (not self.equipment_class or not set(classes).isdisjoint(self.equipment_class))
            and set(classes).isdisjoint(self.other_than)
        )


CONDITION: Final = "condition"
"""Tag of the rules that have no ``kind``."""


def _kind(table: object) -> object:
    """Kind of a rule, from its table or from itself."""
    if isinstance(table, Mapping):
        return table.get("kind", CONDITION)
    return getattr(table, "kind", CONDITION)


Rule = Annotated[
    Annotated[ConditionRule, Tag(CONDITION)]
    | Annotated[StaleRule, Tag("stale")]
    | Annotated[DeviceRule, Tag("device")],
    Discriminator(_kind),
]
RULE_ADAPTER: Final[TypeAdapter[Any]] = TypeAdapter(Rule)


_FOR_PEOPLE: Final = {"text_zh", "text_en", "cause_zh", "cause_en", "sop_zh", "sop_en", "source", "detects", "version"}


def meaning(rule: RuleBase) -> str:
    """Digest of what decides: rules that differ in texts alone mean the same."""
    return hashlib.sha256(rule.model_dump_json(by_alias=True, exclude=_FOR_PEOPLE).encode()).hexdigest()
