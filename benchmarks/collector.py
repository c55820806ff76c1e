"""500 fake devices x 100 points at a mixed 1-60 s schedule: how late scans begin, and what it costs.

Run with ``python benchmarks/collector.py [seconds]``. The devices answer at once and cost nothing but the columns they
give; telemetry goes into memory. Figures are of one process on one core.
"""

# ruff: noqa: INP001, S311, T201, TID251 - a program that measures, on real time
import asyncio
import logging
import resource
import sys
import time
from collections.abc import Sequence
from random import Random

import numpy as np
import structlog
import uvloop
from numpy.typing import NDArray

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.collector import Collector, Logs
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.site import Device, Encoding, Equipment, Point, PointKind, Site, System, Text
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem

DEVICES, POINTS = 500, 100
PERIODS_S = (1.0,) * 10 + (5.0,) * 30 + (15.0,) * 35 + (60.0,) * 25
TEXT = Text("", "")


class Plan:
    """Points, and the columns that are the same in every answer."""

    requests = 1

    def __init__(self, points: Sequence[BoundPoint]) -> None:
        self.points: NDArray[np.uint32] = np.array([bound.point_id for bound in points], np.uint32)
        self.value = np.arange(len(points), dtype=np.float64)
        self.quality = np.zeros(len(points), np.uint8)


class InstantDriver:
    """Answers at once, as its own factory."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        """Nothing is wrong."""
        del device, points
        return []

    def endpoint(self, device: Device) -> str:
        """Its name."""
        return device.name

    def create(self, device: Device, clock: Clock) -> "InstantDriver":
        """Another one."""
        del device
        return InstantDriver(clock)

    def plan(self, points: Sequence[BoundPoint]) -> Plan:
        """One request for all."""
        return Plan(points)

    async def open(self) -> None:
        """Nothing to open."""

    async def read(self, plan: Plan) -> Readings:
        """The same values again."""
        at = np.full(len(plan.points), self._clock.now(), np.int64)
        return Readings(plan.points, at, plan.value, plan.quality)

    async def close(self) -> None:
        """Nothing to close."""


def building() -> tuple[Site, dict[str, int]]:
    """Site of 50,000 points, and their numbers."""
    devices = {f"D{n}": Device(f"D{n}", TEXT, "instant", {}) for n in range(DEVICES)}
    points = {
        f"P{n}": Point(
            f"P{n}", TEXT, "E", "R", PointKind.AI, "degC", f"D{n // POINTS}", "", Encoding(), -50.0, 1e6,
            PERIODS_S[n % POINTS],
        )
        for n in range(DEVICES * POINTS)
    }  # fmt: skip
    equipment = {"E": Equipment("E", "Equipment", System.HVAC, TEXT)}
    site = Site(
        "BENCH", TEXT, "UTC", simulated=True, floors=(), zones=(), equipment=equipment, devices=devices, points=points
    )
    return site, {name: number for number, name in enumerate(points, 1)}


async def measure(seconds: float) -> None:
    """Run, skip the first seconds (everything is read at once), print."""
    site, ids = building()
    clock = SystemClock()
    telemetry = MemoryTelemetryLog(clock)
    collector = Collector(
        site, ids, {"instant": InstantDriver()}, Logs(telemetry, MemoryEventLog(clock)), clock, Random(1)
    )
    late_s: list[float] = []
    for poller in collector.pollers:
        poller.watch_lateness(late_s.append)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(collector.run())
        await asyncio.sleep(3.0)
        late_s.clear()
        scans, samples, cpu, started = collector.scans, collector.samples, _cpu_s(), time.monotonic()
        await asyncio.sleep(seconds)
        elapsed, spent = time.monotonic() - started, _cpu_s() - cpu
        scans, samples = collector.scans - scans, collector.samples - samples
        running.cancel()
    p50, p99, worst = np.percentile(np.array(late_s) * 1e3, [50, 99, 100])
    print(
        f"{DEVICES} devices, {DEVICES * POINTS} points, "
        f"{scans / elapsed:.0f} scans/s, {samples / elapsed:.0f} samples/s"
    )
    print(f"start jitter   p50 {p50:.2f} ms   p99 {p99:.2f} ms   max {worst:.2f} ms   overruns {collector.overruns}")
    print(f"CPU            {100 * spent / elapsed:.1f} % of a core, {1e6 * spent / scans:.0f} µs a scan, "
          f"{1e6 * spent / samples:.2f} µs a sample")  # fmt: skip


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    uvloop.run(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
