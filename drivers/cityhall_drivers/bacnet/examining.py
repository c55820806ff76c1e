"""One point as an engineer wants to see it, and the requests of a plan with what they cost. Pure; knows no library."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.ports.capabilities import Examined, PlannedRequest
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import (
    ANSWER_HEAD,
    OBJECT_TYPES,
    PRESENT_VALUE,
    STATUS_FLAGS,
    Item,
    Object,
    Value,
    answer_of,
    flags_of,
)
from cityhall_drivers.bacnet.plan import Group
from cityhall_drivers.bacnet.tags import TagError, parse

RELIABILITY: Final = 103
RELIABILITIES: Final = {
    0: "no-fault-detected",
    1: "no-sensor",
    2: "over-range",
    3: "under-range",
    4: "open-loop",
    5: "shorted-loop",
    6: "no-output",
    7: "unreliable-other",
    8: "process-error",
    9: "multi-state-fault",
    10: "configuration-error",
    12: "communication-failure",
    13: "member-fault",
    14: "monitored-object-fault",
    15: "tripped",
    25: "multi-state-out-of-range",
}
"""BACnetReliability (ANSI/ASHRAE 135, clause 21)."""
_ENVELOPE: Final = 6
"""BVLC and NPDU of a datagram, each way."""
_QUESTION_HEAD: Final = 4
_QUESTION_OF_OBJECT: Final = 11
_ANSWER_WITHOUT_VALUE: Final = 18
"""Of one object: identifier, two property identifiers, status flags, and the brackets around them."""
_VALUE_BYTES: Final = {"large-analog-value": 10, "integer-value": 5, "accumulator": 5, "positive-integer-value": 5}
_REAL_TYPES: Final = {"analog-input", "analog-output", "analog-value", "loop", "pulse-converter"}
_STATE_BYTES: Final = 2
_NAME_OF: Final = {number: name for name, number in OBJECT_TYPES.items()}


def text_of(target: Object) -> str:
    """``analog-input,1``; a type of no name of ours keeps its number."""
    return f"{_NAME_OF.get(target.type, target.type)},{target.instance}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a device said of one object: bytes of each property, or its words of refusal."""

    present_value: bytes | str
    status_flags: bytes | str
    reliability: bytes | str


def examined(bound: BoundPoint, item: Item, shown: Shown) -> Examined:
    """Value, quality and everything that the device said of it."""
    properties: dict[int, Value | None] = {}
    notes = []
    if isinstance(shown.present_value, bytes):
        properties[PRESENT_VALUE] = _single(shown.present_value)
    else:
        notes.append(shown.present_value)
    flags = _single(shown.status_flags) if isinstance(shown.status_flags, bytes) else None
    if flags is not None:
        properties[STATUS_FLAGS] = flags
        notes += [name.replace("_", "-") for name, is_set in flags_of(flags.data)._asdict().items() if is_set]
    reliability = _single(shown.reliability) if isinstance(shown.reliability, bytes) else None
    if reliability is not None:
        reason = int.from_bytes(reliability.data, "big")
        notes.append(f"reliability {RELIABILITIES.get(reason, reason)}")
    raw = shown.present_value.hex(" ") if isinstance(shown.present_value, bytes) else ""
    number, quality = answer_of(properties)
    value = number * item.scale + item.offset
    return Examined(bound.point.name, bound.point.address, raw, value, quality, ", ".join(notes))


def planned(groups: Sequence[Group]) -> list[PlannedRequest]:
    """Requests for people, with their bytes on the wire (UDP data, question and answer)."""
    return [_planned(group) for group in groups]


def _planned(group: Group) -> PlannedRequest:
    objects = group.objects
    span = text_of(objects[0]) if len(objects) == 1 else f"{text_of(objects[0])} … {text_of(objects[-1])}"
    question = _ENVELOPE + _QUESTION_HEAD + _QUESTION_OF_OBJECT * len(objects)
    answer = _ENVELOPE + ANSWER_HEAD + sum(_ANSWER_WITHOUT_VALUE + _value_bytes(one) for one in objects)
    return PlannedRequest(f"ReadPropertyMultiple {span}", len(objects), question + answer)


def _value_bytes(target: Object) -> int:
    name = _NAME_OF[target.type]
    return 5 if name in _REAL_TYPES else _VALUE_BYTES.get(name, _STATE_BYTES)


def _single(data: bytes) -> Value | None:
    try:
        tags = parse(data)
    except TagError:
        return None
    return tags[0].value if len(tags) == 1 and not tags[0].is_context else None
