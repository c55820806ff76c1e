"""A collector's way to the log as a process of its own, without devices: numbered scans, and a file of what was confirmed.

``python -m tests.support.load_process URL FILE SOURCE`` writes ``epoch sequence observed_at`` for every scan on disk.
``SIGUSR1`` sets its clock ten minutes forward, ``SIGUSR2`` ten minutes back.
"""

import asyncio
import signal
import sys
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.publisher import Publisher
from cityhall_bms.domain.batch import Readings, SampleBatch

POINTS: Final = 200
STORE_BYTES: Final = 512 * 2**20
SITE: Final = "TCH"
SCAN_EVERY_S: Final = 0.02
JUMP_US: Final = 600_000_000


class JumpingClock(SystemClock):
    """The system's clock, as far off as the test wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.off_us = 0

    def now(self) -> int:
        return super().now() + self.off_us


class Noted:
    """The log; writes down what it confirmed, at once, so that a kill cannot make it forgotten."""

    def __init__(self, log: JetStreamTelemetryLog, file: Path) -> None:
        self._log = log
        self._file = file.open("a", buffering=1)
        self.newest, self.fill_ratio = log.newest, log.fill_ratio
        self.reader, self.end, self.forget = log.reader, log.end, log.forget

    async def publish(self, batch: SampleBatch) -> None:
        await self._log.publish(batch)
        self._note(batch)

    async def claim(self, first: SampleBatch, after: int) -> None:
        await self._log.claim(first, after)
        self._note(first)

    def _note(self, batch: SampleBatch) -> None:
        numbers = batch.value[batch.scan_start].astype(int).tolist()
        times = batch.scan_observed_at.tolist()
        self._file.write("".join(f"{batch.epoch} {n} {at}\n" for n, at in zip(numbers, times, strict=True)))


async def _run(url: str, file: Path, source: str) -> None:
    clock = JumpingClock()
    loop = asyncio.get_running_loop()
    for number, by_us in ((signal.SIGUSR1, JUMP_US), (signal.SIGUSR2, -JUMP_US)):
        loop.add_signal_handler(number, lambda by_us=by_us: setattr(clock, "off_us", clock.off_us + by_us))
    async with await JetStreamTelemetryLog.connect(url, SITE, clock, STORE_BYTES) as log:
        publisher = Publisher(source, Noted(log, file), clock, Random(), tick_s=0.1)
        await publisher.begin()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(publisher.run())
            tasks.create_task(_scan(publisher, clock))


async def _scan(publisher: Publisher, clock: SystemClock) -> None:
    points, good = np.arange(1, POINTS + 1, dtype=np.uint32), np.zeros(POINTS, np.uint8)
    number = 0
    while True:
        at = np.full(POINTS, clock.now(), np.int64)
        await publisher.put(Readings(points, at, np.arange(POINTS) / POINTS + number, good))
        number += 1
        await clock.sleep(SCAN_EVERY_S)


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
