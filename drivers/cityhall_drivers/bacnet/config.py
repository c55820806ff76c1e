"""The ``[bacnet]`` table of a device file."""

import ipaddress
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cityhall_drivers.bacnet.wire import Station

INSTANCE_MAX: Final = 4_194_302
"""4194303 is the wildcard (ANSI/ASHRAE 135, clause 12.1)."""


MAC_BYTES_MAX: Final = 18
_HEX: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})+")


def _ipv4(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


def host_and_port(text: str) -> tuple[str, int]:
    """Read ``192.168.1.2:47808``; ``ValueError`` when it is none."""
    host, _, port = text.partition(":")
    number = int(port or "47808")
    if not 1 <= number <= 65535:
        msg = f"{number} is no UDP port"
        raise ValueError(msg)
    return _ipv4(host), number


def _bbmd(text: str | None) -> str | None:
    if text is not None:
        host_and_port(text)
    return text


def mac_bytes(mac: int | str) -> bytes:
    """Bytes of an address in a network behind a router: 5 of MS/TP, 0xC0A80102BAC0 of BACnet/IP."""
    is_hex = isinstance(mac, str) and _HEX.fullmatch(mac)
    found = bytes.fromhex(str(mac)[2:]) if is_hex else bytes((int(mac),))
    if not found or len(found) > MAC_BYTES_MAX:
        msg = f"a MAC has 1 to {MAC_BYTES_MAX} bytes"
        raise ValueError(msg)
    return found


def _mac(mac: int | str | None) -> int | str | None:
    if mac is not None:
        mac_bytes(mac)
    return mac


class BacnetConfig(BaseModel):
    """Where one device is, and how much it likes to be asked at once."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    host: Annotated[str, AfterValidator(_ipv4), Field(description="the IPv4 address of the device")]
    port: Annotated[int, Field(ge=1, le=65535, description="a UDP port, 1 to 65535 (usually 47808)")] = 47808
    device_instance: Annotated[
        int, Field(ge=0, le=INSTANCE_MAX, description=f"the device's instance number, 0 to {INSTANCE_MAX}")
    ]
    objects_per_request_max: Annotated[int, Field(ge=1, le=200, description="objects asked for at once, 1 to 200")] = 64
    local_host: Annotated[
        str, AfterValidator(_ipv4), Field(description="our own IPv4 address in the device's network")
    ] = "0.0.0.0"  # noqa: S104 - every interface, unless the site says which
    notices: Annotated[
        bool, Field(description="true: ask the device to notify us of its alarms (writes our address into its lists)")
    ] = False
    acknowledge: Annotated[
        bool, Field(description="true: alarms may be acknowledged from here; never at a device that guards lives")
    ] = False
    network: Annotated[
        int | None, Field(ge=1, le=65534, description="number of the network behind the router at host, 1 to 65534")
    ] = None
    mac: Annotated[
        int | str | None,
        AfterValidator(_mac),
        Field(description='the device\'s address in that network: 0 to 255 of MS/TP, or bytes as in "0xC0A80102BAC0"'),
    ] = None
    in_flight_max: Annotated[
        int, Field(ge=1, le=64, description="questions at once through the router at host, 1 to 64")
    ] = 1
    mode: Annotated[Literal["poll", "cov"], Field(description="'poll' or 'cov'")] = "poll"
    cov_lifetime_s: Annotated[
        int, Field(ge=60, le=3600, description="lifetime of a subscription, 60 to 3600 s; renewed at its half")
    ] = 300
    cov_confirmed: Annotated[bool, Field(description="true: the device repeats a notification until we confirm it")] = (
        False
    )
    bbmd: Annotated[
        str | None,
        AfterValidator(lambda text: text if text is None else _bbmd(text)),
        Field(description="HOST:PORT of the BBMD that passes broadcasts on to us"),
    ] = None
    foreign_ttl_s: Annotated[
        int, Field(ge=30, le=65535, description="time of our registration there, 30 to 65535 s; renewed at its half")
    ] = 300

    @property
    def station(self) -> Station:
        """Where the device is."""
        if self.network is None or self.mac is None:
            return Station(self.host, self.port)
        return Station(self.host, self.port, self.network, mac_bytes(self.mac))

    @property
    def router(self) -> str | None:
        """Name of the router in front of the device; none without."""
        return None if self.network is None else f"{self.host}:{self.port}"

    @property
    def where(self) -> str:
        """The same for people: ``192.168.1.20:47808 network 5 mac 3 device 1001``."""
        behind = "" if self.network is None else f" network {self.network} mac {self.mac}"
        return f"{self.host}:{self.port}{behind} device {self.device_instance}"
