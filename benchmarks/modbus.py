"""CPU per value of Modbus reads: our driver beside plain pymodbus, the same blocks from the same responder.

The responder is a process of its own that answers every question from a prepared table; what is measured is the
client's CPU time (user and system) per value, from the call of the driver to its readings.
"""

# ruff: noqa: INP001, S101, S104, S603, T201 - a program that measures, on real time

import argparse
import asyncio
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop
from pymodbus.client import AsyncModbusTcpClient

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.site import Device, Encoding, Point, PointKind, Text
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.driver import ModbusDriver
from cityhall_drivers.modbus.plan import ModbusPlan

REGISTERS = 125
FLOATS = REGISTERS // 2
BLOCKS = 8
"""Blocks of a device; its points are 62 floats each."""


class Responder(asyncio.Protocol):
    """Answers any read of registers with the same data."""

    DATA = struct.pack(f">{FLOATS}f", *(float(number) for number in range(FLOATS))) + b"\0\0"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole question."""
        self.buffer += data
        out = []
        while len(self.buffer) >= 12:
            head, count = self.buffer[:8], int.from_bytes(self.buffer[10:12], "big")
            self.buffer = self.buffer[12:]
            out.append(
                head[:4] + struct.pack(">H", 3 + 2 * count) + head[6:8] + bytes((2 * count,)) + self.DATA[: 2 * count]
            )
        self.transport.write(b"".join(out))


async def serve() -> None:
    """Run the responder until standard input ends."""
    server = await asyncio.get_running_loop().create_server(Responder, "0.0.0.0", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


def points() -> list[BoundPoint]:
    """All floats of a device."""
    text = Text("點", "point")
    return [
        BoundPoint(
            1 + block * FLOATS + place,
            Point(
                f"T.01.E.EM01.P{block}_{place}", text, "T.01.E.EM01", "P", PointKind.AI, "", "d",
                f"holding:{200 * block + 2 * place}", Encoding("float32"), None, None, 1.0,
            ),
        )
        for block in range(BLOCKS)
        for place in range(FLOATS)
    ]  # fmt: skip


Reader = Callable[[], Awaitable[int]]
"""Reads all values of one device once; gives how many."""


async def our_readers(port: int, connections: int, depth: int) -> list[Reader]:
    """One device per connection, read by our driver; 127.0.0.2, 127.0.0.3, ... are as many hosts."""
    factory, clock = DRIVER(), SystemClock()
    readers: list[Reader] = []
    for number in range(connections):
        settings = {"host": f"127.0.0.{2 + number}", "port": port, "pipeline_depth": depth}
        driver = factory.create(Device(f"d{number}", Text("", ""), "modbus", settings), clock)
        plan = driver.plan(points())
        await driver.open()

        async def read(driver: ModbusDriver = driver, plan: ModbusPlan = plan) -> int:
            return len(await driver.read(plan))

        readers.append(read)
    return readers


async def their_readers(port: int, connections: int, _depth: int) -> list[Reader]:
    """One client per connection, as pymodbus means it: one question at a time."""
    readers: list[Reader] = []
    for number in range(connections):
        client = AsyncModbusTcpClient(f"127.0.0.{2 + number}", port=port)
        await client.connect()

        async def read(client: AsyncModbusTcpClient = client) -> int:
            values = 0
            for block in range(BLOCKS):
                answer = await client.read_holding_registers(200 * block, count=2 * FLOATS, device_id=1)
                values += len(client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32))
            return values

        readers.append(read)
    return readers


async def run(
    make: Callable[[int, int, int], Awaitable[list[Reader]]], port: int, shape: tuple[int, int], seconds: float
) -> tuple[int, float, float]:
    """Read with every reader for so long; give values, CPU seconds and seconds."""
    readers = await make(port, *shape)
    for reader in readers:
        await reader()
    values = 0
    began, cpu = time.perf_counter(), time.process_time()

    async def again(reader: Reader) -> None:
        nonlocal values
        while time.perf_counter() < began + seconds:
            read = await reader()
            values += read

    await asyncio.gather(*(again(reader) for reader in readers))
    return values, time.process_time() - cpu, time.perf_counter() - began


def measure(
    what: str, make: Callable[[int, int, int], Awaitable[list[Reader]]], shape: tuple[int, int], seconds: float
) -> float:
    """Print one line; give the CPU per value, µs. ``shape`` is connections and depth."""
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as responder:
        assert responder.stdout is not None
        assert responder.stdin is not None
        port = int(responder.stdout.readline())
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            values, cpu, took = runner.run(run(make, port, shape, seconds))
        responder.stdin.close()
    each, here, core = cpu / values * 1e6, values / took / 1e3, values / cpu / 1e3
    print(f"| {what} | {shape[0]} | {shape[1]} | {here:,.0f} k | {core:,.0f} k | {each:.3f} |")
    return each


def main() -> None:
    """Measure all, and say the ratio."""
    options = argparse.ArgumentParser()
    options.add_argument("--serve", action="store_true")
    options.add_argument("--seconds", type=float, default=3.0)
    chosen = options.parse_args()
    if chosen.serve:
        uvloop.run(serve())
        return
    print("| client | connections | depth | values/s here | values/s of one core | CPU µs a value |")
    print("|---|---|---|---|---|---|")
    plain = [measure("pymodbus", their_readers, (connections, 1), chosen.seconds) for connections in (1, 16)]
    own = [measure("ours", our_readers, (connections, 1), chosen.seconds) for connections in (1, 16)]
    for connections in (1, 16):
        measure("ours", our_readers, (connections, 8), chosen.seconds)
    ratios = [theirs / ours for theirs, ours in zip(plain, own, strict=True)]
    print(f"one question in flight, pymodbus needs {ratios[0]:.1f} and {ratios[1]:.1f} times the CPU")


if __name__ == "__main__":
    main()
