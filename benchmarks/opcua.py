"""CPU per value of OPC UA: our driver beside plain asyncua, the same nodes of the same server.

asyncua's own server runs in a process of its own and is the limit; what counts is the client's CPU time (user and
system) per value: of a read from the call of the driver to its readings, of a change from the socket to the readings.
"""

# ruff: noqa: INP001, S101, S603, T201, TID251 - a program that measures, on real time

import argparse
import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import numpy as np
from asyncua import Client, Server, ua

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.site import Device, Encoding, Point, PointKind, Text
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua import DRIVER
from cityhall_drivers.opcua.driver import OpcUaDriver

NODES = 1000
CHANGES_HZ = 5.0
Measured = tuple[int, float, float]
"""Values, CPU seconds, seconds."""


def kind_of(number: int, *, mixed: bool) -> ua.Variant:
    """A float, or in turn a float, a whole number and a switch, as a lift has them."""
    kinds = (ua.VariantType.Double, ua.VariantType.Int32, ua.VariantType.Boolean) if mixed else (ua.VariantType.Double,)
    kind = kinds[number % len(kinds)]
    value = {ua.VariantType.Double: number / 8, ua.VariantType.Int32: number, ua.VariantType.Boolean: True}[kind]
    return ua.Variant(value, kind)


async def serve(*, changing: bool) -> None:
    """Print our address, then serve until standard input ends; with ``changing`` every float changes all the time."""
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:benchmark")
    nodes = []
    for mixed, letter in ((False, "F"), (True, "M")):
        folder = await server.nodes.objects.add_folder(2, letter)
        for number in range(NODES):
            node = ua.NodeId(f"{letter}{number}", 2)
            await folder.add_variable(node, f"{letter}{number}", kind_of(number, mixed=mixed))
            nodes += [] if mixed else [node]
    async with server:
        print(server.bserver._server.sockets[0].getsockname()[1], flush=True)  # noqa: SLF001
        ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        step, due = 0, time.monotonic()
        while not ended.done():
            if changing:
                step += 1
                for node in nodes:
                    await server.write_attribute_value(
                        node, ua.DataValue(ua.Variant(float(step), ua.VariantType.Double))
                    )
            due = max(due + 1 / CHANGES_HZ, time.monotonic())
            await asyncio.sleep(max(due - time.monotonic(), 0.001))


def points(letter: str, count: int) -> list[BoundPoint]:
    """The first nodes as points."""
    text = Text("點", "point")
    return [
        BoundPoint(
            1 + n,
            Point(
                f"T.01.L.EL01.P{n}", text, "T.01.L.EL01", "P", PointKind.AI, "", "d", f"ns=2;s={letter}{n}",
                Encoding(""), None, None, 0.1,
            ),
        )
        for n in range(count)
    ]  # fmt: skip


def driver_of(port: int, **settings: object) -> OpcUaDriver:
    """Our driver, asking for as much at once as the baseline."""
    table = {"url": f"opc.tcp://127.0.0.1:{port}/", "nodes_per_read_max": NODES, **settings}
    return DRIVER().create(Device("d", Text("", ""), "opcua", table, timeout_s=10.0), SystemClock())


async def again_and_again(read: Callable[[], Awaitable[int]], seconds: float) -> Measured:
    """Read for so long."""
    await read()
    values, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() < began + seconds:
        values += await read()
    return values, time.process_time() - cpu, time.perf_counter() - began


async def our_reads(port: int, letter: str, count: int, seconds: float) -> Measured:
    """Read by our driver."""
    driver = driver_of(port)
    await driver.open()
    plan = driver.plan(points(letter, count))

    async def read() -> int:
        return int(np.isfinite((await driver.read(plan)).value).sum())

    measured = await again_and_again(read, seconds)
    await driver.close()
    return measured


async def their_reads(port: int, letter: str, count: int, seconds: float) -> Measured:
    """Read as asyncua means it, without the time of the conversion to columns."""
    async with Client(f"opc.tcp://127.0.0.1:{port}/", timeout=10, watchdog_intervall=10) as client:
        nodes = [client.get_node(f"ns=2;s={letter}{n}") for n in range(count)]

        async def read() -> int:
            return len(await client.read_values(nodes))

        return await again_and_again(read, seconds)


async def listened(heard: list[int], seconds: float) -> Measured:
    """Count what arrives for so long; ``heard`` is added to elsewhere."""
    await asyncio.sleep(1.0)
    before, began, cpu = heard[0], time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    return heard[0] - before, time.process_time() - cpu, time.perf_counter() - began


async def our_changes(port: int, letter: str, count: int, seconds: float) -> Measured:
    """Changes pushed to our driver."""
    heard, driver = [0], driver_of(port, mode="subscribe", publishing_interval_ms=100)

    def sink(readings: Readings) -> None:
        heard[0] += len(readings)

    await driver.open()
    await driver.subscribe(points(letter, count), sink)
    measured = await listened(heard, seconds)
    await driver.close()
    return measured


async def their_changes(port: int, letter: str, count: int, seconds: float) -> Measured:
    """Changes pushed to a handler of asyncua."""
    heard = [0]

    class Handler:
        def datachange_notification(self, _node: object, _value: object, _data: object) -> None:
            heard[0] += 1

    async with Client(f"opc.tcp://127.0.0.1:{port}/", timeout=10, watchdog_intervall=10) as client:
        subscription = await client.create_subscription(100, Handler())
        nodes = [client.get_node(f"ns=2;s={letter}{n}") for n in range(count)]
        await subscription.subscribe_data_change(nodes, queuesize=10, sampling_interval=100)
        return await listened(heard, seconds)


def measure(
    what: str, run: Callable[[int, str, int, float], Awaitable[Measured]], shape: tuple[str, int], seconds: float
) -> None:
    """Print one line."""
    changing = ["--changing"] if "changes" in what else []
    with subprocess.Popen(
        [sys.executable, __file__, "--serve", *changing], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        port = int(server.stdout.readline())
        values, cpu, took = asyncio.run(run(port, *shape, seconds))  # type: ignore[arg-type]
        server.stdin.close()
    nodes = "mixed" if shape[0] == "M" else "double"
    print(f"| {what} | {shape[1]} {nodes} | {values / took:,.0f} | {cpu / values * 1e6:.2f} |", flush=True)


def main() -> None:
    """Measure all."""
    logging.disable(logging.WARNING)
    options = argparse.ArgumentParser()
    options.add_argument("--serve", action="store_true")
    options.add_argument("--changing", action="store_true")
    options.add_argument("--seconds", type=float, default=3.0)
    chosen = options.parse_args()
    if chosen.serve:
        asyncio.run(serve(changing=chosen.changing))
        return
    print(f"{datetime.now(UTC):%Y-%m-%d}\n| client | nodes | values/s here | CPU µs a value |\n|---|---|---|---|")
    for shape in (("F", 100), ("F", 1000), ("M", 1000)):
        measure("asyncua reads", their_reads, shape, chosen.seconds)
        measure("ours reads", our_reads, shape, chosen.seconds)
    measure("asyncua changes, handler", their_changes, ("F", NODES), chosen.seconds)
    measure("ours changes", our_changes, ("F", NODES), chosen.seconds)


if __name__ == "__main__":
    main()
