"""Killing and restoring a device's wire over and over, behind a whole collector, and counting what came of it."""

import asyncio
import gc
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from tests.support.fault_proxy import Fault, FaultyWire
from tests.support.until import until

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.collector import Collector, CollectorOptions, Logs
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.site import Device, Equipment, Point, Site, System, Text
from cityhall_bms.ports.driver import DriverFactory
from cityhall_bms.ports.telemetry_log import LoggedBatch

RECOVERED_WITHIN_S = 20.0
"""Far above any back-off of these tests: the bound of a hang, no measurement."""


class Judge:
    """A telemetry log that keeps nothing and judges everything: every good value must be its point's own."""

    def __init__(self, expected: Mapping[int, float]) -> None:
        size = max(expected) + 1
        self._expected = np.full(size, np.nan)
        for point, value in expected.items():
            self._expected[point] = value
        self.good = np.zeros(size, np.int64)
        self.points = np.array(sorted(expected), np.intp)
        self.wrong: list[tuple[int, float]] = []

    async def publish(self, batch: SampleBatch) -> None:
        fine = batch.quality == 0
        point, value = batch.point[fine], batch.value[fine]
        np.add.at(self.good, point, 1)
        off = ~np.isclose(value, self._expected[point])
        self.wrong += list(zip(point[off].tolist(), value[off].tolist(), strict=True))

    def counts(self) -> NDArray[np.int64]:
        """Good values so far, per point in ``points``."""
        return self.good[self.points]

    async def reader(self, after: int) -> "Judge":
        return self

    async def fetch(self, limit: int, wait_s: float) -> Sequence[LoggedBatch]:
        return ()

    async def close(self) -> None: ...

    async def end(self) -> int:
        return 0

    async def forget(self, through: int) -> None: ...


@dataclass(frozen=True)
class Subject:
    """A device behind a wire: its points, and the value that each of them always has."""

    factory: DriverFactory
    device: Device
    points: Sequence[Point]
    expected: Mapping[str, float]


@dataclass
class Outcome:
    """What a run of cycles showed."""

    cycles: int = 0
    recovered_s: list[float] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    """How often the driver began anew after each restoration, until every point was good again."""
    wrong: list[tuple[int, float]] = field(default_factory=list)
    lost: int = 0
    restored: int = 0
    tasks: tuple[int, int] = (0, 0)
    sockets: tuple[int, int] = (0, 0)
    memory_mb: tuple[float, float] = (0.0, 0.0)
    """Early in the run and at its end, each of them."""


async def torture(subject: Subject, wire: FaultyWire, faults: Sequence[Fault], cycles: int, random: Random) -> Outcome:
    """Kill and restore ``cycles`` times; each time wait until every point is good again."""
    clock = SystemClock()
    ids = {point.name: number for number, point in enumerate(subject.points, 1)}
    judge = Judge({ids[name]: value for name, value in subject.expected.items()})
    events = MemoryEventLog(clock)
    collector = Collector(
        site_of(subject),
        ids,
        {subject.device.protocol: subject.factory},
        Logs(judge, events),
        clock,
        random,
        options=CollectorOptions(tick_s=0.005),
    )
    outcome = Outcome()
    early = _in_use()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(collector.run())
        try:
            await _all_good(judge, judge.counts())
            for number in range(cycles):
                if number == min(50, cycles // 2):
                    early = _in_use()
                await _cycle(collector, judge, wire, random.choice(list(faults)), outcome)
            outcome.tasks, outcome.sockets, outcome.memory_mb = zip(early, _in_use(), strict=True)
        finally:
            running.cancel()
    outcome.wrong = judge.wrong
    kinds = [stored.type for stored in await events.read(0, 1_000_000, "device/")]
    outcome.lost, outcome.restored = kinds.count("DeviceLost"), kinds.count("DeviceRestored")
    return outcome


async def _cycle(collector: Collector, judge: Judge, wire: FaultyWire, fault: Fault, outcome: Outcome) -> None:
    clock = SystemClock()
    await wire.fail(fault)
    await until(lambda: collector.lost_devices, within_s=RECOVERED_WITHIN_S)
    attempts, since = wire.attempts, clock.monotonic()
    before = judge.counts()
    await wire.restore()
    await _all_good(judge, before)
    outcome.recovered_s.append(clock.monotonic() - since)
    outcome.attempts.append(wire.attempts - attempts)
    outcome.cycles += 1
    await until(lambda: not collector.lost_devices, within_s=RECOVERED_WITHIN_S)


async def _all_good(judge: Judge, before: NDArray[np.int64]) -> None:
    await until(lambda: bool((judge.counts() > before).all()), within_s=RECOVERED_WITHIN_S)


def _in_use() -> tuple[int, int, float]:
    """Tasks, sockets and resident memory (MB) of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    links = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    sockets = sum(link.startswith("socket:") for link in links)
    return len(asyncio.all_tasks()), sockets, pages * resource.getpagesize() / 1e6


def site_of(subject: Subject) -> Site:
    """A site of this one device."""
    names = {point.equipment for point in subject.points}
    equipment = {name: Equipment(name, "Air_Handling_Unit", System.HVAC, Text("空調箱", "AHU")) for name in names}
    return Site(
        code="TCH",
        text=Text("測試", "Test"),
        time_zone="Asia/Taipei",
        simulated=True,
        floors=(),
        zones=(),
        equipment=equipment,
        devices={subject.device.name: subject.device},
        points={point.name: point for point in subject.points},
    )
