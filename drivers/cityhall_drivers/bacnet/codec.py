"""What a point is in a BACnet device, and how properties become values and qualities. Pure; knows no library.

An address is an object, ``analog-input,1``; what is read of it are present-value and status-flags.
"""

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from typing import Final, NamedTuple

from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Point

PRESENT_VALUE: Final = 85
STATUS_FLAGS: Final = 111
MAX_APDU: Final = 62
DEVICE_TYPE: Final = 8
# Numbers of the object types (ANSI/ASHRAE 135, clause 21) whose present value is a number or a state.
OBJECT_TYPES: Final = {
    "analog-input": 0,
    "analog-output": 1,
    "analog-value": 2,
    "binary-input": 3,
    "binary-output": 4,
    "binary-value": 5,
    "loop": 12,
    "multi-state-input": 13,
    "multi-state-output": 14,
    "multi-state-value": 19,
    "accumulator": 23,
    "pulse-converter": 24,
    "integer-value": 45,
    "large-analog-value": 46,
    "positive-integer-value": 48,
}
INSTANCE_MAX: Final = 4_194_302
_ADDRESS: Final = re.compile(r"(?P<type>[a-z-]+),(?P<instance>[0-9]{1,9})")

APDU_MIN: Final = 50
ANSWER_HEAD: Final = 3
ANSWER_OF_OBJECT: Final = 23
"""Bytes of a real present value with its status flags in an answer: identifiers, opening and closing tags and all."""


class Column(StrEnum):
    """The columns of a point that say where and how a device holds it."""

    ADDRESS = "address"
    TYPE = "type"
    WORD_ORDER = "word_order"
    SCALE = "scale"
    OFFSET = "offset"


class MistakeError(ValueError):
    """A point that cannot be what its row says; names the column and the remedy."""

    def __init__(self, field: Column, message: str, remedy: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message, self.remedy = field, message, remedy


class Object(NamedTuple):
    """An object's identifier: number of its type, and instance."""

    type: int
    instance: int


@dataclass(frozen=True, slots=True)
class Item:
    """One point as its device holds it: value = present value x scale + offset."""

    object: Object
    scale: float = 1.0
    offset: float = 0.0


NULL_TAG: Final = 0


class Tag(IntEnum):
    """Application tags that can be a number (clause 20.2.1.4)."""

    BOOLEAN = 1
    UNSIGNED = 2
    INTEGER = 3
    REAL = 4
    DOUBLE = 5
    ENUMERATED = 9


class Value(NamedTuple):
    """One property as it was sent: application tag, its bytes, and the tag's length field (a boolean's value)."""

    tag: int
    data: bytes
    length: int


Answer = tuple[float, Quality]
"""Present value (NaN when there is none) and quality of one object."""
REFUSED: Final[Answer] = (math.nan, Quality.BAD_REFUSED)
NO_DATA: Final[Answer] = (math.nan, Quality.BAD_NO_DATA)


class Flags(NamedTuple):
    """BACnetStatusFlags, in the order of the standard."""

    in_alarm: bool = False
    fault: bool = False
    overridden: bool = False
    out_of_service: bool = False


def parse_address(text: str) -> Object:
    """Read ``analog-input,1``; :class:`MistakeError` when it is none of ours."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise MistakeError(Column.ADDRESS, f"{text!r} is no BACnet object", "write TYPE,INSTANCE as in analog-input,1")
    if match["type"] not in OBJECT_TYPES:
        raise MistakeError(
            Column.ADDRESS, f"unknown object type {match['type']!r}", f"use one of {', '.join(OBJECT_TYPES)}"
        )
    if int(match["instance"]) > INSTANCE_MAX:
        raise MistakeError(
            Column.ADDRESS, f"instance {match['instance']} is too large", f"instances are 0 to {INSTANCE_MAX}"
        )
    return Object(OBJECT_TYPES[match["type"]], int(match["instance"]))


def item_of(point: Point) -> Item:
    """Read a point's address and encoding; the first :class:`MistakeError` is raised."""
    target, encoding = parse_address(point.address), point.encoding
    if encoding.type:
        raise MistakeError(Column.TYPE, "a BACnet object says its type itself", "leave the column empty")
    if encoding.word_order != "ABCD":
        raise MistakeError(Column.WORD_ORDER, "BACnet has one byte order", "leave the column empty")
    if not math.isfinite(encoding.scale) or encoding.scale == 0.0:
        raise MistakeError(Column.SCALE, f"scale {encoding.scale} would hide the value", "give a number other than 0")
    if not math.isfinite(encoding.offset):
        raise MistakeError(Column.OFFSET, f"offset {encoding.offset} is no number", "give a number")
    return Item(target, encoding.scale, encoding.offset)


def number_of(value: Value) -> float | None:
    """Give the number in a property; none for what is no number."""
    tag, data, length = value
    if tag == Tag.BOOLEAN:
        return float(length)
    if tag in {Tag.UNSIGNED, Tag.ENUMERATED} and data:
        return float(int.from_bytes(data, "big"))
    if tag == Tag.INTEGER and data:
        return float(int.from_bytes(data, "big", signed=True))
    if (tag, len(data)) in {(Tag.REAL, 4), (Tag.DOUBLE, 8)}:
        number: float = struct.unpack(">f" if tag == Tag.REAL else ">d", data)[0]
        return number if math.isfinite(number) else None
    return None


def flags_of(data: bytes) -> Flags:
    """Read a bit string of status flags; what is missing counts as not set."""
    if len(data) < 2:
        return Flags()
    return Flags(*(bool(data[1] & (0x80 >> place)) for place in range(4)))


def quality_of(flags: Flags) -> Quality:
    """What the flags say of the value. An object in alarm measures well: that is what makes its alarm worth hearing."""
    if flags.fault:
        return Quality.BAD_DEVICE_FAULT
    if flags.out_of_service:
        return Quality.BAD_OUT_OF_SERVICE
    return Quality.UNCERTAIN_OVERRIDDEN if flags.overridden else Quality.GOOD


QUALITIES: Final = tuple(quality_of(Flags(*(bool(bits & (8 >> place)) for place in range(4)))) for bits in range(16))
"""By the four status flags, as the upper half of their octet."""


def answer_of(properties: Mapping[int, Value | None]) -> Answer:
    """Join present value and flags. Without a present value it was refused; without flags it counts as it is."""
    if PRESENT_VALUE not in properties:
        return REFUSED
    value = properties[PRESENT_VALUE]
    if value is not None and value.tag == NULL_TAG:
        return NO_DATA
    number = None if value is None else number_of(value)
    if number is None:
        return math.nan, Quality.BAD_DECODE
    bits = properties.get(STATUS_FLAGS)
    return number, quality_of(flags_of(bits.data) if bits is not None else Flags())


class Remedy(Enum):
    """What helps after a question was turned down without an answer."""

    ASK_LESS = "ask for fewer objects at once"
    ASK_SINGLY = "ask for one property at a time"
    NONE = "nothing that we could do differently"


# Reasons that are about the size of a question or its answer (ANSI/ASHRAE 135, clauses 18.9 and 18.10).
_ABORTS_BY_SIZE: Final = {1, 4, 9, 11}  # buffer overflow, segmentation not supported, out of resources, APDU too long
_REJECTS_BY_SIZE: Final = {1, 7}  # buffer overflow, too many arguments
_UNRECOGNIZED_SERVICE: Final = 9


def remedy_for_abort(reason: int) -> Remedy:
    """Decide by the reason of an Abort."""
    return Remedy.ASK_LESS if reason in _ABORTS_BY_SIZE else Remedy.NONE


def remedy_for_reject(reason: int) -> Remedy:
    """Decide by the reason of a Reject."""
    if reason == _UNRECOGNIZED_SERVICE:
        return Remedy.ASK_SINGLY
    return Remedy.ASK_LESS if reason in _REJECTS_BY_SIZE else Remedy.NONE


def objects_per_request(apdu_max: int, configured_max: int) -> int:
    """How many objects' present values and flags fit in one unsegmented answer; one at least."""
    return max(1, min(configured_max, (apdu_max - ANSWER_HEAD) // ANSWER_OF_OBJECT))
