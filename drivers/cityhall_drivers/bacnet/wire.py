"""BACnet/IP frames: BVLL (ANSI/ASHRAE 135, annex J), NPDU (clause 6), and heads of APDUs (clause 20.1). Pure.

What is not exactly as expected is a :class:`FrameError`: this codec reads the few frames of steady work, and leaves
everything else to the library.
"""

import struct
from typing import Final, NamedTuple

from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError

APDU_MAX: Final = 1476
"""The longest that BACnet/IP carries unsegmented; we take it."""
_APDU_MAX_CODE: Final = 0x05
_VERSION: Final = 0x01
_BVLL: Final = 0x81
_BVLL_HEAD: Final = 4

# BVLL functions (annex J.2).
RESULT: Final = 0x00
_FORWARDED: Final = 0x04
_REGISTER_FOREIGN: Final = 0x05
_UNICAST: Final = 0x0A
_BROADCAST: Final = 0x0B

# Bits of the NPDU's control octet (clause 6.2.2).
_IS_NETWORK_MESSAGE: Final = 0x80
_HAS_DESTINATION: Final = 0x20
_HAS_SOURCE: Final = 0x08
_EXPECTS_REPLY: Final = 0x04
_HOPS: Final = 0xFF

# Types of APDU: upper four bits of the first octet.
CONFIRMED, UNCONFIRMED, SIMPLE_ACK, COMPLEX_ACK, SEGMENT_ACK, ERROR, REJECT, ABORT = range(8)
_BY_SERVER: Final = 0x01
_SEGMENTED: Final = 0x08

# Services (clause 21, BACnetConfirmedServiceChoice and BACnetUnconfirmedServiceChoice).
CONFIRMED_COV: Final = 1
SUBSCRIBE_COV: Final = 5
READ_PROPERTY: Final = 12
READ_MULTIPLE: Final = 14
I_AM: Final = 0
UNCONFIRMED_COV: Final = 2

_ENUMERATED_1, _ENUMERATED_2 = 0x91, 0x92
_DEVICE_TYPE: Final = 8
_OBJECT_TAG: Final = 0xC4


class FrameError(ValueError):
    """Bytes that are not what they should be here."""


class Station(NamedTuple):
    """Where a device is: an IPv4 address and UDP port; behind a router, its network and its MAC there as well."""

    host: str
    port: int
    network: int = 0
    """0 for a device at this very address."""
    mac: bytes = b""


def datagram(station: Station, apdu: bytes, *, expects_reply: bool) -> bytes:
    """An APDU on its way to a station, through the router at the address where it is behind one."""
    control = _EXPECTS_REPLY if expects_reply else 0
    if station.network:
        routed = struct.pack(">BBHB", _VERSION, control | _HAS_DESTINATION, station.network, len(station.mac))
        npdu = routed + station.mac + bytes((_HOPS,))
    else:
        npdu = bytes((_VERSION, control))
    return struct.pack(">BBH", _BVLL, _UNICAST, _BVLL_HEAD + len(npdu) + len(apdu)) + npdu + apdu


def open_datagram(data: bytes, source: tuple[str, int]) -> tuple[Station, bytes]:
    """The station that speaks and its APDU, which is not empty; :class:`FrameError` for everything else.

    A forwarded broadcast comes from the device that the BBMD names, not from the BBMD.
    """
    function, content = bvll(data)
    host, port = source[0], source[1]
    if function == _FORWARDED and len(content) > 6:
        host, port = ".".join(map(str, content[:4])), int.from_bytes(content[4:6], "big")
        content = content[6:]
    elif function not in {_UNICAST, _BROADCAST}:
        msg = f"BVLL function {function}"
        raise FrameError(msg)
    if len(content) > 2 and content[0] == _VERSION and not content[1] & ~_EXPECTS_REPLY & 0xFC:
        return Station(host, port), content[2:]
    network, mac, apdu = _npdu(content)
    return Station(host, port, network, mac), apdu


def bvll(data: bytes) -> tuple[int, bytes]:
    """Function and content of a datagram; :class:`FrameError` when it is cut, too long, or no BACnet/IP."""
    if len(data) < _BVLL_HEAD or data[0] != _BVLL or data[2] << 8 | data[3] != len(data):
        msg = "no whole BACnet/IP datagram"
        raise FrameError(msg)
    return data[1], data[_BVLL_HEAD:]


def _npdu(content: bytes) -> tuple[int, bytes, bytes]:
    """Network and MAC of the source (0 and nothing for a local one), and the APDU."""
    try:
        if content[0] != _VERSION or content[1] & _IS_NETWORK_MESSAGE:
            msg = "no NPDU with an APDU"
            raise FrameError(msg)
        control, place = content[1], 2
        if control & _HAS_DESTINATION:
            place += 3 + content[place + 2]
        network, mac = 0, b""
        if control & _HAS_SOURCE:
            network, length = content[place] << 8 | content[place + 1], content[place + 2]
            mac = content[place + 3 : place + 3 + length]
            place += 3 + length
        if control & _HAS_DESTINATION:
            place += 1
        apdu = content[place:]
    except IndexError:
        apdu = b""
    if not apdu:
        msg = "an NPDU that ends too early"
        raise FrameError(msg)
    return network, mac, apdu


def register_foreign(ttl_s: int) -> bytes:
    """Ask a BBMD to pass broadcasts on to us for so long (annex J.5.2.1)."""
    return struct.pack(">BBHH", _BVLL, _REGISTER_FOREIGN, 6, ttl_s)


def result_code(content: bytes) -> int:
    """Code of a BVLC-Result (annex J.2.1); 0 is success."""
    if len(content) != 2:
        msg = "a BVLC-Result without its code"
        raise FrameError(msg)
    return content[0] << 8 | content[1]


def confirmed(service: int, data: bytes) -> bytes:
    """A question whose invoke number (third octet) is 0 until it is asked.

    It allows no segmented answer: what does not fit into one datagram is turned down, and asked for in parts.
    """
    return bytes((CONFIRMED << 4, _APDU_MAX_CODE, 0, service)) + data


def with_invoke(question: bytes, invoke: int) -> bytes:
    """The question with its number."""
    return question[:2] + bytes((invoke,)) + question[3:]


def simple_ack(invoke: int, service: int) -> bytes:
    """Confirm what a device told us."""
    return bytes((SIMPLE_ACK << 4, invoke, service))


def unknown_subscription(invoke: int, service: int) -> bytes:
    """Tell a device that we never asked for what it tells us: Error, services, unknown-subscription."""
    return bytes((ERROR << 4, invoke, service, _ENUMERATED_1, 5, _ENUMERATED_1, 79))


def answered_invoke(apdu: bytes) -> int | None:
    """Number of the question that an APDU answers as a whole; none when it answers none of ours."""
    kind = apdu[0] >> 4
    if len(apdu) < 3 or kind in {CONFIRMED, UNCONFIRMED, SEGMENT_ACK} or kind > ABORT:
        return None
    if kind == ABORT and not apdu[0] & _BY_SERVER:
        return None
    return apdu[1]


def reply_of(apdu: bytes, service: int) -> bytes:
    """Data of the answer to a question of this service; empty for a plain yes.

    :class:`ErrorAnswerError` for Error, :class:`TurnedDownError` for Abort and Reject, :class:`FrameError` for an
    answer to another service, one in segments, and whatever else should not be.
    """
    kind = apdu[0] >> 4
    if kind in {REJECT, ABORT} and len(apdu) == 3:
        raise TurnedDownError(apdu[2], is_abort=kind == ABORT)
    if kind in {SIMPLE_ACK, COMPLEX_ACK, ERROR} and not apdu[0] & 0x0F and apdu[2] == service:
        if kind == ERROR:
            raise ErrorAnswerError(*_class_and_code(apdu[3:]))
        if kind == COMPLEX_ACK or len(apdu) == 3:
            return apdu[3:]
    msg = f"no answer to service {service}"
    raise FrameError(msg)


def _class_and_code(data: bytes) -> tuple[int, int]:
    found: list[int] = []
    place = 0
    while place < len(data) and data[place] in {_ENUMERATED_1, _ENUMERATED_2}:
        length = data[place] - 0x90
        found.append(int.from_bytes(data[place + 1 : place + 1 + length], "big"))
        place += 1 + length
    if len(found) != 2 or place != len(data):
        msg = "an Error without its class and code"
        raise FrameError(msg)
    return found[0], found[1]


def i_am_instance(apdu: bytes) -> int | None:
    """Instance of the device that says I-Am (clause 16.10.2); none for any other APDU."""
    if len(apdu) < 7 or apdu[0] != UNCONFIRMED << 4 or apdu[1] != I_AM or apdu[2] != _OBJECT_TAG:
        return None
    number = int.from_bytes(apdu[3:7], "big")
    return number & 0x3FFFFF if number >> 22 == _DEVICE_TYPE else None
