"""ReadPropertyMultiple and ReadProperty (ANSI/ASHRAE 135, clauses 15.7 and 15.5): questions and answers. Pure.

Answers are walked tag by tag, and matched by object and property, never by place. An answer that was walked once leaves
a :class:`Layout`: as long as a device answers a group with the same bytes around its values, they are picked out of it
by numpy. Whatever differs elsewhere than in a value's own bytes is walked again.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.bacnet.codec import (
    NO_DATA,
    PRESENT_VALUE,
    QUALITIES,
    STATUS_FLAGS,
    Answer,
    Object,
    Tag,
    Value,
    answer_of,
    flags_of,
    quality_of,
)
from cityhall_drivers.bacnet.walker import content_at, expect, is_number_of, number_at, object_at, object_bytes
from cityhall_drivers.bacnet.wire import READ_MULTIPLE, READ_PROPERTY, FrameError, confirmed

Columns = tuple[NDArray[np.float64], NDArray[np.uint8]]
"""Values (NaN where there is none) and qualities of a group's objects, in its order."""

_OBJECT: Final = 0x0C
_LIST, _LIST_END = 0x1E, 0x1F
_VALUE, _VALUE_END, _ERROR, _ERROR_END = 0x4E, 0x4F, 0x5E, 0x5F
_WANTED: Final = bytes((_LIST, 0x09, PRESENT_VALUE, 0x09, STATUS_FLAGS, _LIST_END))
_PROPERTY, _INDEX = 2, 3
_ACK_PROPERTY: Final = 1
_ACK_VALUE, _ACK_VALUE_END = 0x3E, 0x3F
_INTEGER_BYTES_MAX: Final = 6
"""Longer ones may not fit into the 53 bits of a float64; they are walked."""

_FLAGS_SIZE: Final = 2
_QUALITIES: Final = np.array(QUALITIES, np.uint8)


def question(objects: Sequence[Object]) -> bytes:
    """Ask for present value and status flags of objects."""
    wanted = (bytes((_OBJECT,)) + object_bytes(target) + _WANTED for target in objects)
    return confirmed(READ_MULTIPLE, b"".join(wanted))


def single_question(target: Object, property_id: int) -> bytes:
    """Ask for one property, whose number is below 256."""
    return confirmed(READ_PROPERTY, bytes((_OBJECT,)) + object_bytes(target) + bytes((0x19, property_id)))


class Found(NamedTuple):
    """One property in an answer."""

    object: Object
    property: int
    is_whole: bool
    """False for one element of an array."""
    is_error: bool
    value: Value | None
    """None for an error, a list or a structure."""
    place: int
    """Where the value's own bytes begin."""


def walk(data: bytes) -> list[Found]:
    """Every property in the answer to a question for many; :class:`FrameError` when it is none."""
    found: list[Found] = []
    place = 0
    try:
        while place < len(data):
            target, place = object_at(data, place, _OBJECT)
            place = expect(data, place, _LIST)
            while data[place] != _LIST_END:
                one, place = _property(data, place, target)
                found.append(one)
            place += 1
    except IndexError:
        place = len(data) + 1
    if place != len(data):
        msg = "an answer that ends too early"
        raise FrameError(msg)
    return found


def single(data: bytes, target: Object, property_id: int) -> Value | None:
    """The property in the answer to a question for one; none for a list or a structure.

    :class:`FrameError` when it is of another object or property, or no answer at all.
    """
    try:
        named, place = object_at(data, 0, _OBJECT)
        number, place = number_at(data, place, _ACK_PROPERTY)
        place = expect(data, place, _ACK_VALUE)
        value, _, place = content_at(data, place, _ACK_VALUE_END)
    except IndexError:
        named, number, value, place = target, property_id, None, -1
    if (named, number, place) != (target, property_id, len(data)):
        msg = "an answer to another question"
        raise FrameError(msg)
    return value


def _property(data: bytes, place: int, target: Object) -> tuple[Found, int]:
    number, place = number_at(data, place, _PROPERTY)
    is_whole = not is_number_of(data[place], _INDEX)
    if not is_whole:
        _, place = number_at(data, place, _INDEX)
    if data[place] == _ERROR:
        _, _, place = content_at(data, place + 1, _ERROR_END)
        return Found(target, number, is_whole, is_error=True, value=None, place=0), place
    place = expect(data, place, _VALUE)
    value, begins, place = content_at(data, place, _VALUE_END)
    return Found(target, number, is_whole, is_error=False, value=value, place=begins), place


def answers(objects: Sequence[Object], found: Sequence[Found]) -> list[Answer]:
    """What each object answered; :class:`FrameError` when one speaks that was not asked, or one twice."""
    properties: dict[Object, dict[int, Value | None]] = {}
    named: dict[Object, set[int]] = {target: set() for target in objects}
    for one in found:
        is_asked = one.property in {PRESENT_VALUE, STATUS_FLAGS} and one.is_whole
        if not is_asked or one.object not in named or one.property in named[one.object]:
            msg = f"object {one.object.type},{one.object.instance} property {one.property} was not asked for"
            raise FrameError(msg)
        named[one.object].add(one.property)
        values = properties.setdefault(one.object, {})
        if not one.is_error:
            values[one.property] = one.value
    return [answer_of(properties[target]) if target in properties else NO_DATA for target in objects]


def columns(told: Sequence[Answer]) -> Columns:
    """Answers as columns."""
    return np.array([one[0] for one in told], np.float64), np.array([one[1] for one in told], np.uint8)


class Layout:
    """Where the values lie in a group's answer; fits answers that differ from the first in nothing but values."""

    def __init__(self, data: bytes, objects: Sequence[Object], found: Sequence[Found], told: Sequence[Answer]) -> None:
        """Learn from an answer that was walked."""
        self._value, self._quality = columns(told)
        self._mask = np.full(len(data), 0xFF, np.uint8)
        values = {one.object: one for one in found if one.property == PRESENT_VALUE and _is_number(one.value)}
        flags = {one.object: one for one in found if one.property == STATUS_FLAGS and one.value is not None}
        places: dict[tuple[int, int], list[tuple[int, int]]] = {}
        flagged: list[tuple[int, int]] = []
        for row, target in enumerate(objects):
            if target not in values:
                continue
            tag, size, place = _shape(values[target])
            places.setdefault((tag, size), []).append((row, place))
            self._mask[place : place + size] = 0
            bits = flags.get(target)
            if bits is not None and _shape(bits)[1] == _FLAGS_SIZE:
                flagged.append((row, bits.place + 1))
                self._mask[bits.place + 1] = 0x0F
            self._quality[row] = Quality.GOOD if bits is None else quality_of(flags_of(_data(bits)))
        self._fixed = (np.frombuffer(data, np.uint8) & self._mask).tobytes()
        self._numbers = [_Numbers(tag, size, where) for (tag, size), where in places.items()]
        self._flag_rows = np.array([row for row, _ in flagged], np.intp)
        self._flag_places = np.array([place for _, place in flagged], np.intp)
        self._rows = np.array([row for row, target in enumerate(objects) if target in values], np.intp)

    def decode(self, data: bytes) -> Columns | None:
        """Values and qualities, the same as by walking; none when the answer does not fit."""
        if len(data) != len(self._fixed):
            return None
        octets = np.frombuffer(data, np.uint8)
        if (octets & self._mask).tobytes() != self._fixed:
            return None
        value, quality = self._value.copy(), self._quality.copy()
        with np.errstate(invalid="ignore"):  # a signalling NaN is found below, as any other
            for numbers in self._numbers:
                value[numbers.rows] = numbers.decode(octets)
        quality[self._flag_rows] = _QUALITIES[octets[self._flag_places] >> 4]
        broken = self._rows[~np.isfinite(value[self._rows])]
        value[broken], quality[broken] = np.nan, Quality.BAD_DECODE
        return value, quality


def _shape(found: Found) -> tuple[int, int, int]:
    """Tag, size and place of a value that is there."""
    return (0, 0, 0) if found.value is None else (found.value.tag, len(found.value.data), found.place)


def _data(found: Found) -> bytes:
    return b"" if found.value is None else found.value.data


def _is_number(value: Value | None) -> bool:
    """Whether a value's bytes may change without changing what they mean; a boolean's is its tag."""
    if value is None:
        return False
    size = len(value.data)
    if value.tag in {Tag.UNSIGNED, Tag.ENUMERATED, Tag.INTEGER}:
        return 1 <= size <= _INTEGER_BYTES_MAX
    return (value.tag, size) in {(Tag.REAL, 4), (Tag.DOUBLE, 8)}


class _Numbers:
    """Values of one type and size within an answer."""

    def __init__(self, tag: int, size: int, where: Sequence[tuple[int, int]]) -> None:
        self.rows = np.array([row for row, _ in where], np.intp)
        self._shape = len(where), size
        self._places = (np.array([[place] for _, place in where], np.intp) + np.arange(size)).ravel()
        self._tag = tag
        self._weights = 256.0 ** np.arange(size - 1, -1, -1)

    def decode(self, octets: NDArray[np.uint8]) -> NDArray[np.float64]:
        picked = octets.take(self._places)
        if self._tag == Tag.REAL:
            return picked.view(">f4").astype(np.float64)
        if self._tag == Tag.DOUBLE:
            return picked.view(">f8").astype(np.float64)
        table = picked.reshape(self._shape)
        numbers: NDArray[np.float64] = table @ self._weights
        if self._tag == Tag.INTEGER:
            numbers = numbers - (table[:, 0] >> 7) * 256.0 ** self._shape[1]
        return numbers
