"""SubscribeCOV and COV notifications (ANSI/ASHRAE 135, clauses 13.14, 13.6 and 13.7). Pure."""

import math
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.bacnet.codec import QUALITIES, Answer, Object, Value
from cityhall_drivers.bacnet.walker import (
    content_at,
    expect,
    is_number_of,
    number_at,
    object_at,
    object_bytes,
    tagged_number,
)
from cityhall_drivers.bacnet.wire import CONFIRMED_COV, SUBSCRIBE_COV, UNCONFIRMED_COV, FrameError, confirmed

_PROCESS, _LIFETIME = 0, 3
_SUBSCRIBED_OBJECT: Final = 0x1C
_CONFIRMED_TAG: Final = 0x29
_DEVICE, _MONITORED, _TIME = 0x1C, 0x2C, 3
_LIST, _LIST_END = 0x4E, 0x4F
_PROPERTY, _INDEX, _PRIORITY = 0, 1, 3
_VALUE, _VALUE_END = 0x2E, 0x2F
_ACCEPTS_SEGMENTS: Final = 0x02
_CONFIRMED_HEAD, _UNCONFIRMED_HEAD = 4, 2
_UNCONFIRMED: Final = 0x10
# A list of a real present value and status flags: what stands around the four octets and the one that change.
_OBJECT_SIZE: Final = 5
_REAL_SIZE: Final = 18
_BEFORE_REAL, _BEFORE_FLAGS, _BEHIND = b"\x4e\x09\x55\x2e\x44", b"\x2f\x09\x6f\x2e\x82\x04", b"\x2f\x4f"
_REAL: Final = struct.Struct(">f")


def subscription(process: int, target: Object, lifetime_s: int, *, is_confirmed: bool) -> bytes:
    """Ask to be told the changes of an object for so long; renews as well."""
    wanted = bytes((_CONFIRMED_TAG, is_confirmed)) + tagged_number(_LIFETIME, lifetime_s)
    return confirmed(SUBSCRIBE_COV, _who_and_what(process, target) + wanted)


def cancellation(process: int, target: Object) -> bytes:
    """Ask to be told no longer."""
    return confirmed(SUBSCRIBE_COV, _who_and_what(process, target))


def _who_and_what(process: int, target: Object) -> bytes:
    return tagged_number(_PROCESS, process) + bytes((_SUBSCRIBED_OBJECT,)) + object_bytes(target)


class Notification(NamedTuple):
    """What a device says has changed."""

    invoke: int | None
    """Number under which it wants to be confirmed; none when it does not."""
    process: int
    device: Object
    object: Object
    values: dict[int, Value | None]
    """Properties by number; none for a list or a structure."""


def notification_of(apdu: bytes) -> Notification | None:
    """Read a notification; none for another service. :class:`FrameError` when it is none though it says so."""
    invoke, place = _head(apdu)
    if not place:
        return None
    values: dict[int, Value | None] = {}
    try:
        process, place = number_at(apdu, place, _PROCESS)
        device, place = object_at(apdu, place, _DEVICE)
        target, place = object_at(apdu, place, _MONITORED)
        _, place = number_at(apdu, place, _TIME)
        place = expect(apdu, place, _LIST)
        while apdu[place] != _LIST_END:
            place = _property(apdu, place, values)
    except IndexError:
        place = len(apdu)
    if place != len(apdu) - 1:
        msg = "a notification of another length"
        raise FrameError(msg)
    return Notification(invoke, process, device, target, values)


def _head(apdu: bytes) -> tuple[int | None, int]:
    """Invoke number, and where the data begin; 0 for no notification."""
    if apdu[0] == _UNCONFIRMED:
        return None, _UNCONFIRMED_HEAD if apdu[1:2] == bytes((UNCONFIRMED_COV,)) else 0
    if not apdu[0] & ~_ACCEPTS_SEGMENTS and apdu[3:4] == bytes((CONFIRMED_COV,)):
        return apdu[2], _CONFIRMED_HEAD
    return None, 0


def _property(apdu: bytes, place: int, values: dict[int, Value | None]) -> int:
    number, place = number_at(apdu, place, _PROPERTY)
    is_whole = not is_number_of(apdu[place], _INDEX)
    if not is_whole:
        _, place = number_at(apdu, place, _INDEX)
    value, _, place = content_at(apdu, expect(apdu, place, _VALUE), _VALUE_END)
    if is_number_of(apdu[place], _PRIORITY):
        _, place = number_at(apdu, place, _PRIORITY)
    if is_whole:
        values[number] = value
    return place


class Glance:
    """Tells at a glance what nearly every notification says: a real value, and flags, of an object subscribed to."""

    def __init__(self, process: int, device: Object, objects: Iterable[Object]) -> None:
        self._head = tagged_number(_PROCESS, process) + bytes((_DEVICE,)) + object_bytes(device)
        self._objects = {bytes((_MONITORED,)) + object_bytes(target): target for target in objects}

    def read(self, apdu: bytes) -> tuple[int | None, Object, Answer] | None:
        """Invoke number, object and what it says; none for every other APDU, which is to be walked."""
        invoke, place = _head(apdu)
        if not place or not apdu.startswith(self._head, place):
            return None
        place += len(self._head)
        time = place + _OBJECT_SIZE
        target = self._objects.get(apdu[place:time])
        if target is None or len(apdu) <= time or not is_number_of(apdu[time], _TIME):
            return None
        answer = _real(apdu[time + 1 + (apdu[time] & 0x07) :])
        return None if answer is None else (invoke, target, answer)


def _real(listed: bytes) -> Answer | None:
    """What a list of values says that is a real present value and status flags; none for every other list."""
    if len(listed) != _REAL_SIZE or not listed.startswith(_BEFORE_REAL):
        return None
    if listed[9:15] != _BEFORE_FLAGS or listed[16:] != _BEHIND:
        return None
    number: float = _REAL.unpack_from(listed, len(_BEFORE_REAL))[0]
    return (number, QUALITIES[listed[15] >> 4]) if math.isfinite(number) else (math.nan, Quality.BAD_DECODE)
