"""The telemetry log on a real server with an fsync before each confirmation: confirmed samples a second, and back.

Run with ``python benchmarks/telemetry_log.py [seconds]``.
"""

# ruff: noqa: INP001, T201, TID251 - a program that measures, on real time

import asyncio
import itertools
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.nats_server import nats_server

from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings, SampleBatch

SCAN_SAMPLES = 50


def batches(samples: int) -> Iterator[SampleBatch]:
    """Batches of ``samples`` samples without end, in scans of 50."""
    scans = [
        Readings(
            np.arange(first, first + SCAN_SAMPLES, dtype=np.uint32),
            np.full(SCAN_SAMPLES, 1_782_864_000_000_000, np.int64),
            np.linspace(0, 1, SCAN_SAMPLES),
            np.zeros(SCAN_SAMPLES, np.uint8),
        )
        for first in range(0, samples, SCAN_SAMPLES)
    ]
    return (SampleBatch.gather("bench", samples, number, 0, scans) for number in itertools.count())


async def publish(log: JetStreamTelemetryLog, samples: int, at_once: int, seconds: float) -> int:
    """Publish for some seconds with ``at_once`` batches on their way; give how many were confirmed."""
    source = batches(samples)
    deadline, confirmed = time.monotonic() + seconds, 0

    async def one_after_the_other() -> None:
        nonlocal confirmed
        while time.monotonic() < deadline:
            await log.publish(next(source))
            confirmed += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(one_after_the_other())
    return confirmed


async def consume(log: JetStreamTelemetryLog) -> int:
    """Read everything; give how many samples there were."""
    reader, end, samples, position = await log.reader(0), await log.end(), 0, 0
    while position < end:
        for logged in await reader.fetch(500, 5.0):
            samples, position = samples + len(logged.batch), logged.position
    await reader.close()
    return samples


async def measure(seconds: float) -> None:
    """Print one line per way of publishing, and one for reading."""
    for samples, at_once in ((500, 1), (500, 16), (2_000, 1), (2_000, 16), (10_000, 1)):
        with tempfile.TemporaryDirectory() as folder:
            async with (
                nats_server(Path(folder)) as server,
                await JetStreamTelemetryLog.connect(server.url, "BENCH", SystemClock(), 900 * 1024**2) as log,
            ):
                started, cpu = time.monotonic(), _cpu_s()
                confirmed = await publish(log, samples, at_once, seconds)
                elapsed, spent = time.monotonic() - started, _cpu_s() - cpu
                rate = confirmed * samples / elapsed
                print(
                    f"publish {samples:6d} samples a batch, {at_once:2d} at once: {confirmed / elapsed:7.0f} batches/s "
                    f"{rate / 1e6:6.2f} M samples/s   {1e6 * spent / (confirmed * samples):.2f} client CPU s per M"
                )
                started, cpu = time.monotonic(), _cpu_s()
                read = await consume(log)
                elapsed, spent = time.monotonic() - started, _cpu_s() - cpu
                print(
                    f"read    {samples:6d} samples a batch:             "
                    f"{read / elapsed / 1e6:24.2f} M samples/s   {1e6 * spent / read:.2f} client CPU s per M"
                )


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    uvloop.run(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0))
