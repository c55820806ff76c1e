"""Record what the drivers ask and the simulated devices answer, frame by frame, one device of each kind.

The city stands still meanwhile, so that what every point shows is known. ``tests/drivers/test_recorded_traffic.py``
plays the recordings back. Run it anew when addresses or requests change:
``.venv/bin/python -m tests.support.record_traffic``.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.driver import BoundPoint
from cityhall_simulators.description import Building, Device, load_building
from cityhall_simulators.faces.bacnet import BacnetFace
from cityhall_simulators.faces.modbus import ModbusFace
from cityhall_simulators.faces.opcua import OpcUaFace
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.runtime import City
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site

HOST = "127.0.0.1"
PLANT_TIME = datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei"))
FOLDER = Path(__file__).parent.parent / "drivers" / "recorded"

Frames = list[tuple[bytes, bytes]]
"""Questions and answers, whole frames as they were on the wire."""


def one_of_each_kind(building: Building) -> list[Device]:
    """The first device of every set of equipment types."""
    kinds: dict[tuple[str, frozenset[str]], Device] = {}
    for device in building.devices:
        kinds.setdefault((device.protocol, frozenset(item.type.code for item in device.equipment)), device)
    return list(kinds.values())


class Tap:
    """Passes TCP on, and keeps what either side said."""

    def __init__(self, port: int, length_of: Callable[[bytes], int]) -> None:
        self._port = port
        self._length_of = length_of
        self._asked, self._answered = bytearray(), bytearray()

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._pass_on, HOST, 0)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, self._port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pump(reader, far_writer, self._asked))
            tasks.create_task(_pump(far_reader, writer, self._answered))

    @property
    def frames(self) -> Frames:
        """Questions with their answers; both sides speak in turn, so that the order pairs them."""
        return list(zip(self._cut(self._asked), self._cut(self._answered), strict=False))

    def _cut(self, said: bytearray) -> list[bytes]:
        frames, at = [], 0
        while at < len(said):
            length = self._length_of(bytes(said[at : at + 8]))
            frames.append(bytes(said[at : at + length]))
            at += length
        return frames


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
    while said := await reader.read(65_536):
        kept += said
        writer.write(said)
    writer.close()


def modbus_length(head: bytes) -> int:
    """Of an MBAP frame: the length field counts what follows it."""
    return 6 + int.from_bytes(head[4:6], "big")


def opcua_length(head: bytes) -> int:
    """Of a message chunk, header included."""
    return int.from_bytes(head[4:8], "little")


class DatagramTap(asyncio.DatagramProtocol):
    """The same for UDP, between one asker and one device."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._asker: tuple[str, int] | None = None
        self._question = b""
        self.frames: Frames = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[1] != self._port:
            self._asker, self._question = addr, data
            self._transport.sendto(data, (HOST, self._port))
        elif self._asker is not None:
            self.frames.append((self._question, data))
            self._transport.sendto(data, self._asker)


async def read_through(site: Site, name: str, redirect: Callable[[dict[str, object]], None]) -> None:
    """Read every point of a device once, over the tap."""
    device = site.devices[name]
    settings = dict(device.settings)
    redirect(settings)
    driver = find_factories()[device.protocol].create(replace(device, settings=settings), SystemClock())
    points = site.points_of(name)
    await driver.open()
    await driver.read(driver.plan([BoundPoint(number, point) for number, point in enumerate(points, 1)]))
    await driver.close()


async def record_modbus(site: Site, device: Device, city: City) -> Frames:
    port = choose_ports(HOST, ["device"], 0)["device"]
    face = ModbusFace([device], city)
    await face.start(HOST, port)
    tap = Tap(port, modbus_length)
    async with await tap.serve() as server:
        await read_through(site, device.name, lambda s: s.update(port=server.sockets[0].getsockname()[1]))
    await face.stop()
    return tap.frames


async def record_bacnet(site: Site, device: Device, city: City) -> Frames:
    port, tap_port = choose_ports(HOST, ["device", "tap"], 0).values()
    face = BacnetFace(device, city)
    await face.start(HOST, port)
    loop = asyncio.get_running_loop()
    transport, tap = await loop.create_datagram_endpoint(lambda: DatagramTap(port), (HOST, tap_port))
    await read_through(site, device.name, lambda s: s.update(port=tap_port))
    transport.close()
    await face.stop()
    return tap.frames


async def record_opcua(site: Site, device: Device, city: City) -> Frames:
    """Without security: what is encrypted could not be played back."""
    port = choose_ports(HOST, ["device"], 0)["device"]
    face = OpcUaFace(replace(device, security="none"), city, None)
    await face.start(HOST, port)
    tap = Tap(port, opcua_length)
    async with await tap.serve() as server:
        url = f"opc.tcp://{HOST}:{server.sockets[0].getsockname()[1]}/"
        plain = {"security": "none", "user": None, "password_file": None, "server_certificate": None}
        await read_through(site, device.name, lambda s: (s.update(url=url), s.update(plain)))
    await face.stop()
    return tap.frames


RECORDERS = {"modbus": record_modbus, "bacnet": record_bacnet, "opcua": record_opcua}


async def main() -> None:
    """Record every kind of device of the whole building."""
    building = load_building("full")
    city = City(building, 1, PLANT_TIME)
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        write_site(Path(folder), building, HOST, choose_ports(HOST, building.port_labels, 15_000))
        write_secrets(Path(folder), HOST)
        site = load_site(Path(folder), find_factories())
        for device in one_of_each_kind(building):
            frames = await RECORDERS[device.protocol](site, device, city)
            recording = {
                "device": device.name,
                "protocol": device.protocol,
                "source": f"simulated city hall, seed 1, {PLANT_TIME.isoformat()}",
                "frames": [[question.hex(), answer.hex()] for question, answer in frames],
                "shown": {point.name: float(city.shown[point.index]) for point in device.points},
            }
            text = json.dumps(recording, indent=0, ensure_ascii=False)
            (FOLDER / f"{device.name}.json").write_text(text + "\n", encoding="utf-8")
            sys.stderr.write(f"{device.name}: {len(frames)} frames\n")


if __name__ == "__main__":
    asyncio.run(main())
