"""A collector with devices that behave, on a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import numpy as np
import pytest
from tests.support.fake_driver import FakeDevice, FakeDriverFactory, fake_device, fake_point, fake_site
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.collector.collector import Collector, CollectorOptions, Logs
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.gaps import Gap
from cityhall_bms.domain.site import Device, Point


class QuickClock(ManualClock):
    """Lets everybody run until nobody has anything to do; right where nothing waits for sockets, and much faster."""

    async def _settle(self) -> None:
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        for _ in range(10_000):
            if not ready:
                return
            await asyncio.sleep(0)
        msg = "the tasks of this test never come to rest"
        raise AssertionError(msg)


class Rig:
    """Everything around one collector."""

    def __init__(
        self,
        devices: Sequence[Device],
        points: Sequence[Point],
        seed: int = 1,
        options: CollectorOptions | None = None,
        factory: FakeDriverFactory | None = None,
    ) -> None:
        self.clock = QuickClock()
        self.start_us = self.clock.now()
        self.telemetry = MemoryTelemetryLog(self.clock)
        self.events = MemoryEventLog(self.clock)
        self.factory = factory or FakeDriverFactory()
        self._site, self._ids = fake_site(devices, points)
        self._seed = seed
        self._options = options
        self.collector = self.make_collector()

    def make_collector(self) -> Collector:
        return Collector(
            self._site,
            self._ids,
            {"fake": self.factory},
            Logs(self.telemetry, self.events),
            self.clock,
            Random(self._seed),
            options=self._options,
        )

    def device(self, name: str) -> FakeDevice:
        return self.factory.device(name)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the collector during the body; stop it as the service does."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.collector.run())
            try:
                yield
            finally:
                running.cancel()

    async def device_events(self) -> list[tuple[str, str, str]]:
        """(type, device, reason) of every event about a device, in order."""
        stored = await self.events.read(0, 100_000, "device/")
        return [(item.type, item.payload["device"], item.payload.get("reason", "")) for item in stored]

    def ledger(self) -> list[Gap]:
        """The newest report of every gap, in the order in which they began to be reported."""
        kept = {
            (gap.device, gap.cause, gap.since, gap.points): gap
            for batch in self.telemetry.batches()
            for gap in batch.gaps
        }
        return list(kept.values())

    def samples(self, point: int) -> list[tuple[float, float, int]]:
        """(seconds since the start, value, quality) of everything logged of a point."""
        found = []
        for batch in self.telemetry.batches():
            for row in np.flatnonzero(batch.point == point):
                at_s = (int(batch.observed_at[row]) - self.start_us) / 1e6
                found.append((at_s, float(batch.value[row]), int(batch.quality[row])))
        return found


def small_rig(
    devices: int = 1, points: int = 3, scan_s: float = 5.0, seed: int = 1, options: CollectorOptions | None = None
) -> Rig:
    """``devices`` named D1, D2, …, each with ``points`` points numbered on from 1."""
    names = [f"D{number}" for number in range(1, devices + 1)]
    described = [
        fake_point(1 + place * points + n, name, scan_s) for place, name in enumerate(names) for n in range(points)
    ]
    return Rig([fake_device(name) for name in names], described, seed, options)


def assert_gap_free(batches: Sequence[SampleBatch]) -> None:
    """Sequences of the only source run from 0 without a hole or a repetition."""
    assert [batch.sequence for batch in batches] == list(range(len(batches)))
    assert len({(batch.source, batch.epoch) for batch in batches}) <= 1


class _Silence:
    def info(self, *_: object, **__: object) -> None: ...

    warning = error = exception = info


def quiet_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print no log: the traces of every driver failure of a day would take longer than the day."""
    for module in ("collector", "poller", "publisher", "device_events", "recorder", "listening"):
        monkeypatch.setattr(f"cityhall_bms.collector.{module}.log", _Silence())
