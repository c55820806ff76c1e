"""Whole frames of every kind of device, played back to the drivers: they must ask the same and understand the same.

The recordings are made by ``python -m tests.support.record_traffic``.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary

from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua.codec import decode
from cityhall_drivers.opcua.wire import read_parameters, read_response
from cityhall_simulators.addresses import modbus_map
from cityhall_simulators.description import load_building
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site

HOST = "127.0.0.1"
FOLDER = Path(__file__).parent / "recorded"
BUILDING = load_building("full")
STEPS = {
    point: register.scale
    for device in BUILDING.devices
    if device.protocol == "modbus"
    for point, register in zip([p.name for p in device.points], modbus_map(device).values(), strict=True)
    if not register.type.startswith("float")
}
"""What one count of an integer register is worth."""
READ_RESPONSE = b"\x01\x00" + (634).to_bytes(2, "little")
OPCUA_HEADER = 24
"""Message header, channel, token, sequence and request numbers: OPC 10000-6, clause 6.7.2."""


@dataclass(frozen=True)
class Recording:
    device: str
    protocol: str
    frames: list[tuple[bytes, bytes]]
    shown: dict[str, float]

    @classmethod
    def of(cls, file: Path) -> "Recording":
        kept = json.loads(file.read_text(encoding="utf-8"))
        frames = [(bytes.fromhex(question), bytes.fromhex(answer)) for question, answer in kept["frames"]]
        return cls(kept["device"], kept["protocol"], frames, kept["shown"])


RECORDINGS = [Recording.of(file) for file in sorted(FOLDER.glob("*.json"))]


def recorded(protocol: str) -> pytest.MarkDecorator:
    found = [recording for recording in RECORDINGS if recording.protocol == protocol]
    return pytest.mark.parametrize("recording", found, ids=lambda recording: recording.device)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    write_site(folder, BUILDING, HOST, dict.fromkeys(BUILDING.port_labels, 15_000))
    write_secrets(folder, HOST)
    return load_site(folder, find_factories())


def test_every_kind_of_device_is_recorded() -> None:
    kinds = {(d.protocol, frozenset(item.type.code for item in d.equipment)) for d in BUILDING.devices}
    by_name = {device.name: device for device in BUILDING.devices}
    recorded_kinds = {
        (r.protocol, frozenset(item.type.code for item in by_name[r.device].equipment)) for r in RECORDINGS
    }
    assert recorded_kinds == kinds
    types = {item.type.code for recording in RECORDINGS for item in by_name[recording.device].equipment}
    assert len(types) == 60


async def read(site: Site, recording: Recording, port: int) -> dict[str, tuple[float, int]]:
    """Value and quality of every point, read by the driver from ``port``."""
    device = site.devices[recording.device]
    moved = replace(device, settings={**device.settings, "port": port})
    driver = find_factories()[device.protocol].create(moved, SystemClock())
    points = site.points_of(device.name)
    await driver.open()
    try:
        readings = await driver.read(driver.plan([BoundPoint(n, point) for n, point in enumerate(points, 1)]))
    finally:
        await driver.close()
    return by_name([point.name for point in points], readings)


def by_name(names: list[str], readings: Readings) -> dict[str, tuple[float, int]]:
    columns = zip(readings.point.tolist(), readings.value.tolist(), readings.quality.tolist(), strict=True)
    return {names[point - 1]: (value, quality) for point, value, quality in columns}


def is_as_shown(recording: Recording, found: dict[str, tuple[float, int]]) -> None:
    assert set(found) == set(recording.shown)
    for name, (value, quality) in found.items():
        assert quality == Quality.GOOD, name
        # Half a step of an integer register, or the precision of a 32-bit number.
        step = STEPS.get(name, 0.0)
        slack = step / 2.0 + 2e-7 * abs(recording.shown[name]) + 1e-9
        assert value == pytest.approx(recording.shown[name], abs=slack), name


@asynccontextmanager
async def played_back(recording: Recording) -> AsyncIterator[int]:
    """A Modbus server that knows the recorded questions only; the transaction number is whatever the client says."""
    answers = {question[2:]: answer[2:] for question, answer in recording.frames}
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(6):
            question = head + await reader.readexactly(int.from_bytes(head[4:6], "big"))
            assert question[2:] in answers, f"nobody asked this before: {question.hex()}"
            writer.write(question[:2] + answers[question[2:]])
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(serve, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]
        await ended.wait()


@recorded("modbus")
async def test_modbus_frames_are_asked_and_understood_as_recorded(site: Site, recording: Recording) -> None:
    async with played_back(recording) as port:
        is_as_shown(recording, await read(site, recording, port))


def invoke_at(frame: bytes) -> int:
    """Where the invoke number stands: after BVLC and a two-byte NPDU; ANSI/ASHRAE 135 clause 20.1.2 and following."""
    return 8 if frame[6] >> 4 == 0 else 7


def without_invoke(frame: bytes) -> bytes:
    """A question without its number; an unconfirmed one has none."""
    return frame if frame[6] >> 4 == 1 else frame[: invoke_at(frame)] + frame[invoke_at(frame) + 1 :]


class PlaysBack(asyncio.DatagramProtocol):
    """A BACnet device that knows the recorded questions only; the invoke number is whatever the client says."""

    def __init__(self, recording: Recording) -> None:
        self.unknown: list[str] = []
        self._answers: dict[bytes, list[bytes]] = {}
        for question, answer in recording.frames:
            self._answers.setdefault(without_invoke(question), []).append(answer)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        found = self._answers.get(without_invoke(data))
        if found is None:
            self.unknown.append(data.hex())
            return
        for answer in found:
            said = bytearray(answer)
            if answer[6] >> 4 != 1:
                said[invoke_at(answer)] = data[invoke_at(data)]
            self._transport.sendto(bytes(said), addr)


@recorded("bacnet")
async def test_bacnet_frames_are_asked_and_understood_as_recorded(site: Site, recording: Recording) -> None:
    device = PlaysBack(recording)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: device, (HOST, 0))
    try:
        found = await read(site, recording, transport.get_extra_info("sockname")[1])
    finally:
        transport.close()
    assert device.unknown == []
    is_as_shown(recording, found)


@recorded("opcua")
def test_opcua_answers_are_understood_as_recorded(recording: Recording) -> None:
    """Sessions have keys and numbers of their own, so that only questions and answers of reads can be played back."""
    found: dict[str, tuple[float, int]] = {}
    for question, answer in recording.frames:
        if not answer[OPCUA_HEADER:].startswith(READ_RESPONSE):
            continue
        asked = body(ua.ReadRequest, question).Parameters.NodesToRead
        assert question.endswith(read_parameters([bytes(struct_to_binary(node)) for node in asked]))
        columns = read_response(answer[OPCUA_HEADER:], len(asked))
        assert repr(columns) == repr(decode(body(ua.ReadResponse, answer).Results))
        values = np.asarray(columns.value).tolist()
        for node, value, quality in zip(asked, values, columns.quality.tolist(), strict=True):
            if node.NodeId.NamespaceIndex == 2:
                found[str(node.NodeId.Identifier)] = (value, quality)
    is_as_shown(recording, found)


def body(kind: type, frame: bytes) -> ua.ReadRequest | ua.ReadResponse:
    read_from: Callable[[type, Buffer], ua.ReadRequest | ua.ReadResponse] = struct_from_binary
    return read_from(kind, Buffer(frame[OPCUA_HEADER:]))
