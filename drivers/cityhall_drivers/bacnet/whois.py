"""Who-Is and I-Am, and where to ask (ANSI/ASHRAE 135, clauses 6.2 and 16.10, annex J.2). Pure; knows no library."""

import ipaddress
import re
import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from cityhall_bms.domain.errors import DriverConfigError
from cityhall_drivers.bacnet.config import INSTANCE_MAX
from cityhall_drivers.bacnet.tags import TagError, object_of, parse, tag
from cityhall_drivers.bacnet.wire import Station

BACNET_PORT: Final = 47808
NETWORK_MAX: Final = 65_534
EVERY_NETWORK: Final = 65_535
_DISTRIBUTE, _UNICAST, _BROADCAST = 0x09, 0x0A, 0x0B
_HEAD: Final = 4
_I_AM, _WHO_IS = b"\x10\x00", b"\x10\x08"
_DEVICE_TYPE: Final = 8
_WHERE: Final = re.compile(
    r"(?P<target>\S+)"
    r"(?:\s+instances\s+(?P<low>[0-9]{1,7})-(?P<high>[0-9]{1,7}))?"
    r"(?:\s+network\s+(?P<network>[0-9]{1,5}))?"
    r"(?:\s+via\s+bbmd\s+(?P<bbmd>\S+))?\s*"
)
_REMEDY: Final = (
    "write 192.168.1.0/24, 192.168.1.255:47808 or 192.168.1.20:47808, then if you like 'instances 1000-1999', "
    "'network 20', 'via bbmd 10.0.0.1:47808', in this order"
)
_PREFIX_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Search:
    """Where to ask, and who shall answer."""

    host: str
    port: int
    is_broadcast: bool
    low: int = 0
    high: int = INSTANCE_MAX
    network: int | None = None
    bbmd: tuple[str, int] | None = None


class IAm(NamedTuple):
    """A device that answered."""

    station: Station
    instance: int
    apdu_max: int


def parse_where(text: str) -> Search:
    """Read ``192.168.1.0/24[ instances 1000-1999][ network 20][ via bbmd HOST:PORT]``, or one address in its place.

    :class:`DriverConfigError` says what to write.
    """
    match = _WHERE.fullmatch(text.strip())
    found = None if match is None else _search(match)
    if found is None:
        msg = f"{text!r} is no place to look for BACnet devices: {_REMEDY}"
        raise DriverConfigError(msg)
    return found


def _search(match: re.Match[str]) -> Search | None:
    target = _target(match["target"])
    bbmd = None if match["bbmd"] is None else _address(match["bbmd"])
    low, high = int(match["low"] or 0), int(match["high"] or INSTANCE_MAX)
    network = None if match["network"] is None else int(match["network"])
    if target is None or (match["bbmd"] is not None and bbmd is None):
        return None
    if low > high or high > INSTANCE_MAX or (network is not None and not 1 <= network <= NETWORK_MAX):
        return None
    return Search(*target, low, high, network, bbmd)


def _target(text: str) -> tuple[str, int, bool] | None:
    """Address, port, and whether that reaches many."""
    if "/" in text:
        try:
            network = ipaddress.IPv4Network(text, strict=False)
        except ValueError:
            return None
        return (str(network.broadcast_address), BACNET_PORT, True) if network.prefixlen <= _PREFIX_MAX else None
    address = _address(text)
    return None if address is None else (*address, address[0].endswith(".255"))


def _address(text: str) -> tuple[str, int] | None:
    host, _, port = text.partition(":")
    try:
        number = int(port) if port else BACNET_PORT
        return (str(ipaddress.IPv4Address(host)), number) if 1 <= number <= 65_535 else None
    except ValueError:
        return None


def question_of(search: Search) -> bytes:
    """The datagram: a broadcast goes to every network behind routers too, unless one network is named.

    By way of a BBMD it is distributed from there; to one device it is a plain question.
    """
    apdu = _WHO_IS
    if (search.low, search.high) != (0, INSTANCE_MAX):
        apdu += _limit(0, search.low) + _limit(1, search.high)
    is_spread = search.is_broadcast or search.bbmd is not None
    network = search.network if search.network is not None or not is_spread else EVERY_NETWORK
    npdu = b"\x01\x00" if network is None else struct.pack(">BBHBB", 0x01, 0x20, network, 0, 0xFF)
    function = _DISTRIBUTE if search.bbmd is not None else _BROADCAST if search.is_broadcast else _UNICAST
    return struct.pack(">BBH", 0x81, function, _HEAD + len(npdu) + len(apdu)) + npdu + apdu


def _limit(context: int, instance: int) -> bytes:
    return tag(context, instance.to_bytes(max(1, (instance.bit_length() + 7) // 8), "big"), is_context=True)


def i_am_of(station: Station, apdu: bytes) -> IAm | None:
    """Read an I-Am; none for any other APDU."""
    if not apdu.startswith(_I_AM):
        return None
    try:
        device, apdu_max, _, _ = parse(apdu[len(_I_AM) :])
    except (TagError, ValueError):
        return None
    target = object_of(device.data)
    if target.type != _DEVICE_TYPE or not apdu_max.data:
        return None
    return IAm(station, target.instance, int.from_bytes(apdu_max.data, "big"))
