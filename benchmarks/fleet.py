"""500 simulated devices behind real sockets, 50,000 points at a mixed 1-60 s schedule: how late scans begin, and CPU.

Run with ``python benchmarks/fleet.py [--seconds 60] [--depth 1] [--profile]``.

400 Modbus units (300 at addresses of their own, 100 behind ten gateways), 80 BACnet devices and 20 sessions of an OPC
UA server answer from two processes of their own; our drivers, collector and JetStream log are those of the service, on
its event loop. CPU is that of the collector's process alone, user and system. ``--profile`` says where it goes, at the
cost of the figures.
"""

# ruff: noqa: INP001, S101, S311, S603, T201, TID251 - a program that measures, on real time
import argparse
import asyncio
import cProfile
import json
import logging
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import structlog
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.fleet_devices import port_of, serve_bacnet, serve_modbus, serve_opcua
from tests.support.nats_server import nats_server

from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.collector import Collector, Logs
from cityhall_bms.collector.settled_heap import SETTLED_AFTER_S, settle_heap
from cityhall_bms.domain.site import Device, Encoding, Equipment, Point, PointKind, Site, System, Text

MODBUS, BACNET, OPCUA = 400, 80, 20
GATEWAYS, UNITS = 10, 10
POINTS = 100
FIRST_INSTANCE = 1000
PERIODS_S = (1.0,) * 10 + (5.0,) * 30 + (15.0,) * 35 + (60.0,) * 25
WARM_UP_S = SETTLED_AFTER_S + 5.0
STORE_BYTES = 1 << 29
TEXT = Text("", "")

Ports = dict[str, Any]


async def serve(kind: str) -> None:
    """Be devices until standard input ends; print where they are."""
    server = None
    ports: Ports = {}
    if kind == "opcua":
        server, ports["opcua"] = await serve_opcua()
    else:
        ports["modbus"] = await serve_modbus()
        sockets = await serve_bacnet(range(FIRST_INSTANCE, FIRST_INSTANCE + BACNET))
        ports["bacnet"] = [port_of(socket) for socket in sockets]
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    if server is not None:
        await server.stop()


@contextmanager
def devices(kind: str) -> Iterator[Ports]:
    """A process of devices."""
    command = [sys.executable, __file__, "--serve", kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def device_of(number: int, ports: Ports) -> Device:
    """The device file of one device: units behind gateways, units of their own, BACnet, OPC UA."""
    name = f"D{number}"
    if number < GATEWAYS * UNITS:
        host, unit = f"127.1.1.{number // UNITS + 1}", number % UNITS + 1
        return Device(name, TEXT, "modbus", {"host": host, "port": ports["modbus"], "unit_id": unit})
    if number < MODBUS:
        host = f"127.2.{number // 250}.{number % 250 + 1}"
        return Device(name, TEXT, "modbus", {"host": host, "port": ports["modbus"], "pipeline_depth": ports["depth"]})
    place = number - MODBUS
    if place < BACNET:
        here, instance = "127.0.0.1", FIRST_INSTANCE + place
        where = {"host": here, "port": ports["bacnet"][place], "local_host": here, "device_instance": instance}
        return Device(name, TEXT, "bacnet", where)
    return Device(name, TEXT, "opcua", {"url": f"opc.tcp://127.0.0.1:{ports['opcua']}/"})


def point_of(number: int, device: Device) -> Point:
    """One point of a unit: a run status, and of ten each a counter, four that may jump, and five temperatures.

    Temperatures are watched for spikes, flat lines and rates, counters for running backwards.
    """
    kind, unit, role, type_ = PointKind.AI, "°C", f"T{number}", "float32"
    address = f"holding:{2 * number}"
    if number == 0:
        kind, unit, role, type_ = PointKind.DI, "", "RunSts", "uint16"
    elif number % 10 == 1:
        kind, unit, role, type_ = PointKind.CI, "kWh", f"Energy{number}", "uint32"
        address = f"input:{2 * (number // 10)}"
    elif number % 10 < 5:
        unit, role, type_ = "kW", f"Power{number}", "uint16"
    if device.protocol != "modbus":
        address = f"analog-input,{number}" if device.protocol == "bacnet" else f"ns=2;s=F{number}"
    encoding = Encoding(type_) if device.protocol == "modbus" else Encoding()
    equipment = f"{device.name}.E"
    name = f"{equipment}.{role}"
    return Point(name, TEXT, equipment, role, kind, unit, device.name, address, encoding, -50.0, 1e9, PERIODS_S[number])


def building(ports: Ports) -> tuple[Site, dict[str, int]]:
    """Site of 50,000 points, and their numbers."""
    devices = {f"D{number}": device_of(number, ports) for number in range(MODBUS + BACNET + OPCUA)}
    points = [point_of(number, device) for device in devices.values() for number in range(POINTS)]
    equipment = {
        point.equipment: Equipment(point.equipment, "Air_Handling_Unit", System.HVAC, TEXT) for point in points
    }
    site = Site(
        "BENCH", TEXT, "UTC", simulated=True, floors=(), zones=(), equipment=equipment, devices=devices,
        points={point.name: point for point in points},
    )  # fmt: skip
    return site, {point.name: number for number, point in enumerate(points, 1)}


class Watched:
    """The figures of a collector over a while."""

    def __init__(self, collector: Collector) -> None:
        self.late_s: list[float] = []
        self._collector = collector
        for poller in collector.pollers:
            poller.watch_lateness(self.late_s.append)

    async def over(self, seconds: float) -> None:
        """Watch for so long, and print."""
        collector = self._collector
        self.late_s.clear()
        before = collector.scans, collector.samples, collector.overruns
        cpu, began = time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        took, spent = time.perf_counter() - began, time.process_time() - cpu
        scans, samples, overruns = (
            now - then
            for now, then in zip((collector.scans, collector.samples, collector.overruns), before, strict=True)
        )
        late = dict(zip(("p50", "p99", "p99.9", "max"), np.percentile(self.late_s, [50, 99, 99.9, 100]), strict=True))
        print(f"work     {scans / took:.0f} scans/s, {samples / took:.0f} samples/s, {overruns} scans skipped, "
              f"{collector.lost_devices} devices lost")  # fmt: skip
        print("jitter   " + "   ".join(f"{name} {1e3 * late_s:.2f} ms" for name, late_s in late.items()))
        print(f"CPU      {100 * spent / took:.1f} % of a core, {1e6 * spent / scans:.0f} µs a scan, "
              f"{1e6 * spent / samples:.2f} µs a sample")  # fmt: skip


async def measure(ports: Ports, seconds: float, profile: cProfile.Profile | None) -> None:
    """Run the collector; skip the time in which everything is opened and read at once."""
    site, ids = building(ports)
    clock, factories = SystemClock(), find_factories()
    protocols = Counter(device.protocol for device in site.devices.values())
    print(f"devices  {dict(protocols)}, {len(site.points)} points; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        async with (
            nats_server(Path(folder)) as nats,
            await JetStreamTelemetryLog.connect(nats.url, site.code, clock, STORE_BYTES) as telemetry,
        ):
            collector = Collector(site, ids, factories, Logs(telemetry, MemoryEventLog(clock)), clock, Random(1))
            watched = Watched(collector)
            async with asyncio.TaskGroup() as tasks:
                settling = tasks.create_task(settle_heap(clock))
                running = tasks.create_task(collector.run())
                await asyncio.sleep(WARM_UP_S)
                if profile is not None:
                    profile.enable()
                await watched.over(seconds)
                if profile is not None:
                    profile.disable()
                running.cancel()
                settling.cancel()


def main() -> None:
    """Start the devices, measure, stop them."""
    options = argparse.ArgumentParser()
    options.add_argument("--serve", choices=("quick", "opcua"))
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--depth", type=int, default=1, help="questions at once to a unit with an address of its own")
    options.add_argument("--profile", action="store_true")
    chosen = options.parse_args()
    if chosen.serve:
        uvloop.run(serve(chosen.serve))
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    profile = cProfile.Profile() if chosen.profile else None
    with ExitStack() as stack:
        ports: Ports = {"depth": chosen.depth}
        for kind in ("quick", "opcua"):
            ports |= stack.enter_context(devices(kind))
        uvloop.run(measure(ports, chosen.seconds, profile))
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
