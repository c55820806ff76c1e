"""BACnet devices made of octets, one alone or several behind a router: what each says is written here, by the standard.

They share no code with the driver, and answer fast enough to be the other side of a benchmark.
"""

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from tests.support.bacnet_answers import multiple, object_id, result

HOST = "127.0.0.1"
DEVICE = 8
Subscriber = tuple[tuple[str, int], int, bytes]
"""Address, process, and object."""


@dataclass
class RawDevice:
    """A controller with analog inputs. Objects are (type, instance)."""

    instance: int = 1001
    values: dict[tuple[int, int], float] = field(default_factory=dict)
    network: int = 0
    mac: bytes = b""
    cov_max: int | None = None
    """Subscriptions that it has room for."""
    knows_cov: bool = True
    is_silent: bool = False
    time_of_restart: int | None = None
    asked: Counter[str] = field(default_factory=Counter)
    subscriptions: dict[Subscriber, tuple[int, bool]] = field(default_factory=dict)
    """Lifetime in seconds, and whether notifications are to be confirmed."""
    replies: list[bytes] = field(default_factory=list)
    """APDUs that answer what the device itself asked: confirmations of its notifications."""
    wire: "Wire | None" = None

    def restart(self) -> None:
        """Forget every subscriber."""
        self.subscriptions.clear()
        if self.time_of_restart is not None:
            self.time_of_restart += 1

    def change(self, target: tuple[int, int], value: float) -> None:
        """Take another value, and tell whoever subscribed to it."""
        self.values[target] = value
        for address, process, wanted in list(self.subscriptions):
            if wanted == object_id(*target):
                self.notify(address, process, target, value)

    def notify(self, address: tuple[str, int], process: int, target: tuple[int, int], value: float) -> None:
        """Send a notification of a real present value (clause 13.6)."""
        lifetime_s, is_confirmed = self.subscriptions.get((address, process, object_id(*target)), (1, False))
        listed = b"\x09\x55\x2e\x44" + struct.pack(">f", value) + b"\x2f\x09\x6f\x2e\x82\x04\x00\x2f"
        said = unsigned(0, process) + b"\x1c" + object_id(DEVICE, self.instance) + b"\x2c" + object_id(*target)
        said += unsigned(3, lifetime_s) + b"\x4e" + listed + b"\x4f"
        self.say((b"\x00\x05\x2a\x01" if is_confirmed else b"\x10\x02") + said, address)

    def introduce(self, address: tuple[str, int]) -> None:
        """Say I-Am: 1476 octets, no segmentation."""
        self.say(b"\x10\x00\xc4" + object_id(DEVICE, self.instance) + b"\x22\x05\xc4\x91\x03\x21\x0f", address)

    def notify_restart(self, address: tuple[str, int]) -> None:
        """Send a restart notification (clause 19.3): system status, time and reason of the restart; process 0."""
        itself = object_id(DEVICE, self.instance)
        listed = (
            b"\x09\x70\x2e\x91\x00\x2f\x09\xcb\x2e\xa4\x77\x0c\x0b\x03\xb4\x0a\x34\x1d\x40\x2f\x09\xc4\x2e\x91\x01\x2f"
        )
        self.say(b"\x10\x02\x09\x00\x1c" + itself + b"\x2c" + itself + b"\x39\x00\x4e" + listed + b"\x4f", address)

    def say(self, apdu: bytes, address: tuple[str, int]) -> None:
        assert self.wire is not None
        self.wire.send(self, apdu, address)

    def heard(self, apdu: bytes, address: tuple[str, int]) -> None:
        if self.is_silent:
            return
        if apdu[:2] == b"\x10\x08":
            self.introduce(address)
        elif apdu[0] >> 4 == 0:
            answer = self._answer(apdu[3], apdu[4:], address)
            head = bytes((answer[0], apdu[2])) + answer[1:]
            self.say(head, address)
        else:
            self.replies.append(apdu)

    def _answer(self, service: int, data: bytes, address: tuple[str, int]) -> bytes:
        """The answer without its number."""
        self.asked[{5: "subscribe", 12: "single", 14: "multiple"}.get(service, str(service))] += 1
        if service == 14:
            targets = [data[at + 1 : at + 5] for at in range(0, len(data), 11)]
            return b"\x30\x0e" + multiple(self._result(target) for target in targets)
        if service == 12:
            return self._single(data)
        if service == 5 and self.knows_cov:
            return self._subscribe(data, address)
        return b"\x60\x09"

    def _result(self, target: bytes) -> bytes:
        number = int.from_bytes(target, "big")
        kind, instance = number >> 22, number & 0x3FFFFF
        value = self.values.get((kind, instance))
        if value is None:
            return result(kind, instance, (1, 31), (1, 31))
        return result(kind, instance, b"\x44" + struct.pack(">f", value))

    def _single(self, data: bytes) -> bytes:
        head, property_id = b"\x30\x0c" + data[:7] + b"\x3e", data[6]
        number = int.from_bytes(data[1:5], "big")
        value = self.values.get((number >> 22, number & 0x3FFFFF))
        if property_id == 85 and value is not None:
            return head + b"\x44" + struct.pack(">f", value) + b"\x3f"
        if property_id == 62:
            return head + b"\x22\x05\xc4\x3f"
        if property_id == 203 and self.time_of_restart is not None:
            return head + b"\x19" + bytes((self.time_of_restart,)) + b"\x3f"
        return b"\x50\x0c\x91\x02\x91\x20"

    def _subscribe(self, data: bytes, address: tuple[str, int]) -> bytes:
        size = data[0] & 7
        process, target, rest = int.from_bytes(data[1 : 1 + size], "big"), data[2 + size : 6 + size], data[6 + size :]
        key = (address, process, target)
        if not rest:
            self.subscriptions.pop(key, None)
            self.asked["cancel"] += 1
            return b"\x20\x05"
        if self.cov_max is not None and key not in self.subscriptions and len(self.subscriptions) >= self.cov_max:
            return b"\x50\x05\x91\x03\x91\x13"
        assert rest[0] == 0x29
        assert rest[2] >> 3 == 7
        self.subscriptions[key] = int.from_bytes(rest[3:], "big"), bool(rest[1])
        number = int.from_bytes(target, "big")
        at = (number >> 22, number & 0x3FFFFF)
        asyncio.get_running_loop().call_soon(self.notify, address, process, at, self.values[at])
        return b"\x20\x05"


def unsigned(context: int, number: int) -> bytes:
    data = number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
    return bytes((context << 4 | 8 | len(data),)) + data


class Wire(asyncio.DatagramProtocol):
    """A socket with one device at it, or a router with devices behind it; also a BBMD, which takes registrations."""

    def __init__(self, devices: list[RawDevice]) -> None:
        self.devices = devices
        self.registrations: list[int] = []
        self.registration_result = b"\x00\x00"
        self.in_flight_max = 0
        self._in_flight = 0
        self.delay_s = 0.0
        for device in devices:
            device.wire = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data[1] == 0x05:
            self.registrations.append(int.from_bytes(data[4:6], "big"))
            self.transport.sendto(b"\x81\x00\x00\x06" + self.registration_result, addr)
            return
        network, mac, place = 0, b"", 6
        if data[5] & 0x20:
            network, length = int.from_bytes(data[6:8], "big"), data[8]
            mac, place = data[9 : 9 + length], 10 + length
        for device in self.devices:
            if (device.network, device.mac) == (network, mac):
                self._in_flight += 1
                self.in_flight_max = max(self.in_flight_max, self._in_flight)
                if self.delay_s:
                    asyncio.get_running_loop().call_later(self.delay_s, self._hear, device, data[place:], addr)
                else:
                    self._hear(device, data[place:], addr)

    def _hear(self, device: RawDevice, apdu: bytes, addr: tuple[str, int]) -> None:
        self._in_flight -= 1
        device.heard(apdu, addr)

    def send(self, device: RawDevice, apdu: bytes, address: tuple[str, int]) -> None:
        npdu = b"\x01\x00"
        if device.network:
            npdu = b"\x01\x08" + struct.pack(">HB", device.network, len(device.mac)) + device.mac
        self.transport.sendto(b"\x81\x0a" + (4 + len(npdu) + len(apdu)).to_bytes(2, "big") + npdu + apdu, address)

    def forward(self, device: RawDevice, origin: tuple[str, int], address: tuple[str, int]) -> None:
        """Pass the I-Am of a device on, as a BBMD does with a broadcast (annex J.2.5)."""
        apdu = b"\x10\x00\xc4" + object_id(DEVICE, device.instance) + b"\x22\x05\xc4\x91\x03\x21\x0f"
        body = bytes(map(int, origin[0].split("."))) + origin[1].to_bytes(2, "big") + b"\x01\x00" + apdu
        self.transport.sendto(b"\x81\x04" + (4 + len(body)).to_bytes(2, "big") + body, address)


@asynccontextmanager
async def raw_bacnet(*devices: RawDevice) -> AsyncIterator[Wire]:
    """Let devices answer at one loopback port."""
    loop = asyncio.get_running_loop()
    transport, wire = await loop.create_datagram_endpoint(lambda: Wire(list(devices)), (HOST, 0))
    try:
        yield wire
    finally:
        transport.close()


def analogs(count: int) -> dict[tuple[int, int], float]:
    """Analog inputs 1, 2, 3, ... that show one and a half times their number."""
    return {(0, number): number * 1.5 for number in range(1, count + 1)}
