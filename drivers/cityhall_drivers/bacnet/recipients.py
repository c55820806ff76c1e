"""Our entry in a notification class's list of recipients (BACnetDestination, ANSI/ASHRAE 135, clause 21). Pure."""

import ipaddress
from typing import Final

from cityhall_drivers.bacnet.tags import tag

PROCESS: Final = 47
"""Our process identifier: tells our entry from one that another program at our address wrote."""
_UNSIGNED, _OCTETS, _BITS, _TIME = 2, 6, 8, 11
_EVERY_DAY: Final = bytes([1, 0b1111_1110])
_EVERY_TRANSITION: Final = bytes([5, 0b1110_0000])
_MIDNIGHT: Final = bytes([0, 0, 0, 0])
_END_OF_DAY: Final = bytes([23, 59, 59, 99])
_ADDRESS: Final = (b"\x1e", b"\x1f")
"""Brackets of a recipient that is named by its address, not by a device number."""
_TRUE: Final = b"\x11"


def recipient(host: str, port: int) -> bytes:
    """Who is to be told: our address on the device's own network (0), and our process."""
    mac = ipaddress.IPv4Address(host).packed + port.to_bytes(2, "big")
    opening, closing = _ADDRESS
    address = opening + tag(_UNSIGNED, b"\x00") + tag(_OCTETS, mac) + closing
    return address + tag(_UNSIGNED, bytes([PROCESS]))


def destination(host: str, port: int) -> bytes:
    """Our whole entry: every transition, every day at any time, confirmed."""
    days = tag(_BITS, _EVERY_DAY) + tag(_TIME, _MIDNIGHT) + tag(_TIME, _END_OF_DAY)
    return days + recipient(host, port) + _TRUE + tag(_BITS, _EVERY_TRANSITION)


def is_listed(recipients: bytes, host: str, port: int) -> bool:
    """Whether we are in the list, however the device wrote our hours."""
    return recipient(host, port) in recipients


def without_us(recipients: bytes, host: str, port: int) -> bytes:
    """The list without our entry; the same list when our entry is not there as we wrote it."""
    return recipients.replace(destination(host, port), b"")
