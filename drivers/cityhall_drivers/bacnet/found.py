"""What a device's objects tell of themselves, as points. Pure; knows no library."""

from collections.abc import Mapping
from typing import Final

from cityhall_bms.domain.units import UNITS
from cityhall_bms.ports.capabilities import FoundPoint
from cityhall_drivers.bacnet.codec import OBJECT_TYPES, Object, number_of
from cityhall_drivers.bacnet.tags import Tag, TagError, parse

ACTIVE_TEXT, DESCRIPTION, INACTIVE_TEXT, HIGHEST, LOWEST, NAME, PRIORITY_ARRAY, STATE_TEXT, UNIT = (
    4, 28, 46, 65, 69, 77, 87, 110, 117,
)  # fmt: skip
_CHARACTERS: Final = 7
_CHARSETS: Final = {0: "utf-8", 3: "utf-32-be", 4: "utf-16-be", 5: "latin-1"}
"""Clause 20.2.9."""
_KINDS: Final = {
    "analog-input": ("AI", "AI"),
    "analog-output": ("AO", "AO"),
    "analog-value": ("AI", "SP"),
    "binary-input": ("DI", "DI"),
    "binary-output": ("DO", "DO"),
    "binary-value": ("DI", "DO"),
    "loop": ("AI", "AI"),
    "multi-state-input": ("MI", "MI"),
    "multi-state-output": ("MO", "MO"),
    "multi-state-value": ("MI", "MO"),
    "accumulator": ("CI", "CI"),
    "pulse-converter": ("AI", "AI"),
    "integer-value": ("AI", "SP"),
    "large-analog-value": ("AI", "SP"),
    "positive-integer-value": ("AI", "SP"),
}
"""Kind of a point when it is only measured, and when it has a priority array."""
_NAME_OF: Final = {number: name for name, number in OBJECT_TYPES.items()}
_UNITS: Final = {unit.bacnet: unit.symbol for unit in UNITS.values() if unit.bacnet is not None}
Told = Mapping[int, bytes]
"""Tags of an object's properties, as far as it gave them."""


def wanted_of(target: Object) -> tuple[int, ...]:
    """Properties that say what an object is, by its type; nothing for one without a value that can be read."""
    name = _NAME_OF.get(target.type)
    if name is None:
        return ()
    if name.startswith("binary"):
        return (NAME, DESCRIPTION, INACTIVE_TEXT, ACTIVE_TEXT, PRIORITY_ARRAY)
    if name.startswith("multi-state"):
        return (NAME, DESCRIPTION, STATE_TEXT, PRIORITY_ARRAY)
    return (NAME, DESCRIPTION, UNIT, LOWEST, HIGHEST, PRIORITY_ARRAY)


def point_of(target: Object, told: Told) -> FoundPoint:
    """What ``points.csv`` needs to know. An object without a description is called by its name."""
    name = _NAME_OF[target.type]
    measured, commanded = _KINDS[name]
    is_commandable = PRIORITY_ARRAY in told
    unit = _number_in(told, UNIT)
    return FoundPoint(
        address=f"{name},{target.instance}",
        text=text_in(told, DESCRIPTION) or text_in(told, NAME),
        kind=commanded if is_commandable else measured,
        unit="" if unit is None else _UNITS.get(int(unit), ""),
        low=_number_in(told, LOWEST),
        high=_number_in(told, HIGHEST),
        states=_states(name, told),
        writable=is_commandable,
    )


def text_in(told: Told, property_id: int) -> str:
    """A text; empty where there is none, or one in a character set that is not the standard's."""
    texts = _texts(_tags(told, property_id))
    return texts[0] if texts else ""


def _states(name: str, told: Told) -> dict[int, str]:
    """Texts by present value: of binary objects from 0, of multi-state objects from 1."""
    if name.startswith("binary"):
        found = {0: text_in(told, INACTIVE_TEXT), 1: text_in(told, ACTIVE_TEXT)}
    else:
        found = dict(enumerate(_texts(_tags(told, STATE_TEXT)), start=1))
    return {value: text for value, text in found.items() if text}


def _texts(tags: list[Tag]) -> list[str]:
    return [_text(one.data) for one in tags if one.number == _CHARACTERS and not one.is_context]


def _text(data: bytes) -> str:
    charset = _CHARSETS.get(data[0]) if data else None
    return "" if charset is None else data[1:].decode(charset, errors="replace").strip("\x00 ")


def _number_in(told: Told, property_id: int) -> float | None:
    tags = _tags(told, property_id)
    return number_of(tags[0].value) if len(tags) == 1 else None


def _tags(told: Told, property_id: int) -> list[Tag]:
    try:
        return parse(told.get(property_id, b""))
    except TagError:
        return []
