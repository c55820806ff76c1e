"""Tags, of which everything in an APDU's data is made (ANSI/ASHRAE 135, clause 20.2). Pure; knows no library."""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from cityhall_drivers.bacnet.codec import Object, Value

OPENING: Final = 6
CLOSING: Final = 7
_CONTEXT_BIT: Final = 0x08
_EXTENDED_NUMBER: Final = 15
_EXTENDED_LENGTH: Final = 5
_BOOLEAN: Final = 1
_TWO_BYTES, _FOUR_BYTES = 254, 255


class TagError(ValueError):
    """Bytes that are no tags."""


class Tag(NamedTuple):
    """One tag with its data. ``form`` is OPENING or CLOSING for the brackets around a structure, else 0."""

    number: int
    is_context: bool
    data: bytes = b""
    length: int = 0
    """The length field, which is a boolean's value."""
    form: int = 0

    @property
    def value(self) -> Value:
        """The same as a property's value; meaningful for application tags."""
        return Value(self.number, self.data, self.length)


def parse(data: bytes) -> list[Tag]:
    """Cut bytes into tags; :class:`TagError` when they are none."""
    found, place = [], 0
    while place < len(data):
        tag, place = _one(data, place)
        found.append(tag)
    return found


def _one(data: bytes, place: int) -> tuple[Tag, int]:
    head = data[place]
    number, is_context, length = head >> 4, bool(head & _CONTEXT_BIT), head & 0x07
    place += 1
    try:
        if number == _EXTENDED_NUMBER:
            number, place = data[place], place + 1
        if length in {OPENING, CLOSING}:
            return _bracket(number, length, is_context=is_context), place
        if not is_context and number == _BOOLEAN:
            return Tag(number, is_context=False, length=length), place
        if length == _EXTENDED_LENGTH:
            length, place = _extended(data, place)
    except (IndexError, struct.error):
        msg = "a tag that ends too early"
        raise TagError(msg) from None
    if place + length > len(data):
        msg = f"a tag of {length} bytes where {len(data) - place} are left"
        raise TagError(msg)
    return Tag(number, is_context, data[place : place + length], length), place + length


def _bracket(number: int, form: int, *, is_context: bool) -> Tag:
    if not is_context:
        msg = f"a bracket of no context, number {number}"
        raise TagError(msg)
    return Tag(number, is_context=True, form=form)


def _extended(data: bytes, place: int) -> tuple[int, int]:
    length = data[place]
    if length == _TWO_BYTES:
        return struct.unpack_from(">H", data, place + 1)[0], place + 3
    if length == _FOUR_BYTES:
        return struct.unpack_from(">I", data, place + 1)[0], place + 5
    return length, place + 1


def tag(number: int, data: bytes, *, is_context: bool = False) -> bytes:
    """Bytes of a tag of up to 253 bytes of data."""
    bits = _CONTEXT_BIT if is_context else 0
    if len(data) < _EXTENDED_LENGTH:
        return bytes([number << 4 | bits | len(data)]) + data
    return bytes([number << 4 | bits | _EXTENDED_LENGTH, len(data)]) + data


def object_of(data: bytes) -> Object:
    """Read an object identifier: type in the upper ten bits, instance in the lower 22 (clause 20.2.14)."""
    number = int.from_bytes(data, "big")
    return Object(number >> 22, number & 0x3FFFFF)


def inside(tags: Sequence[Tag], number: int) -> list[Tag] | None:
    """Tags between the first brackets of this context number; none when there are no such brackets."""
    depth = 0
    found: list[Tag] | None = None
    for one in tags:
        if one.form == CLOSING:
            depth -= 1
            if depth == 0 and found is not None:
                return found
        if found is not None:
            found.append(one)
        elif one.form == OPENING and depth == 0 and one.number == number:
            found = []
        if one.form == OPENING:
            depth += 1
    return None
