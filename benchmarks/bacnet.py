"""CPU per value of BACnet reads and per COV notification: our driver beside bacpypes3, on the same objects.

The device is a process of its own that answers from prepared octets. What is measured is the client's CPU time (user
and system) from the call of the driver to its readings, and from the socket to the sink of the subscription.
"""

# ruff: noqa: INP001, S101, S603, T201, TID251 - a program that measures, on real time

import argparse
import asyncio
import gc
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import uvloop
from bacpypes3.app import Application
from bacpypes3.basetypes import PropertyIdentifier
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import ObjectIdentifier

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.site import Device, Encoding, Point, PointKind, Text
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet import DRIVER

HOST = "127.0.0.1"
PRESENT_VALUE = 85
INSTANCE = 1001
OBJECTS = 300
BURST = 50
"""Notifications that the device sends at once."""


class Responder(asyncio.DatagramProtocol):
    """A device of analog inputs: reads multiple properties, and tells changes at a rate to whoever subscribed."""

    def __init__(self) -> None:
        self.results = {
            number: b"\x0c" + number.to_bytes(4, "big") + b"\x1e\x29\x55\x4e\x44" + struct.pack(">f", number * 1.5)
            + b"\x4f\x29\x6f\x4e\x82\x04\x00\x4f\x1f"
            for number in range(OBJECTS)
        }  # fmt: skip
        self.subscribers: dict[bytes, tuple[tuple[str, int], bytes]] = {}
        self.rate = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer at once."""
        apdu = data[6:]
        if apdu[:2] == b"\x10\x08":
            self.send(b"\x10\x00\xc4\x02\x00\x03\xe9\x22\x05\xc4\x91\x03\x21\x0f", addr)
        elif apdu[0] >> 4 == 0 and apdu[3] == 14:
            places = range(4, len(apdu), 11)
            found = [self.results[int.from_bytes(apdu[at + 1 : at + 5], "big")] for at in places]
            self.send(b"\x30" + apdu[2:3] + b"\x0e" + b"".join(found), addr)
        elif apdu[0] >> 4 == 0 and apdu[3] == 5:
            size = apdu[4] & 7
            target = apdu[6 + size : 10 + size]
            self.subscribers[target] = addr, apdu[4 : 5 + size]
            self.send(b"\x20" + apdu[2:3] + b"\x05", addr)
        elif apdu[0] >> 4 == 0:
            self.send(b"\x50" + apdu[2:4] + b"\x91\x02\x91\x20", addr)

    def send(self, apdu: bytes, addr: tuple[str, int]) -> None:
        """Put an APDU into a datagram."""
        self.transport.sendto(b"\x81\x0a" + (6 + len(apdu)).to_bytes(2, "big") + b"\x01\x00" + apdu, addr)

    async def tell(self) -> None:
        """Tell changes of one object after the other."""
        number = 0
        while True:
            if not self.rate or not self.subscribers:
                await asyncio.sleep(0.05)
                continue
            until = time.perf_counter() + BURST / self.rate
            targets = list(self.subscribers.items())
            for _ in range(BURST):
                target, (addr, process) = targets[number % len(targets)]
                number += 1
                said = process + b"\x1c\x02\x00\x03\xe9\x2c" + target + b"\x39\xff\x4e\x09\x55\x2e\x44"
                said += struct.pack(">f", number * 0.25) + b"\x2f\x09\x6f\x2e\x82\x04\x00\x2f\x4f"
                self.send(b"\x10\x02" + said, addr)
            await asyncio.sleep(max(0.0, until - time.perf_counter()))


async def serve() -> None:
    """Run the device until standard input ends; a line there sets its rate."""
    loop = asyncio.get_running_loop()
    transport, device = await loop.create_datagram_endpoint(Responder, (HOST, 0))
    print(transport.get_extra_info("sockname")[1], flush=True)

    def listen() -> None:
        for line in sys.stdin:
            device.rate = int(line)

    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(device.tell())
        await asyncio.to_thread(listen)
        telling.cancel()


def points() -> list[BoundPoint]:
    """All objects of the device."""
    text = Text("點", "point")
    return [
        BoundPoint(
            1 + number,
            Point(
                f"T.01.E.AHU01.P{number}", text, "T.01.E.AHU01", "P", PointKind.AI, "", "d",
                f"analog-input,{number}", Encoding(), None, None, 1.0,
            ),
        )
        for number in range(OBJECTS)
    ]  # fmt: skip


def settings(port: int, **more: object) -> Device:
    """The device's file."""
    table = {"host": HOST, "port": port, "device_instance": INSTANCE, "local_host": HOST, **more}
    return Device("d", Text("", ""), "bacnet", table)


Cost = tuple[int, float, float]
"""Values, CPU seconds, seconds."""
Rate = Callable[[int], None]
"""Sets how many changes a second the device tells."""
Read = Callable[[], Awaitable[int]]
"""Reads all objects once; gives how many."""


async def our_reads(port: int, objects: int) -> Read:
    """By our driver; so many objects in one request."""
    driver = DRIVER().create(settings(port, objects_per_request_max=objects), SystemClock())
    await driver.open()
    plan = driver.plan(points())

    async def read() -> int:
        readings = await driver.read(plan)
        assert not readings.quality.any()
        return len(readings)

    return read


def application() -> Application:
    """A client of bacpypes3 as it comes."""
    device = DeviceObject(
        objectIdentifier=("device", 9), objectName="client", vendorIdentifier=999, maxApduLengthAccepted=1476
    )
    return NormalApplication(device, IPv4Address(f"{HOST}/32:{47_900}"))


async def their_reads(port: int, objects: int) -> Read:
    """By bacpypes3, with its requests made once."""
    app = application()
    await asyncio.sleep(0.2)
    address = Address(f"{HOST}:{port}")
    wanted = [PropertyIdentifier(one) for one in ("present-value", "status-flags")]
    asked: list[Any] = []
    for number in range(OBJECTS):
        asked += [ObjectIdentifier(("analog-input", number)), wanted]

    async def read() -> int:
        values = 0
        for start in range(0, 2 * OBJECTS, 2 * objects):
            rows = await app.read_property_multiple(address, asked[start : start + 2 * objects])
            values += len(rows) // 2
        return values

    return read


async def run_reads(
    make: Callable[[int, int], Awaitable[Read]], objects: int, seconds: float, port: int, _rate: Rate
) -> Cost:
    """Read for so long; give values, CPU seconds and seconds."""
    read = await make(port, objects)
    await read()
    gc.collect()
    values, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() < began + seconds:
        values += await read()
    return values, time.process_time() - cpu, time.perf_counter() - began


class Counting:
    """A sink that counts."""

    def __init__(self) -> None:
        self.values = 0

    def __call__(self, readings: Readings) -> None:
        """Take what was pushed."""
        self.values += len(readings)


async def our_notifications(per_second: int, seconds: float, port: int, rate: Rate) -> Cost:
    """Subscribe by our driver."""
    driver = DRIVER().create(settings(port, mode="cov"), SystemClock())
    await driver.open()
    counting = Counting()
    assert await driver.subscribe(points(), counting)
    rate(per_second)
    return await _counted(lambda: counting.values, seconds)


async def their_notifications(per_second: int, seconds: float, port: int, rate: Rate) -> Cost:
    """Subscribe by bacpypes3; a task for each object takes its values."""
    app = application()
    await asyncio.sleep(0.2)
    counting = Counting()
    address = Address(f"{HOST}:{port}")
    subscribed = asyncio.Semaphore(0)

    async def follow(number: int) -> None:
        target = ObjectIdentifier(("analog-input", number))
        async with app.change_of_value(address, target, number + 1, issue_confirmed_notifications=False) as changes:
            subscribed.release()
            while True:
                changed, _ = await changes.get_value()
                counting.values += int(changed) == PRESENT_VALUE

    async with asyncio.TaskGroup() as tasks:
        following = []
        for number in range(OBJECTS):
            following.append(tasks.create_task(follow(number)))
            await subscribed.acquire()
        rate(per_second)
        cost = await _counted(lambda: counting.values, seconds)
        for task in following:
            task.cancel()
    return cost


async def _counted(count: Callable[[], int], seconds: float) -> Cost:
    await asyncio.sleep(0.5)
    gc.collect()
    before, began, cpu = count(), time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    return count() - before, time.process_time() - cpu, time.perf_counter() - began


def measure(what: str, detail: str, run: Callable[[int, Rate], Coroutine[Any, Any, Cost]]) -> float:
    """Print one line; give the CPU per value, µs."""
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as device:
        assert device.stdin is not None
        assert device.stdout is not None
        port = int(device.stdout.readline())
        written = device.stdin

        def rate(per_second: int) -> None:
            written.write(f"{per_second}\n")
            written.flush()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            values, cpu, took = runner.run(run(port, rate))
        device.stdin.close()
    each = cpu / values * 1e6
    print(f"| {what} | {detail} | {values / took:,.0f} | {values / cpu:,.0f} | {each:.2f} |", flush=True)
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
    seconds: float = chosen.seconds
    print("| client | what | values/s here | values/s of one core | CPU µs a value |")
    print("|---|---|---|---|---|")
    ratios = []
    for objects in (20, 60):
        each = [
            measure(name, f"{objects} objects a request", partial(run_reads, make, objects, seconds))
            for name, make in (("bacpypes3", their_reads), ("ours", our_reads))
        ]
        ratios.append(each[0] / each[1])
    theirs = measure("bacpypes3", "COV, 500 a second", partial(their_notifications, 500, seconds))
    for per_second in (500, 5_000, 20_000):
        ours = measure("ours", f"COV, {per_second:,} a second", partial(our_notifications, per_second, seconds))
        ratios.append(theirs / ours)
    print("bacpypes3 needs so many times the CPU: " + ", ".join(f"{ratio:.0f}" for ratio in ratios))


if __name__ == "__main__":
    main()
