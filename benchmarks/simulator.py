"""What the simulated whole building costs: its process's CPU while the service's drivers poll it at its own scan rates.

Run with ``python benchmarks/simulator.py [seconds] [protocol ...]``. For nobody at all, each protocol alone, all of
them together, and a subscription to every BACnet object: samples or notifications a second, and the share of a core
that the simulator used meanwhile. Samples are those that a collector records, after its deadbands.
"""

# ruff: noqa: INP001, S311, T201, TID251 - a program that measures, on real time
import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

import structlog
import uvloop
from bacpypes3.apdu import SubscribeCOVRequest, UnconfirmedCOVNotificationRequest
from bacpypes3.app import Application
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import ObjectIdentifier

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.adapters.site_files.reader import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.collector import Collector, Logs
from cityhall_bms.domain.site import Site

PROTOCOLS: Final = ("modbus", "bacnet", "opcua")
SETTLE_S: Final = 15.0
"""Everything is read once at the start, and sessions are made."""


@contextmanager
def simulator(folder: Path) -> Iterator[tuple[int, Path]]:
    """Run the whole building; gives its process and its site folder."""
    command = [sys.executable, "-m", "cityhall_simulators", "run", "--site", "full", "--die-with-parent"]
    with subprocess.Popen([*command, "--site-dir", str(folder)], stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        yield process.pid, Path(json.loads(process.stdout.readline())["site"])
        process.terminate()


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used, user and system."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def part_of(site: Site, protocols: Sequence[str]) -> Site:
    """The site with the devices of some protocols only."""
    devices = {name: device for name, device in site.devices.items() if device.protocol in protocols}
    return replace(
        site, devices=devices, points={name: point for name, point in site.points.items() if point.device in devices}
    )


async def share_of(pid: int, count: Callable[[], int], seconds: float) -> tuple[float, float]:
    """What is counted a second, and the simulator's share of a core, once everything has settled."""
    await asyncio.sleep(SETTLE_S)
    spent_s, began_s, before = cpu_s(pid), time.monotonic(), count()
    await asyncio.sleep(seconds)
    elapsed_s = time.monotonic() - began_s
    return (count() - before) / elapsed_s, (cpu_s(pid) - spent_s) / elapsed_s


async def polled(pid: int, site: Site, seconds: float) -> tuple[float, float]:
    """Samples a second that a collector got, and the simulator's share of a core."""
    clock = SystemClock()
    logs = Logs(MemoryTelemetryLog(clock), MemoryEventLog(clock))
    ids = {name: number for number, name in enumerate(site.points, 1)}
    collector = Collector(site, ids, find_factories(), logs, clock, Random(1))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(collector.run())
        found = await share_of(pid, lambda: collector.samples, seconds)
        running.cancel()
    return found


class Subscriber(Application):
    """Counts what it is told."""

    told = 0

    async def do_UnconfirmedCOVNotificationRequest(self, apdu: UnconfirmedCOVNotificationRequest) -> None:  # noqa: N802
        """The library's hook."""
        del apdu
        self.told += 1


async def subscribed(pid: int, site: Site, seconds: float) -> tuple[float, float]:
    """Notifications a second of all BACnet objects, and the simulator's share of a core."""
    device = DeviceObject(objectIdentifier=("device", 9), objectName="benchmark", vendorIdentifier=999)
    network = NetworkPortObject("127.0.0.1/24:47900", objectIdentifier=("network-port", 1), objectName="port")
    app = Subscriber.from_object_list([device, network])
    for number, point in enumerate(p for p in site.points.values() if site.devices[p.device].protocol == "bacnet"):
        table = site.devices[point.device].settings
        await app.request(
            SubscribeCOVRequest(
                subscriberProcessIdentifier=number,
                monitoredObjectIdentifier=ObjectIdentifier(point.address),
                issueConfirmedNotifications=False,
                lifetime=3600,
                destination=Address(f"{table['host']}:{table['port']}"),
            )
        )
    found = await share_of(pid, lambda: app.told, seconds)
    app.close()
    return found


async def idle(pid: int, seconds: float) -> tuple[float, float]:
    """Nothing a second, and the simulator's share of a core."""
    return await share_of(pid, lambda: 0, seconds)


async def measure(pid: int, folder: Path, seconds: float, wanted: Sequence[str]) -> None:
    """Print a line for each share of the building."""
    site = load_site(folder, find_factories(), find_profile_folders())
    show("nobody asks", part_of(site, ()), await idle(pid, seconds))
    for protocols in (*((protocol,) for protocol in wanted), tuple(wanted)):
        part = part_of(site, protocols)
        show("+".join(protocols), part, await polled(pid, part, seconds))
    # The last one: its subscriptions stay.
    show("bacnet subscriptions", part_of(site, ("bacnet",)), await subscribed(pid, site, seconds))


def show(name: str, site: Site, found: tuple[float, float]) -> None:
    """One line."""
    rate, share = found
    print(f"{name:22} {len(site.devices):4} devices {len(site.points):5} points {rate:7.0f}/s "
          f"{100 * share:6.1f} % of a core", flush=True)  # fmt: skip


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    length_s = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as place, simulator(Path(place)) as (number, site_folder):
        uvloop.run(measure(number, site_folder, length_s, sys.argv[2:] or PROTOCOLS))
