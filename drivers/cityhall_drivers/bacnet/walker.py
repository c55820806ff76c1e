"""Walking through the data of an APDU, octet by octet (ANSI/ASHRAE 135, clause 20.2). Pure.

Every function takes where it begins and gives where it ended. What is not as expected is a :class:`FrameError`; bytes
that end too early are an ``IndexError``, or an end behind the last octet.
"""

from typing import Final

from cityhall_drivers.bacnet.codec import Object, Tag, Value
from cityhall_drivers.bacnet.wire import FrameError

_CONTEXT: Final = 0x08
_EXTENDED_NUMBER: Final = 0xF
_OPENING, _CLOSING, _EXTENDED = 6, 7, 5
_NUMBER_BYTES_MAX: Final = 4


def object_bytes(target: Object) -> bytes:
    """An object identifier: type in the upper ten bits, instance in the lower 22 (clause 20.2.14)."""
    return (target.type << 22 | target.instance).to_bytes(4, "big")


def tagged_number(context: int, number: int) -> bytes:
    """An unsigned number under a context tag below 15, in as few octets as it takes (clause 20.2.4)."""
    data = number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
    return bytes((context << 4 | _CONTEXT | len(data),)) + data


def object_at(data: bytes, place: int, tag: int) -> tuple[Object, int]:
    """An object identifier under this tag."""
    place = expect(data, place, tag)
    data[place + 3]
    number = int.from_bytes(data[place : place + 4], "big")
    return Object(number >> 22, number & 0x3FFFFF), place + 4


def expect(data: bytes, place: int, tag: int) -> int:
    """Go on behind this very octet."""
    if data[place] != tag:
        msg = f"octet 0x{data[place]:02X} where 0x{tag:02X} belongs"
        raise FrameError(msg)
    return place + 1


def is_number_of(tag: int, context: int) -> bool:
    """Whether a tag opens a number of one to four octets under this context."""
    return tag >> 3 == context << 1 | 1 and 1 <= tag & 0x07 <= _NUMBER_BYTES_MAX


def number_at(data: bytes, place: int, context: int) -> tuple[int, int]:
    """An unsigned number under a context tag."""
    tag = data[place]
    if not is_number_of(tag, context):
        msg = f"octet 0x{tag:02X} where a number belongs"
        raise FrameError(msg)
    end = place + 1 + (tag & 0x07)
    data[end - 1]
    return int.from_bytes(data[place + 1 : end], "big"), end


def content_at(data: bytes, place: int, end_tag: int) -> tuple[Value | None, int, int]:
    """Read up to the closing tag: the value if it is a single primitive one, where its bytes are, and what follows."""
    value, begins = None, 0
    tags, depth = 0, 0
    while depth or data[place] != end_tag:
        head = data[place]
        number, length, place = head >> 4, head & 0x07, place + 1
        if number == _EXTENDED_NUMBER:
            number, place = data[place], place + 1
        tags += 1
        if length in {_OPENING, _CLOSING}:
            depth += 1 if length == _OPENING else -1
            if depth < 0 or not head & _CONTEXT:
                msg = "a bracket that was never opened, or of no context"
                raise FrameError(msg)
            continue
        if length == _EXTENDED:
            length, place = _extended(data, place)
        is_boolean = number == Tag.BOOLEAN and not head & _CONTEXT
        size = 0 if is_boolean else length
        if not head & _CONTEXT:
            value, begins = Value(number, data[place : place + size], length), place
        place += size
    data[place]
    return (value if tags == 1 else None), begins, place + 1


def _extended(data: bytes, place: int) -> tuple[int, int]:
    """Length that does not fit into three bits (clause 20.2.1.3.1)."""
    length = data[place]
    size = {254: 2, 255: 4}.get(length, 0)
    if not size:
        return length, place + 1
    data[place + size]
    return int.from_bytes(data[place + 1 : place + 1 + size], "big"), place + 1 + size
