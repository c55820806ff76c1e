"""How a value becomes a present value, and how a priority array is read. Pure; knows no library."""

import math
import struct
from collections.abc import Mapping
from typing import Final

from cityhall_bms.domain.errors import DeviceRefusedError
from cityhall_drivers.bacnet.codec import NULL_TAG, OBJECT_TYPES, Item, Tag, number_of
from cityhall_drivers.bacnet.tags import TagError, parse, tag

PRIORITIES: Final = 16
NULL: Final = b"\x00"
"""Gives a priority up (clause 19.2)."""
_TAG_OF: Final = {
    "analog-output": Tag.REAL,
    "analog-value": Tag.REAL,
    "binary-output": Tag.ENUMERATED,
    "binary-value": Tag.ENUMERATED,
    "multi-state-output": Tag.UNSIGNED,
    "multi-state-value": Tag.UNSIGNED,
    "integer-value": Tag.INTEGER,
    "large-analog-value": Tag.DOUBLE,
    "positive-integer-value": Tag.UNSIGNED,
}
"""Type of the present value of objects that may be commanded; inputs are written by nobody but their device."""
_NAME_OF: Final = {number: name for name, number in OBJECT_TYPES.items()}
_STATES: Final = {"binary-output": 0, "binary-value": 0, "multi-state-output": 1, "multi-state-value": 1}
"""Objects whose value is a state, and the first of them."""
_INT_MAX: Final = 2**31 - 1
_UNSIGNED_MAX: Final = 2**32 - 1
_ALMOST: Final = 1e-6


def present_value(item: Item, value: float) -> bytes:
    """Bytes of a value in the point's unit; :class:`DeviceRefusedError` where the object has no place for it."""
    name = _NAME_OF[item.object.type]
    kind = _TAG_OF.get(name)
    if kind is None:
        msg = f"{name},{item.object.instance} is measured by its device and never written"
        raise DeviceRefusedError(msg)
    number = (value - item.offset) / item.scale
    if not math.isfinite(number):
        msg = f"{value:g} is no number that can be written"
        raise DeviceRefusedError(msg)
    if kind is Tag.REAL:
        return tag(kind, _real(number, value))
    if kind is Tag.DOUBLE:
        return tag(kind, struct.pack(">d", number))
    return tag(kind, _whole(name, kind, _rounded(name, number, value), value))


def slots_of(data: bytes, item: Item) -> Mapping[int, float]:
    """Slots in use of a priority array and their values in the point's unit.

    :class:`~cityhall_drivers.bacnet.tags.TagError` when it is no array of sixteen numbers or Nulls.
    """
    elements = parse(data)
    if len(elements) != PRIORITIES or any(one.is_context for one in elements):
        msg = f"a priority array of {len(elements)} elements, or of structures"
        raise TagError(msg)
    found = {}
    for priority, one in enumerate(elements, start=1):
        if one.number == NULL_TAG:
            continue
        number = number_of(one.value)
        if number is None:
            msg = f"priority {priority} holds no number"
            raise TagError(msg)
        found[priority] = number * item.scale + item.offset
    return found


def is_same(held: float, value: float) -> bool:
    """Whether what is read back is what was written, but for the precision of a REAL."""
    return math.isclose(held, value, rel_tol=1e-5, abs_tol=_ALMOST)


def _real(number: float, value: float) -> bytes:
    try:
        return struct.pack(">f", number)
    except OverflowError:
        msg = f"{value:g} is too large for a REAL"
        raise DeviceRefusedError(msg) from None


def _rounded(name: str, number: float, value: float) -> int:
    nearest = round(number)
    if name not in _STATES:
        return nearest
    first = _STATES[name]
    last = 1 if first == 0 else _UNSIGNED_MAX
    if abs(number - nearest) > _ALMOST or not first <= nearest <= last:
        msg = f"{value:g} is no state of a {name}"
        raise DeviceRefusedError(msg)
    return nearest


def _whole(name: str, kind: Tag, number: int, value: float) -> bytes:
    low, high = (-_INT_MAX - 1, _INT_MAX) if kind is Tag.INTEGER else (0, _UNSIGNED_MAX)
    if not low <= number <= high:
        msg = f"{value:g} becomes {number}, which a {name} cannot hold"
        raise DeviceRefusedError(msg)
    if kind is Tag.INTEGER:
        size = next(size for size in range(1, 5) if -(1 << (8 * size - 1)) <= number < 1 << (8 * size - 1))
        return number.to_bytes(size, "big", signed=True)
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
