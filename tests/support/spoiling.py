"""What a faulty wire makes of a device's answers: the same for streams and datagrams, by the rules of each protocol."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from cityhall_simulators.faces.modbus_framing import crc16


class Fault(StrEnum):
    CUT = "cut"
    """Connections are reset and new ones refused; nobody listens for datagrams."""
    SILENT = "silent"
    """Everything stays open and nothing comes through any more."""
    HALF_OPEN = "half-open"
    """The device's side of every connection ends, and the client never hears of it, not even afterwards."""
    LATE = "late"
    """Answers are held back, and come when the wire is whole again: after the driver has given up on them."""
    TORN = "torn"
    """Answers come in pieces and end in their middle."""
    LOSSY = "lossy"
    """Every other answer, by chance, does not come."""
    DOUBLED = "doubled"
    """Answers come twice."""
    REORDERED = "reordered"
    """Answers come in pairs, the second first."""
    MISNUMBERED = "misnumbered"
    """Answers carry the number of another question, or come from another unit where they have none."""
    GARBLED = "garbled"
    """Something else comes instead of answers."""


KILLS = frozenset({Fault.CUT, Fault.SILENT, Fault.HALF_OPEN, Fault.LATE, Fault.TORN})
"""Nothing whole comes through; the others a driver may survive without losing its device."""
DATAGRAM_FAULTS = tuple(fault for fault in Fault if fault is not Fault.HALF_OPEN)

Misuse = Callable[[bytes, Random], bytes]
"""Makes something else of an answer."""


def random_bytes(data: bytes, random: Random) -> bytes:
    return random.randbytes(len(data))


def flipped_bits(data: bytes, random: Random) -> bytes:
    """Up to three wrong bits, as on a serial line; its checksum finds every such mistake."""
    spoilt = bytearray(data)
    for place in random.sample(range(8 * len(data)), random.randint(1, 3)):
        spoilt[place // 8] ^= 1 << place % 8
    return bytes(spoilt)


def other_transaction(data: bytes, random: Random) -> bytes:
    """Modbus TCP: another transaction."""
    return bytes((data[0] ^ random.randint(1, 255),)) + data[1:]


def other_unit(data: bytes, _random: Random) -> bytes:
    """Modbus RTU: a right frame of another unit."""
    frame = bytes((data[0] + 1,)) + data[1:-2]
    return frame + crc16(frame)


def other_invoke(data: bytes, _random: Random) -> bytes:
    """BACnet/IP: another invoke number, or the process of another subscriber; what carries neither stays."""
    is_plain = len(data) > 9 and not data[5] & 0xA8
    if not is_plain:
        return data
    spoilt = bytearray(data)
    if data[6] >> 4 in {2, 3, 5, 6, 7}:
        spoilt[7] ^= 0x80
    elif data[6:8] == b"\x10\x02":
        spoilt[8 + (data[8] & 7)] ^= 0x80
    return bytes(spoilt)


def other_request(data: bytes, random: Random) -> bytes:
    """OPC UA: another request id in every message chunk."""
    spoilt, at = bytearray(data), 0
    while at + 24 <= len(spoilt):
        size = struct.unpack_from("<I", spoilt, at + 4)[0]
        if spoilt[at : at + 3] == b"MSG":
            spoilt[at + 22] ^= random.randint(1, 255)
        if size < 8:
            break
        at += size
    return bytes(spoilt)


def other_message(data: bytes, random: Random) -> bytes:
    """SNMP: another request id, of version 3 another message id."""
    at = _skip(data, _content(data, 0))
    at = _content(data, at) if data[at] == 0x30 else _content(data, _skip(data, at))
    spoilt = bytearray(data)
    spoilt[_content(data, at)] ^= random.randint(1, 127)
    return bytes(spoilt)


def _content(data: bytes, at: int) -> int:
    """Where the content of the element begins that begins here (BER)."""
    return at + 2 + (data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0)


def _skip(data: bytes, at: int) -> int:
    """Where the element ends that begins here; its length takes one octet."""
    return at + 2 + data[at + 1]


@dataclass(eq=False)
class Route:
    """What a faulty wire keeps of one client's answers."""

    kept: bytes | None = None
    """The answer that is to come after the next one."""


class Spoiler:
    """Makes of an answer what a fault makes of it. ``spoilt`` counts them."""

    def __init__(self, random: Random, misnumber: Misuse | None = None, garble: Misuse = random_bytes) -> None:
        self.spoilt = 0
        self._random = random
        self._misnumber = misnumber
        self._garble = garble

    def spoil(self, fault: Fault, data: bytes, route: Route) -> list[bytes]:
        """What comes instead, in its order. Late and torn answers are the wire's own business."""
        self.spoilt += 1
        if fault is Fault.DOUBLED:
            return [data, data]
        if fault is Fault.LOSSY:
            return [data] if self._random.random() < 0.5 else []
        if fault is Fault.REORDERED:
            before, route.kept = route.kept, None if route.kept is not None else data
            return [] if before is None else [data, before]
        if fault is Fault.MISNUMBERED:
            assert self._misnumber is not None, "answers of this wire carry no number"
            return [self._misnumber(data, self._random)]
        return [self._garble(data, self._random)] if fault is Fault.GARBLED else []
