"""A device of every protocol behind a faulty wire, with points that can be told from each other by their values."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

from tests.support import bacnet_device, modbus_server, opcua_server, snmp_agent, spoiling
from tests.support.edge_node import EdgeNode
from tests.support.fault_proxy import FaultyWire, TcpWire, UdpWire
from tests.support.hurried_clock import HurriedClock
from tests.support.mqtt_broker import MqttBroker, account, mqtt_broker, mqtt_device, mqtt_point
from tests.support.raw_bacnet import RawDevice, raw_bacnet
from tests.support.serial_bus import SerialBus, behind_tcp
from tests.support.spoiling import DATAGRAM_FAULTS, Fault
from tests.support.torture import Subject

from cityhall_bms.domain.site import Device, Point
from cityhall_drivers.bacnet import DRIVER as BACNET
from cityhall_drivers.modbus import DRIVER as MODBUS
from cityhall_drivers.mqtt import DRIVER as MQTT
from cityhall_drivers.opcua import DRIVER as OPCUA
from cityhall_drivers.snmp import DRIVER as SNMP

POINTS = 24
STEP, SPAN = 1000.0, 500.0
"""Between the values of two points, and within those of one that moves."""
MOVE_S = 0.01
"""One point moves so often."""
UNNUMBERED = tuple(fault for fault in Fault if fault is not Fault.MISNUMBERED)


@dataclass(frozen=True)
class Pace:
    """Randomness, how much more slowly than usual everything is scanned, and what a busy machine needs more of time."""

    random: Random
    slower: float = 1.0
    patience: float = 1.0
    hurry: float = 10.0
    """How fast clocks go where silence shows after 20 s only: of devices that tell their changes by themselves."""

    def impatient(self, device: Device, timeout_s: float, hurry: float = 1.0) -> Device:
        """Back-off from 20 to 100 ms, by the watch on the wall."""
        timeout_s *= self.patience
        return replace(device, timeout_s=timeout_s, retry_min_s=0.02 * hurry, retry_max_s=0.1 * hurry)

    def scanned(self, points: Sequence[Point], device: Device) -> list[Point]:
        """Two scan classes of equal shape, so that the answer of one would fit into the other."""
        scan_s = 0.02 * self.slower, 0.05 * self.slower
        return [replace(point, device=device.name, scan_s=scan_s[number % 2]) for number, point in enumerate(points)]


Run = tuple[Subject, FaultyWire]


@asynccontextmanager
async def moving(pace: Pace, move: Callable[[int, float], Awaitable[None]]) -> AsyncIterator[None]:
    """Move point after point (number from 1, and its value) as long as the body runs."""

    async def run() -> None:
        turn = 0
        while True:
            number, rest = turn % POINTS + 1, turn // POINTS % int(SPAN)
            await move(number, STEP * number + rest)
            turn += 1
            await asyncio.sleep(MOVE_S * pace.slower)

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run())
        try:
            yield
        finally:
            running.cancel()


@asynccontextmanager
async def modbus(pace: Pace, depth: int = 1) -> AsyncIterator[Run]:
    server = modbus_server.ModbusServer()
    server.registers[1, 3] = {address: 1000 + 7 * address for address in range(200)}
    await server.start()
    try:
        async with TcpWire(server.port, pace.random, spoiling.other_transaction).running() as wire:
            device = pace.impatient(modbus_server.modbus_device(wire.port, pipeline_depth=depth), 0.3)
            points, expected = _registers(pace, device)
            yield Subject(MODBUS(), device, points, expected, tidy=server.requests.clear), wire
    finally:
        await server.stop()


@asynccontextmanager
async def rtu(pace: Pace) -> AsyncIterator[Run]:
    """A serial line behind a gateway, with another unit on it whose registers are others."""
    registers = {address: 1000 + 7 * address for address in range(200)}
    bus = SerialBus({1: registers, 2: {address: 50_000 + address for address in registers}})
    async with behind_tcp(bus) as settings:
        target = settings["port"]
        assert isinstance(target, int)
        # Nothing but time tells a late answer of a serial line: no unit may be later than twice its time-out.
        line = TcpWire(target, pace.random, spoiling.other_unit, spoiling.flipped_bits, lag_s=0.45 * pace.patience)
        async with line.running() as wire:
            device = pace.impatient(modbus_server.modbus_device(wire.port, framing="rtu"), 0.3)
            points, expected = _registers(pace, device)
            yield Subject(MODBUS(), device, points, expected, tidy=bus.requests.clear), wire


def _registers(pace: Pace, device: Device) -> tuple[list[Point], dict[str, float]]:
    """Registers of two scan classes, far apart, so that they are two blocks of the same size."""
    addresses = [number // 2 + 100 * (number % 2) for number in range(POINTS)]
    described = [modbus_server.modbus_point(f"holding:{address}", role=f"P{address}") for address in addresses]
    points = pace.scanned(described, device)
    return points, {point.name: float(1000 + 7 * address) for point, address in zip(points, addresses, strict=True)}


@asynccontextmanager
async def bacnet(pace: Pace) -> AsyncIterator[Run]:
    served = bacnet_device.BacnetDevice()
    for number in range(1, POINTS + 1):
        served.add(f"analog-input,{number}", number * 1.5)
    wire = UdpWire(0, pace.random, spoiling.other_invoke)
    async with bacnet_device.bacnet_device(served), wire.running():
        wire.target = served.port
        device = pace.impatient(bacnet_device.site_device(wire.port, served.instance), 0.3)
        points = pace.scanned(_objects(), device)
        expected = {point.name: number * 1.5 for number, point in enumerate(points, 1)}
        tidy = served.habits.questions.clear
        yield Subject(BACNET(), device, points, expected, faults=DATAGRAM_FAULTS, tidy=tidy), wire


def _objects() -> list[Point]:
    return [bacnet_device.bacnet_point(f"analog-input,{number}", f"P{number}") for number in range(1, POINTS + 1)]


@asynccontextmanager
async def cov(pace: Pace, *, confirmed: bool = False) -> AsyncIterator[Run]:
    """A controller that tells its changes by itself, for three quarters of its objects."""
    served = RawDevice(values={(0, n): STEP * n for n in range(1, POINTS + 1)}, cov_max=POINTS * 3 // 4)
    served.time_of_restart = 1

    async def move(number: int, value: float) -> None:
        served.change((0, number), value)

    def tidy() -> None:
        """Let lifetimes run out: of earlier sockets of the driver nothing is left."""
        served.replies.clear()
        newest = next(reversed(served.subscriptions), None)
        for known in list(served.subscriptions):
            if newest is not None and known[0] != newest[0]:
                del served.subscriptions[known]

    async with raw_bacnet(served) as line:
        wire = UdpWire(line.port, pace.random, spoiling.other_invoke)
        async with wire.running(), moving(pace, move):
            described = bacnet_device.site_device(wire.port, served.instance, mode="cov", cov_confirmed=confirmed)
            device = pace.impatient(described, 0.3, pace.hurry)
            points = pace.scanned(_objects(), device)
            expected = {point.name: STEP * number for number, point in enumerate(points, 1)}
            yield (
                Subject(
                    BACNET(),
                    device,
                    points,
                    expected,
                    SPAN,
                    DATAGRAM_FAULTS,
                    HurriedClock(pace.hurry),
                    served.restart,
                    tidy,
                ),
                wire,
            )


@asynccontextmanager
async def opcua(pace: Pace, mode: str = "poll") -> AsyncIterator[Run]:
    values: dict[str, object] = {f"P{number}": STEP * number for number in range(1, POINTS + 1)}
    clock = HurriedClock(pace.hurry if mode == "subscribe" else 1.0)
    async with opcua_server.opcua_server(values) as plant:
        target = int(plant.url.strip("/").rpartition(":")[2])

        async def move(number: int, value: float) -> None:
            await plant.set(f"P{number}", value, at=datetime.fromtimestamp(clock.now() / 1e6, UTC))

        async with TcpWire(target, pace.random, spoiling.other_request).running() as wire, moving(pace, move):
            url = f"opc.tcp://127.0.0.1:{wire.port}/"
            described = opcua_server.opcua_device(url, mode=mode, publishing_interval_ms=50, keep_alive_s=clock.factor)
            device = pace.impatient(described, 0.5, clock.factor)
            points = pace.scanned([opcua_server.opcua_point(name) for name in values], device)
            expected = {point.name: STEP * number for number, point in enumerate(points, 1)}
            yield Subject(OPCUA(), device, points, expected, SPAN, clock=clock), wire


@asynccontextmanager
async def snmp(pace: Pace, version: str = "2c") -> AsyncIterator[Run]:
    held = {f"1.3.6.1.4.1.9.1.{number}": ("Integer", 100 + 7 * number) for number in range(1, POINTS + 1)}
    with tempfile.TemporaryDirectory() as name, snmp_agent.snmp_agent(opcua_server.free_port(), held) as agent:
        folder = Path(name)
        known = (
            snmp_agent.community(folder)
            if version == "2c"
            else snmp_agent.user_account(folder, "sha256-aes256", "SHA256", "AES256")
        )
        async with UdpWire(agent.port, pace.random, spoiling.other_message).running() as wire:
            device = pace.impatient(snmp_agent.snmp_device(wire.port, folder, **known), 0.5)
            points = pace.scanned([snmp_agent.snmp_point(oid, f"P{number}") for number, oid in enumerate(held)], device)
            expected = {point.name: float(held[point.address][1]) for point in points}
            yield Subject(SNMP(), device, points, expected, faults=DATAGRAM_FAULTS), wire


@asynccontextmanager
async def mqtt(pace: Pace) -> AsyncIterator[Run]:
    """JSON documents, each with one point, which the broker keeps for whoever comes."""
    with tempfile.TemporaryDirectory() as name:
        async with mqtt_broker(Path(name)) as broker, broker.client() as plant:

            async def move(number: int, value: float) -> None:
                await plant.publish(f"m/{number}", f'{{"v": {value}}}', retain=True)

            async with moving(pace, move), _listened(pace, broker, Path(name), "m/{}#v") as run:
                yield run


@asynccontextmanager
async def sparkplug(pace: Pace) -> AsyncIterator[Run]:
    """An edge node whose changes carry nothing but an alias."""
    clock = HurriedClock(pace.hurry)
    with tempfile.TemporaryDirectory() as name:
        async with mqtt_broker(Path(name)) as broker:
            node = EdgeNode({f"P{number}": STEP * number for number in range(1, POINTS + 1)}, clock)

            async def move(number: int, value: float) -> None:
                await node.change(f"P{number}", value)

            listened = _listened(pace, broker, Path(name), "G/E#P{}", clock, payload="sparkplug")
            async with node.born(broker), moving(pace, move), listened as run:
                yield run


@asynccontextmanager
async def _listened(
    pace: Pace, broker: MqttBroker, folder: Path, address: str, clock: HurriedClock | None = None, **settings: object
) -> AsyncIterator[Run]:
    async with TcpWire(broker.port, pace.random).running() as wire:
        device = pace.impatient(mqtt_device(wire.port, folder, **account(folder), **settings), 1.0, pace.hurry)
        described = [mqtt_point(address.format(number), f"P{number}") for number in range(1, POINTS + 1)]
        points = pace.scanned(described, device)
        expected = {point.name: STEP * number for number, point in enumerate(points, 1)}
        yield Subject(MQTT(), device, points, expected, SPAN, UNNUMBERED, clock or HurriedClock(pace.hurry)), wire


SUBJECTS: dict[str, tuple[Callable[[Pace], AbstractAsyncContextManager[Run]], float]] = {
    "modbus": (modbus, 0.5),
    "modbus-pipelined": (partial(modbus, depth=4), 0.2),
    "rtu": (rtu, 0.3),
    "bacnet": (bacnet, 0.3),
    "cov": (cov, 0.2),
    "cov-confirmed": (partial(cov, confirmed=True), 0.1),
    "opcua": (opcua, 0.2),
    "opcua-subscribed": (partial(opcua, mode="subscribe"), 0.1),
    "snmp": (snmp, 0.2),
    "snmp3": (partial(snmp, version="3"), 0.2),
    "mqtt": (mqtt, 0.1),
    "sparkplug": (sparkplug, 0.1),
}
"""And the share of the cycles that a subject gets in an ordinary run, where those of some take a second and more."""
