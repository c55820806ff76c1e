"""Bodies of Read and Publish as bytes (OPC 10000-6, clause 5.2), without an object per value. Pure.

Only what servers of plants send all day is understood: scalars that are numbers, booleans or times. Everything else is
refused with :class:`UnexpectedBytesError`, and the caller lets the library decode it.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_drivers.opcua.codec import Columns
from cityhall_drivers.opcua.values import EPOCH_US, NOTHING, UnexpectedBytesError, data_values, none_is_empty, unpack

READ_REQUEST: Final = b"\x01\x00" + struct.pack("<H", 631)
READ_RESPONSE: Final = b"\x01\x00" + struct.pack("<H", 634)
PUBLISH_REQUEST: Final = b"\x01\x00" + struct.pack("<H", 826)
PUBLISH_RESPONSE: Final = b"\x01\x00" + struct.pack("<H", 829)
REPUBLISH_REQUEST: Final = b"\x01\x00" + struct.pack("<H", 832)
REPUBLISH_RESPONSE: Final = b"\x01\x00" + struct.pack("<H", 835)
_DATA_CHANGE: Final = b"\x01\x00" + struct.pack("<H", 811) + b"\x01"
"""An extension object whose body is binary."""
_UNTOLD: Final = -1
_HEAD: Final = struct.Struct("<qII")
_HEADER_REST: Final = b"\x00\xff\xff\xff\xff\x00\x00\x00"
"""No diagnostics, no string table, no additional header."""
_RESPONSE_REST: Final = (_HEADER_REST, b"\x00\x00\x00\x00\x00\x00\x00\x00")


@dataclass(frozen=True, slots=True)
class Message:
    """A notification message (OPC 10000-4, clause 7.26); without notifications it is a keep-alive."""

    sequence: int
    is_keep_alive: bool
    handles: NDArray[np.uint32]
    """Client handles of the values."""
    columns: Columns
    subscription: int = 0
    """Number of the subscription it is of; 0 when the answer does not name one, as that to a Republish."""
    events: Sequence[Sequence[Any]] = ()
    """Fields of each event, in the order in which they were selected. Only the library decodes those."""
    ended: int | None = None
    """Status with which the server ended the subscription; none while it goes on."""


def request_header(token: bytes, now_us: int, handle: int, timeout_ms: int) -> bytes:
    """Header of a request (OPC 10000-4, clause 7.32); ``token`` is the session's, encoded."""
    return b"".join(
        (
            token,
            struct.pack("<qII", (now_us + EPOCH_US) * 10, handle, 0),
            b"\xff\xff\xff\xff",
            struct.pack("<I", timeout_ms),
            b"\x00\x00\x00",
        )
    )


def read_parameters(nodes: Sequence[bytes]) -> bytes:
    """What follows the header of a Read: current values of these encoded ReadValueIds, without times."""
    timestamps_neither = 3
    return struct.pack("<dIi", 0.0, timestamps_neither, len(nodes)) + b"".join(nodes)


def publish_parameters(acknowledged: Sequence[tuple[int, int]]) -> bytes:
    """What follows the header of a Publish: messages received, by subscription and sequence number."""
    return struct.pack("<i", len(acknowledged)) + b"".join(struct.pack("<II", *one) for one in acknowledged)


def read_response(body: bytes, count: int) -> Columns:
    """Values of a whole ReadResponse that must hold ``count`` of them."""
    place = _after_header(body, READ_RESPONSE)
    if unpack("<i", body, place)[0] != count:
        msg = "another number of values than was asked for"
        raise UnexpectedBytesError(msg)
    _, columns, place = data_values(body, place + 4, count, 0)
    if body[place:] not in NOTHING:
        msg = "diagnostics, or bytes behind the end"
        raise UnexpectedBytesError(msg)
    return columns


def republish_parameters(subscription: int, sequence: int) -> bytes:
    """What follows the header of a Republish."""
    return struct.pack("<II", subscription, sequence)


def publish_response(body: bytes) -> Message:
    """The message of a whole PublishResponse (OPC 10000-4, clause 5.14.5)."""
    place = _after_header(body, PUBLISH_RESPONSE)
    subscription = int(unpack("<I", body, place)[0])
    place += 4
    place += 4 + 4 * _count(body, place)
    if unpack("<B", body, place)[0] > 1:
        msg = "a boolean that is neither"
        raise UnexpectedBytesError(msg)
    message, place = _message(body, place + 1, subscription)
    # Results of acknowledgements: a message that the server has forgotten already needs none.
    place += 4 + 4 * _count(body, place)
    if body[place:] not in NOTHING:
        msg = "diagnostics, or bytes behind the end"
        raise UnexpectedBytesError(msg)
    return message


def republish_response(body: bytes) -> Message:
    """The message of a whole RepublishResponse (OPC 10000-4, clause 5.14.6)."""
    message, place = _message(body, _after_header(body, REPUBLISH_RESPONSE))
    if place != len(body):
        msg = "bytes behind the end"
        raise UnexpectedBytesError(msg)
    return message


def _message(body: bytes, place: int, subscription: int = 0) -> tuple[Message, int]:
    """A message with at most one notification, of data changes; and where it ends."""
    sequence, _, notifications = unpack("<Iqi", body, place)
    place += 16
    if notifications == 1:
        handles, columns, place = _data_change(body, place)
    else:
        handles, columns, _ = data_values(body, place, none_is_empty(notifications), 4)
    return Message(sequence, notifications != 1, handles, columns, subscription), place


def _data_change(body: bytes, place: int) -> tuple[NDArray[np.uint32], Columns, int]:
    """A DataChangeNotification in its extension object."""
    if body[place : place + 5] != _DATA_CHANGE:
        msg = "a notification that is no data change"
        raise UnexpectedBytesError(msg)
    size, count = unpack("<ii", body, place + 5)
    handles, columns, end = data_values(body, place + 13, count, 4)
    end += 4
    # Some servers (WinCC Comfort panels, SINUMERIK) leave the length out: -1, which the standard does not allow here.
    if body[end - 4 : end] not in NOTHING or (size != _UNTOLD and end != place + 9 + size):
        msg = "diagnostics, or a notification of another length than it says"
        raise UnexpectedBytesError(msg)
    return handles, columns, end


def _after_header(body: bytes, kind: bytes) -> int:
    """Where the body goes on behind a response header that reports success."""
    place = len(kind) + _HEAD.size
    if body[: len(kind)] != kind or len(body) < place + 8:
        msg = "an answer of another kind"
        raise UnexpectedBytesError(msg)
    _, _, result = _HEAD.unpack_from(body, len(kind))
    if result or body[place : place + 8] not in _RESPONSE_REST:
        msg = "a failure, diagnostics or an additional header"
        raise UnexpectedBytesError(msg)
    return place + 8


def _count(body: bytes, place: int) -> int:
    """Length of an array of numbers of four bytes."""
    count = int(unpack("<i", body, place)[0])
    return count if 0 < count <= len(body) // 4 else none_is_empty(count)
