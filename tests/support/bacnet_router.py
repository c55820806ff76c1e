"""A router and a BBMD on loopback ports, by the bytes of the standard (clause 6, annex J). No code of the driver."""

import asyncio
import struct
from typing import Any

Address = tuple[str, int]


class Router(asyncio.DatagramProtocol):
    """A device that lives at a UDP port is behind it, on a network of its own and with a one-byte MAC."""

    def __init__(self, device: Address, network: int, mac: int) -> None:
        self._device, self._network, self._mac = device, network, mac
        self._asker: Address | None = None
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    @property
    def port(self) -> int:
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if addr == self._device:
            self._to_asker(data[4:])
        else:
            self._to_device(data[4:], addr)

    def _to_device(self, npdu: bytes, addr: Address) -> None:
        """Take DNET and DADR away when they are of our network, and send the rest on."""
        control = npdu[1]
        if not control & 0x20:
            return
        (network,) = struct.unpack_from(">H", npdu, 2)
        length = npdu[4]
        if network not in {self._network, 0xFFFF} or npdu[5 : 5 + length] not in {b"", bytes([self._mac])}:
            return
        self._asker = addr
        self._send(bytes([1, control & 0x07]) + npdu[6 + length :], self._device)

    def _to_asker(self, npdu: bytes) -> None:
        """Say from which network and station it comes. What the device broadcasts is heard by the asker alone."""
        control, place = npdu[1], 2
        if control & 0x20:
            place += 4 + npdu[4]
        head = struct.pack(">BBHBB", 1, 0x08 | (control & 0x07), self._network, 1, self._mac)
        if self._asker is not None:
            self._send(head + npdu[place:], self._asker)

    def _send(self, npdu: bytes, to: Address) -> None:
        self.transport.sendto(struct.pack(">BBH", 0x81, 0x0A, 4 + len(npdu)) + npdu, to)


class Bbmd(asyncio.DatagramProtocol):
    """Passes what a registered foreign device lets it distribute on to one device, and the answers back."""

    def __init__(self, device: Address) -> None:
        self._device = device
        self._foreign: Address | None = None
        self.heard: list[int] = []
        """BVLL functions, in order."""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    @property
    def port(self) -> int:
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if addr == self._device:
            host, port = addr
            origin = bytes(map(int, host.split("."))) + struct.pack(">H", port)
            forwarded = struct.pack(">BBH", 0x81, 0x04, len(data) + 6) + origin + data[4:]
            self.transport.sendto(forwarded, self._foreign)
            return
        self.heard.append(data[1])
        if data[1] == 0x05:
            self._foreign = addr
            self.transport.sendto(b"\x81\x00\x00\x06\x00\x00", addr)
        elif data[1] == 0x09 and addr == self._foreign:
            self.transport.sendto(struct.pack(">BBH", 0x81, 0x0A, len(data)) + data[4:], self._device)


async def started(protocol: Any) -> Any:
    """The same, at a port of its own; close its transport."""
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, ("127.0.0.1", 0))
    return protocol
