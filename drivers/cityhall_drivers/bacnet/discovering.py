"""Looking for BACnet devices, and at their objects. Reads only, one question at a time, with a rest between them."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.capabilities import FoundDevice, FoundPoint, Plain
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.bacnet.codec import Object
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.found import DESCRIPTION, NAME, point_of, text_in, wanted_of
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.stack import LibraryEndpoint, LibraryPeer
from cityhall_drivers.bacnet.stack_browse import DEVICE_TYPE, Wanted, object_list, read_many
from cityhall_drivers.bacnet.tags import TagError
from cityhall_drivers.bacnet.whois import BACNET_PORT, IAm, Search, i_am_of, parse_where, question_of
from cityhall_drivers.bacnet.wire import FrameError, open_datagram, register_foreign

DEVICES_MAX: Final = 1000
"""Who answers after that many is left out: look by parts, with 'instances'."""
ASK_AGAIN: Final = 3
"""How often Who-Is is sent: datagrams get lost, and so do answers that all come at once."""
LISTEN_PART: Final = 0.2
"""Part of the time that is spent listening for devices, the rest reading what they are."""
LISTEN_MAX_S: Final = 5.0
_PROPERTIES_MAX: Final = 6
"""Of one object."""
REST_S: Final = 0.02
"""Between some objects and the next: a device in service has others to answer."""
TIMEOUT_S: Final = 2.0
FOREIGN_TTL_S: Final = 60
_VENDOR_NAME, _MODEL_NAME = 121, 70
_TEXT_BYTES: Final = 60
"""Of a property in an answer, as a cautious guess."""


async def look_around(where: str, clock: Clock, within_s: float) -> AsyncIterator[FoundDevice]:
    """Give every device that answers Who-Is, with its objects; ends after ``within_s`` at the latest, by and large."""
    search = parse_where(where)
    until_s = clock.monotonic() + within_s
    names = set[str]()
    for one in await _heard(search, clock, min(LISTEN_PART * within_s, LISTEN_MAX_S)):
        if clock.monotonic() >= until_s:
            return
        found = await _Visit(one, _local_host(one.station.host), clock, until_s).look()
        if found.name in names:  # two devices of one instance, as happens: both are to be seen
            found = replace(found, name=f"{found.name}-at-{one.station.host}-{one.station.port}")
        names.add(found.name)
        yield found


async def _heard(search: Search, clock: Clock, listen_s: float) -> list[IAm]:
    """Everyone who answers, by instance; the same device twice is once, one instance in two places is two."""
    asker = _Asker(search)
    transport = await _bound(asker, _local_host(search.host if search.bbmd is None else search.bbmd[0]))
    try:
        for _ in range(ASK_AGAIN):
            asker.ask(transport)
            await clock.sleep(listen_s / ASK_AGAIN)
    finally:
        transport.close()
    return sorted(asker.heard, key=lambda one: (one.instance, one.station))


async def _bound(asker: "_Asker", local_host: str) -> asyncio.DatagramTransport:
    """Listen where devices answer broadcasts; where that port is taken, only those are heard that answer us alone."""
    loop = asyncio.get_running_loop()
    is_loopback = ipaddress.IPv4Address(local_host).is_loopback
    host = local_host if is_loopback else "0.0.0.0"  # noqa: S104 - a broadcast comes to no single address
    for port in (0,) if is_loopback else (BACNET_PORT, 0):
        try:
            made = await loop.create_datagram_endpoint(lambda: asker, (host, port), allow_broadcast=True)
        except OSError as error:
            refusal = error
        else:
            return made[0]
    msg = f"cannot bind {host}: {refusal}"
    raise DeviceUnreachableError(msg) from refusal


class DiscoveringBacnet:
    """A factory that can look for devices."""

    def discover(self, where: str, clock: Clock, *, within_s: float) -> AsyncIterator[FoundDevice]:
        """Look by ``192.168.1.0/24`` or an address, ``[ instances A-B][ network N][ via bbmd HOST:PORT]``."""
        return look_around(where, clock, within_s)


class _Asker(asyncio.DatagramProtocol):
    """Sends Who-Is and collects I-Am."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self.heard: set[IAm] = set()

    def ask(self, transport: asyncio.DatagramTransport) -> None:
        """Ask once; a BBMD has to know us first."""
        search = self._search
        if search.bbmd is not None:
            transport.sendto(register_foreign(FOREIGN_TTL_S), search.bbmd)
        transport.sendto(question_of(search), search.bbmd or (search.host, search.port))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take an I-Am of an instance that was asked for."""
        try:
            told = i_am_of(*open_datagram(data, addr))
        except FrameError:
            return
        if told is None or len(self.heard) >= DEVICES_MAX:
            return
        if self._search.low <= told.instance <= self._search.high:
            self.heard.add(told)


def _local_host(host: str) -> str:
    """Our own address towards a host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            probe.connect((host, BACNET_PORT))  # sends nothing: the kernel looks up its route
        except OSError as error:
            msg = f"no way to {host}: {error}"
            raise DeviceUnreachableError(msg) from error
        return str(probe.getsockname()[0])


class _Visit:
    """One device that is looked at."""

    def __init__(self, told: IAm, local_host: str, clock: Clock, until_s: float) -> None:
        self._told, self._local_host, self._clock, self._until_s = told, local_host, clock, until_s
        station = told.station
        config = BacnetConfig(
            host=station.host,
            port=station.port,
            device_instance=told.instance,
            network=station.network or None,
            mac=f"0x{station.mac.hex()}" if station.network else None,
        )
        endpoint = LibraryEndpoint(local_host, port=0)
        endpoint.allow(TIMEOUT_S)
        self._peer = LibraryPeer(endpoint, config, TIMEOUT_S, clock)
        self._portion = max(1, told.apdu_max // _TEXT_BYTES)
        self._objects_at_once = max(1, self._portion // _PROPERTIES_MAX)
        self._itself: dict[int, bytes] = {}
        self._points: list[FoundPoint] = []

    async def look(self) -> FoundDevice:
        """The device and its points, as far as it answers in time."""
        try:
            await self._peer.join()
            await self._read()
        except (DeviceUnreachableError, ErrorAnswerError, TurnedDownError, TagError):
            # It said I-Am, so it is there; what it does not say is left to whoever describes it.
            pass
        finally:
            self._peer.leave()
        return FoundDevice(
            name=f"bacnet-{self._told.instance}",
            text=text_in(self._itself, DESCRIPTION) or text_in(self._itself, NAME) or f"BACnet {self._told.instance}",
            protocol="bacnet",
            settings=self._settings(),
            points=self._points,
            vendor=text_in(self._itself, _VENDOR_NAME),
            model=text_in(self._itself, _MODEL_NAME),
        )

    async def _read(self) -> None:
        device = Object(DEVICE_TYPE, self._told.instance)
        wanted = [Wanted(device, one) for one in (NAME, DESCRIPTION, _VENDOR_NAME, _MODEL_NAME)]
        self._itself = {one.property: data for one, data in (await read_many(self._peer, wanted, len(wanted))).items()}
        objects = [one for one in await object_list(self._peer, device.instance, self._portion) if wanted_of(one)]
        for start in range(0, len(objects), self._objects_at_once):
            if self._clock.monotonic() >= self._until_s:
                return
            some = objects[start : start + self._objects_at_once]
            told = await self._ask(some)
            self._points += [point_of(target, told[target]) for target in some if told[target]]
            await self._clock.sleep(REST_S)

    async def _ask(self, objects: Sequence[Object]) -> dict[Object, dict[int, bytes]]:
        """What some objects tell of themselves."""
        wanted = [Wanted(target, one) for target in objects for one in wanted_of(target)]
        told: dict[Object, dict[int, bytes]] = {target: {} for target in objects}
        for one, data in (await read_many(self._peer, wanted, self._portion)).items():
            told[one.object][one.property] = data
        return told

    def _settings(self) -> dict[str, Plain]:
        """The table of a device file; what is as usual is left out."""
        station = self._told.station
        settings: dict[str, Plain] = {"host": station.host, "device_instance": self._told.instance}
        if station.port != BACNET_PORT:
            settings["port"] = station.port
        if station.network:
            mac = station.mac[0] if len(station.mac) == 1 else f"0x{station.mac.hex()}"
            settings |= {"network": station.network, "mac": mac}
        if ipaddress.IPv4Address(self._local_host).is_loopback:
            settings["local_host"] = self._local_host
        return settings
