"""Killing and restoring a device's wire over and over, behind a whole collector, and counting what came of it."""

import asyncio
import gc
import resource
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import CoroutineType

import numpy as np
from numpy.typing import NDArray
from tests.support.fault_proxy import FaultyWire
from tests.support.hurried_clock import HurriedClock
from tests.support.spoiling import KILLS, Fault
from tests.support.until import until

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.collector import Collector, CollectorOptions, Logs
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.site import Device, Equipment, Point, Site, System, Text
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import Driver, DriverFactory
from cityhall_bms.ports.event_log import Append, Checkpoint
from cityhall_bms.ports.telemetry_log import LoggedBatch

RECOVERED_WITHIN_S = 120.0
"""Far above any back-off of these tests: the bound of a hang, no measurement."""
FIRST_SPOILT, THEN_SPOILT = 2, 4
SPOILT_ENOUGH = 12
"""So many spoilt answers end a fault that a driver may survive."""
TICK_S = 0.005
EARLY_CYCLES = 50
EARLY_SHARE = 0.1
"""When what is in use is looked at for the first time: all caches are filled by then."""


class Judge:
    """A telemetry log that keeps nothing and judges everything: every good value must be its point's own.

    A point's own are those from its expected value to ``span`` above it.
    """

    def __init__(self, expected: Mapping[int, float], span: float = 0.0) -> None:
        size = max(expected) + 1
        self._expected = np.full(size, np.nan)
        for point, value in expected.items():
            self._expected[point] = value
        self._span = span
        self.good = np.zeros(size, np.int64)
        self.points = np.array(sorted(expected), np.intp)
        self.wrong: list[tuple[int, float]] = []

    async def publish(self, batch: SampleBatch) -> None:
        fine = batch.quality == 0
        point, value = batch.point[fine], batch.value[fine]
        np.add.at(self.good, point, 1)
        above = value - self._expected[point]
        is_own = np.isclose(above, 0.0) | ((above > 0.0) & (above <= self._span))
        self.wrong += list(zip(point[~is_own].tolist(), value[~is_own].tolist(), strict=True))

    async def newest(self, source: str) -> LoggedBatch | None:
        return None

    async def claim(self, first: SampleBatch, after: int) -> None:
        await self.publish(first)

    async def fill_ratio(self) -> float:
        return 0.0

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


class EventTally(MemoryEventLog):
    """An event log that counts instead of keeping: an hour of outages must not look like a leak."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.kinds: Counter[str] = Counter()

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        self.kinds.update(type(event).__name__ for one in appends for event in one.events)
        return []


@dataclass(frozen=True)
class Subject:
    """A device behind a wire: its points, and the value that each of them always has, or ``span`` more at most."""

    factory: DriverFactory
    device: Device
    points: Sequence[Point]
    expected: Mapping[str, float]
    span: float = 0.0
    faults: Sequence[Fault] = tuple(Fault)
    clock: HurriedClock = field(default_factory=HurriedClock)
    """The collector's and the driver's: faster than time where only a long silence shows that something is wrong."""
    restart: Callable[[], None] = lambda: None
    """Lets the device itself forget what it forgets without power."""
    tidy: Callable[[], None] = lambda: None
    """Throws away what the device has noted of the questions so far."""


@dataclass(frozen=True)
class Effort:
    """How long to go on: so many cycles, and then until so many minutes are over; rests are for long runs."""

    cycles: int
    minutes: float = 0.0
    rest_s: float = 0.0
    look_s: float = 0.001
    """How often somebody looks whether every point is good again."""


@dataclass
class Outcome:
    """What a run of cycles showed."""

    cycles: int = 0
    recovered_s: list[float] = field(default_factory=list)
    """From the restoration until every point was good again, where the device was lost."""
    calmed_s: list[float] = field(default_factory=list)
    """The same where it was not: the driver lived with the fault."""
    attempts: list[int] = field(default_factory=list)
    """How often the driver was opened after a restoration, until every point was good again."""
    relapses: int = 0
    """Losses after a recovery, while the wire was whole."""
    wrong: list[tuple[int, float]] = field(default_factory=list)
    good: int = 0
    kills: int = 0
    lost: int = 0
    restored: int = 0
    tasks: tuple[int, int] = (0, 0)
    sockets: tuple[int, int] = (0, 0)
    memory_mb: tuple[float, float] = (0.0, 0.0)
    """Early in the run and at its end, each of them."""


class Tortured:
    """One subject being tortured."""

    def __init__(self, subject: Subject, wire: FaultyWire, effort: Effort, random: Random) -> None:
        ids = {point.name: number for number, point in enumerate(subject.points, 1)}
        self.outcome = Outcome()
        self.judge = Judge({ids[name]: value for name, value in subject.expected.items()}, subject.span)
        self.events = EventTally(subject.clock)
        self.opened = 0
        self._subject, self._wire, self._effort, self._random = subject, wire, effort, random
        self._clock = SystemClock()
        self.collector = Collector(
            site_of(subject),
            ids,
            {subject.device.protocol: subject.factory},
            Logs(self.judge, self.events),
            subject.clock,
            random,
            options=CollectorOptions(tick_s=TICK_S * subject.clock.factor),
        )
        self._count_openings()

    async def begin(self) -> None:
        """Wait until the device answers and every point is good."""
        await self._until(lambda: all(poller.online for poller in self.collector.pollers))
        await self.all_good(self.judge.counts())

    async def good_while(self, fault: Fault) -> int:
        """Let the wire fail in a way that leaves no answer as it was; give how many good values came all the same."""
        wire, spoilt = self._wire, self._wire.spoilt
        await wire.fail(fault)
        # What was on its way to the log before is there by then.
        await self._until(lambda: wire.spoilt >= spoilt + FIRST_SPOILT)
        before = self.judge.counts()
        await self._until(lambda: wire.spoilt >= spoilt + FIRST_SPOILT + THEN_SPOILT)
        return int((self.judge.counts() - before).sum())

    async def cycle(self) -> None:
        """Let the wire fail and be whole again; then every point must be good, and stay so for some scans."""
        outcome, wire = self.outcome, self._wire
        fault = self._random.choice(list(self._subject.faults))
        spoilt = wire.spoilt
        await wire.fail(fault)
        if fault in KILLS:
            outcome.kills += 1
            if self._random.random() < 0.5:
                self._subject.restart()
            await self._until(lambda: self._lost)
        else:
            await self._until(lambda: self._lost or wire.spoilt >= spoilt + SPOILT_ENOUGH)
        was_lost, since_s, before = self._lost, self._clock.monotonic(), self.judge.counts()
        await wire.restore()
        opened = self.opened
        await self.all_good(before)
        (outcome.recovered_s if was_lost else outcome.calmed_s).append(self._clock.monotonic() - since_s)
        await self._until(lambda: not self._lost)
        if was_lost:
            outcome.attempts.append(self.opened - opened)
        losses = self._losses
        await self.all_good(self.judge.counts() + 1)
        await asyncio.sleep(self._effort.rest_s)
        outcome.relapses += self._losses - losses if was_lost else 0
        outcome.cycles += 1
        self._subject.tidy()

    async def all_good(self, before: NDArray[np.int64]) -> None:
        """Wait until every point has more good values than it had."""
        await self._until(lambda: bool((self.judge.counts() > before).all()))

    async def _until(self, condition: Callable[[], bool]) -> None:
        await until(condition, RECOVERED_WITHIN_S, self._effort.look_s)

    @property
    def _lost(self) -> bool:
        return self.collector.lost_devices > 0

    @property
    def _losses(self) -> int:
        return sum(poller.figures.losses for poller in self.collector.pollers)

    def _count_openings(self) -> None:
        create = self._subject.factory.create

        def counted(device: Device, clock: Clock) -> Driver:
            driver = create(device, clock)
            really_open = driver.open

            async def opening() -> None:
                self.opened += 1
                await really_open()

            driver.open = opening  # type: ignore[method-assign]
            return driver

        self._subject.factory.create = counted  # type: ignore[method-assign]


@asynccontextmanager
async def tortured(subject: Subject, wire: FaultyWire, effort: Effort, random: Random) -> AsyncIterator[Tortured]:
    """Collect from the subject; it answers, and every point is good."""
    one = Tortured(subject, wire, effort, random)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(one.collector.run())
        try:
            await one.begin()
            yield one
        finally:
            running.cancel()


async def torture(subject: Subject, wire: FaultyWire, effort: Effort, random: Random) -> Outcome:
    """Kill and restore; each time wait until every point is good again."""
    clock = SystemClock()
    began_s, is_early = clock.monotonic(), True
    async with tortured(subject, wire, effort, random) as run:
        outcome, early = run.outcome, _in_use()
        while outcome.cycles < effort.cycles or clock.monotonic() - began_s < 60.0 * effort.minutes:
            await run.cycle()
            is_few = outcome.cycles <= min(EARLY_CYCLES, effort.cycles // 2)
            is_early = is_early and (is_few or clock.monotonic() - began_s < 60.0 * EARLY_SHARE * effort.minutes)
            early = _in_use() if is_early else early
        outcome.tasks, outcome.sockets, outcome.memory_mb = zip(early, _in_use(), strict=True)
    outcome.wrong, outcome.good = run.judge.wrong, int(run.judge.counts().sum())
    outcome.lost, outcome.restored = run.events.kinds["DeviceLost"], run.events.kinds["DeviceRestored"]
    return outcome


def _in_use() -> tuple[int, int, float]:
    """Tasks, sockets and resident memory (MB) of this process, with its devices."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    links = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    sockets = sum(link.startswith("socket:") for link in links)
    return sum(map(_is_ours, asyncio.all_tasks())), sockets, pages * resource.getpagesize() / 1e6


def _is_ours(task: asyncio.Task[object]) -> bool:
    """A server of OPC UA keeps the sessions of clients that vanished for a while, and a task for each."""
    coroutine = task.get_coro()
    return not isinstance(coroutine, CoroutineType) or "asyncua/server" not in coroutine.cr_code.co_filename


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
