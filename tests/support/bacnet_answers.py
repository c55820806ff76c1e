"""Answers of BACnet devices, octet by octet as ANSI/ASHRAE 135 writes them. They share no code with the driver."""

from collections.abc import Iterable

PRESENT_VALUE, STATUS_FLAGS = 85, 111

Told = bytes | tuple[int, int] | None
"""A property as application tags; an error's class and code; or none when the answer leaves it out."""


def object_id(kind: int, instance: int) -> bytes:
    """Type in ten bits, instance in 22 (clause 20.2.14)."""
    return (kind << 22 | instance).to_bytes(4, "big")


def element(property_id: int, told: Told) -> bytes:
    """One result of ReadAccessResult (clause 21): [2] property, then [4] its value or [5] its error."""
    head = bytes((0x29, property_id))
    if told is None:
        return b""
    if isinstance(told, bytes):
        return head + b"\x4e" + told + b"\x4f"
    return head + b"\x5e" + bytes((0x91, told[0], 0x91, told[1])) + b"\x5f"


def result(kind: int, instance: int, value: Told, flags: Told = b"\x82\x04\x00") -> bytes:
    """ReadAccessResult: [0] object, [1] its results."""
    inside = element(PRESENT_VALUE, value) + element(STATUS_FLAGS, flags)
    return b"\x0c" + object_id(kind, instance) + b"\x1e" + inside + b"\x1f"


def multiple(results: Iterable[bytes]) -> bytes:
    """Data of ReadPropertyMultiple-ACK."""
    return b"".join(results)


def datagram(apdu: bytes, npdu: bytes = b"\x01\x00") -> bytes:
    """Original-Unicast-NPDU (annex J.2.11)."""
    return b"\x81\x0a" + (4 + len(npdu) + len(apdu)).to_bytes(2, "big") + npdu + apdu
