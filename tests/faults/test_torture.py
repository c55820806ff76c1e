"""Every driver, killed and restored over and over: it comes back by itself, and never takes one value for another.

``--cycles`` says how often (`make torture` does it a thousand times per protocol).
"""

import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import pytest
from tests.support import bacnet_device, modbus_server, opcua_server, snmp_agent
from tests.support.fault_proxy import Fault, FaultyWire, TcpWire, UdpWire
from tests.support.torture import Outcome, Subject, torture

from cityhall_bms.domain.site import Device, Point
from cityhall_drivers.bacnet import DRIVER as BACNET
from cityhall_drivers.modbus import DRIVER as MODBUS
from cityhall_drivers.opcua import DRIVER as OPCUA
from cityhall_drivers.snmp import DRIVER as SNMP

pytestmark = pytest.mark.faults

POINTS = 24
MEMORY_GROWTH_MAX_MB = 24.0
"""What an allocator may keep for itself; more is a leak."""
SCAN_S = (0.02, 0.05)
"""Two scan classes of equal shape, so that the answer of one would fit into the other."""


def impatient(device: Device, timeout_s: float) -> Device:
    return replace(device, timeout_s=timeout_s, retry_min_s=0.02, retry_max_s=0.1)


def scanned(points: list[Point], device: Device) -> list[Point]:
    return [replace(point, device=device.name, scan_s=SCAN_S[number % 2]) for number, point in enumerate(points)]


Run = tuple[Subject, FaultyWire]


@asynccontextmanager
async def modbus(random: Random) -> AsyncIterator[Run]:
    server = modbus_server.ModbusServer()
    server.registers[1, 3] = {address: 1000 + 7 * address for address in range(200)}
    await server.start()
    try:
        async with TcpWire(server.port, random).running() as wire:
            device = impatient(modbus_server.modbus_device(wire.port), 0.15)
            # The two classes are far apart, so that they are two blocks of the same size.
            addresses = [number // 2 + 100 * (number % 2) for number in range(POINTS)]
            points = scanned(
                [modbus_server.modbus_point(f"holding:{address}", role=f"P{address}") for address in addresses], device
            )
            expected = {point.name: float(1000 + 7 * address) for point, address in zip(points, addresses, strict=True)}
            yield Subject(MODBUS(), device, points, expected), wire
    finally:
        await server.stop()


@asynccontextmanager
async def bacnet(random: Random) -> AsyncIterator[Run]:
    served = bacnet_device.BacnetDevice()
    for number in range(1, POINTS + 1):
        served.add(f"analog-input,{number}", number * 1.5)
    async with bacnet_device.bacnet_device(served), UdpWire(served.port, random).running() as wire:
        device = impatient(bacnet_device.site_device(wire.port, served.instance), 0.3)
        points = scanned(
            [bacnet_device.bacnet_point(f"analog-input,{n}", f"P{n}") for n in range(1, POINTS + 1)], device
        )
        expected = {point.name: number * 1.5 for number, point in enumerate(points, 1)}
        yield Subject(BACNET(), device, points, expected), wire


@asynccontextmanager
async def opcua(random: Random, mode: str = "poll") -> AsyncIterator[Run]:
    values: dict[str, object] = {f"P{number}": number * 2.5 for number in range(1, POINTS + 1)}
    async with opcua_server.opcua_server(values) as plant:
        target = int(plant.url.strip("/").rpartition(":")[2])
        async with TcpWire(target, random).running() as wire:
            described = opcua_server.opcua_device(f"opc.tcp://127.0.0.1:{wire.port}/", mode=mode)
            device = impatient(described, 0.4)
            points = scanned([opcua_server.opcua_point(name) for name in values], device)
            expected = {point.name: number * 2.5 for number, point in enumerate(points, 1)}
            yield Subject(OPCUA(), device, points, expected), wire


@asynccontextmanager
async def snmp(random: Random, version: str = "2c") -> AsyncIterator[Run]:
    held = {f"1.3.6.1.4.1.9.1.{number}": ("Integer", 100 + 7 * number) for number in range(1, POINTS + 1)}
    with tempfile.TemporaryDirectory() as name, snmp_agent.snmp_agent(opcua_server.free_port(), held) as agent:
        folder = Path(name)
        account = (
            snmp_agent.community(folder)
            if version == "2c"
            else snmp_agent.user_account(folder, "sha256-aes256", "SHA256", "AES256")
        )
        async with UdpWire(agent.port, random).running() as wire:
            device = impatient(snmp_agent.snmp_device(wire.port, folder, **account), 0.3)
            points = scanned([snmp_agent.snmp_point(oid, f"P{number}") for number, oid in enumerate(held)], device)
            expected = {point.name: float(held[point.address][1]) for point in points}
            yield Subject(SNMP(), device, points, expected), wire


PROTOCOLS: dict[str, tuple[Callable[[Random], AbstractAsyncContextManager[Run]], float]] = {
    "modbus": (modbus, 1.0),
    "bacnet": (bacnet, 1.0),
    "opcua": (opcua, 0.5),
    "snmp": (snmp, 0.2),
    "snmp3": (partial(snmp, version="3"), 0.2),
}
"""And the share of the cycles that a protocol gets in an ordinary run: opening a session is costly."""


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_pain_01_a_device_killed_and_restored_comes_back_by_itself_every_time(protocol: str, cycles: int) -> None:
    random = Random(20)
    build, share = PROTOCOLS[protocol]
    async with build(random) as (subject, wire):
        outcome = await torture(subject, wire, list(Fault), max(round(cycles * share), 2), random)
    _report(protocol, outcome)
    assert outcome.wrong == []
    assert outcome.lost == outcome.restored - 1 == outcome.cycles
    assert outcome.tasks[1] <= outcome.tasks[0] + 2
    assert outcome.sockets[1] <= outcome.sockets[0] + 2
    assert outcome.memory_mb[1] <= outcome.memory_mb[0] + MEMORY_GROWTH_MAX_MB
    # The first attempt after the wire is whole succeeds; one may have begun before, into the broken wire.
    assert max(outcome.attempts) <= 2


def _report(protocol: str, outcome: Outcome) -> None:
    """Figures for whoever asks for the output (`make torture` does)."""
    times = sorted(outcome.recovered_s)
    sys.stdout.write(
        f"{protocol}: {outcome.cycles} cycles, every point good again after {times[len(times) // 2]:.3f} s (median), "
        f"{times[-1]:.3f} s (longest); tasks {outcome.tasks}, sockets {outcome.sockets}, "
        f"memory {outcome.memory_mb[0]:.1f} to {outcome.memory_mb[1]:.1f} MB\n"
    )
