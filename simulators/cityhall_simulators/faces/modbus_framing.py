"""Frames of Modbus requests and answers: with the TCP header (MBAP), or as on a serial line (RTU) sent over TCP.

Pure: bytes in, requests out. Formats are those of the Modbus Messaging Guide (MBAP) and of Modbus over Serial Line.
"""

import struct
from dataclasses import dataclass
from typing import Final, Protocol

RTU_OVERHEAD_BYTES: Final = 3
"""Unit and checksum around a PDU on a serial line."""
_MBAP: Final = struct.Struct(">HHHB")
_MBAP_FRAME_MAX: Final = 260
_RTU_FRAME_MAX: Final = 256
_RTU_GAP_S: Final = 0.5
"""A half frame this old is forgotten. Serial lines use 3.5 characters; a network cuts and delays segments at will."""
_RTU_FIXED_LENGTH: Final = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8}
_RTU_COUNTED: Final = {15: 6, 16: 6}
"""Functions whose frame has its number of data bytes at this place."""


class NotModbusError(Exception):
    """The bytes make no sense, and there is no way back into step."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks of a unit. ``transaction`` is the client's, and means nothing on a serial line."""

    unit_id: int
    pdu: bytes
    transaction: int = 0


class Framing(Protocol):
    """How the frames of one connection look."""

    def feed(self, data: bytes, at_s: float) -> list[Request]:
        """Whole requests so far; the rest is kept. :class:`NotModbusError` when the connection is to be ended."""
        ...

    def pack(self, request: Request, pdu: bytes) -> bytes:
        """Frame of an answer."""
        ...


def crc16(data: bytes) -> bytes:
    """Checksum as it stands behind a frame, low byte first: polynomial 0xA001 (reflected 0x8005), start 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return struct.pack("<H", crc)


def _crc_row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC_TABLE: Final = tuple(_crc_row(byte) for byte in range(256))


class MbapFraming:
    """Modbus TCP: transaction, protocol 0, length, unit."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes, at_s: float) -> list[Request]:
        """Every whole frame, also several of one segment. The length says where the next begins: time plays no part."""
        del at_s
        kept = self._kept + data
        found: list[Request] = []
        while len(kept) >= _MBAP.size:
            transaction, protocol, length, unit_id = _MBAP.unpack_from(kept)
            if protocol != 0 or not 2 <= length <= _MBAP_FRAME_MAX - 6:
                raise NotModbusError
            if len(kept) < 6 + length:
                break
            found.append(Request(unit_id, kept[_MBAP.size : 6 + length], transaction))
            kept = kept[6 + length :]
        self._kept = kept
        return found

    def pack(self, request: Request, pdu: bytes) -> bytes:
        """The client's transaction comes back with the answer."""
        return _MBAP.pack(request.transaction, 0, len(pdu) + 1, request.unit_id) + pdu


class RtuFraming:
    """A serial line's frames over TCP: unit, PDU, checksum. What is damaged is passed over in silence."""

    def __init__(self) -> None:
        self._kept = b""
        self._kept_at_s = 0.0

    def feed(self, data: bytes, at_s: float) -> list[Request]:
        """Whole requests with a right checksum. After a wrong one nothing is heard until the next segment."""
        kept = self._kept + data if at_s - self._kept_at_s <= _RTU_GAP_S else data
        found: list[Request] = []
        while kept:
            length = _rtu_length(kept)
            if length is None or len(kept) < length <= _RTU_FRAME_MAX:
                break
            frame, kept = kept[:length], kept[length:]
            if length > _RTU_FRAME_MAX or crc16(frame[:-2]) != frame[-2:]:
                kept = b""
            else:
                found.append(Request(frame[0], frame[1:-2]))
        self._kept, self._kept_at_s = kept, at_s
        return found

    def pack(self, request: Request, pdu: bytes) -> bytes:
        """Unit, answer, checksum."""
        frame = bytes((request.unit_id,)) + pdu
        return frame + crc16(frame)


def _rtu_length(begun: bytes) -> int | None:
    """Bytes of the frame that begins here, None while that cannot be said yet."""
    if len(begun) < 2:
        return None
    function = begun[1]
    if function in _RTU_FIXED_LENGTH:
        return _RTU_FIXED_LENGTH[function]
    place = _RTU_COUNTED.get(function)
    if place is None:
        # Nobody knows how long a function is that nobody knows: what came together belongs together.
        return max(len(begun), 4)
    return place + 1 + begun[place] + 2 if len(begun) > place else None
