"""A collector on a real telemetry log whose server is killed."""

import asyncio
from pathlib import Path
from random import Random

import numpy as np
import pytest
from tests.support.fake_driver import FakeDriverFactory, fake_device, fake_point, fake_site
from tests.support.nats_server import nats_server
from tests.support.rig import assert_gap_free

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.collector import Collector, CollectorOptions, Logs
from cityhall_bms.domain.batch import SampleBatch

pytestmark = pytest.mark.faults

DEVICES, POINTS = 10, 20


def make_collector(log: JetStreamTelemetryLog, factory: FakeDriverFactory) -> Collector:
    clock = SystemClock()
    names = [f"D{number}" for number in range(DEVICES)]
    points = [fake_point(POINTS * place + n, name, 0.05) for place, name in enumerate(names) for n in range(POINTS)]
    site, ids = fake_site([fake_device(name) for name in names], points)
    logs = Logs(log, MemoryEventLog(clock))
    return Collector(site, ids, {"fake": factory}, logs, clock, Random(1), options=CollectorOptions(tick_s=0.05))


async def read_everything(log: JetStreamTelemetryLog) -> list[SampleBatch]:
    reader, end = await log.reader(0), await log.end()
    batches: list[SampleBatch] = []
    while len(batches) < end:
        batches.extend(item.batch for item in await reader.fetch(500, 5.0))
    await reader.close()
    return batches


async def test_pain_02_every_sample_is_logged_once_though_the_logs_server_is_killed_and_back(tmp_path: Path) -> None:
    factory = FakeDriverFactory()
    async with (
        nats_server(tmp_path) as server,
        await JetStreamTelemetryLog.connect(server.url, "CITYHALL", SystemClock(), 64 * 1024**2) as log,
    ):
        collector = make_collector(log, factory)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(collector.run())
            for _ in range(2):
                await confirmed(collector, 30)
                await server.kill()
                reads = sum(device.reads for device in factory.devices.values())
                async with asyncio.timeout(20):
                    while sum(device.reads for device in factory.devices.values()) < reads + 100:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                await server.start()
            await confirmed(collector, 30)
            running.cancel()
        batches = await read_everything(log)

    assert_gap_free(batches)
    assert collector.publisher.waiting == 0
    assert sum(len(batch) for batch in batches) == collector.samples
    # A read that stopping cut short gave its readings to nobody.
    assert (
        0 <= POINTS * sum(device.reads for device in factory.devices.values()) - collector.samples <= DEVICES * POINTS
    )
    for point in (1, DEVICES * POINTS):
        at = np.concatenate([batch.observed_at[batch.point == point] for batch in batches])
        assert (np.diff(at) > 0).all()


async def confirmed(collector: Collector, more: int) -> None:
    """Wait until that many more batches are on disk."""
    wanted = collector.publisher.batches + more
    async with asyncio.timeout(40):
        while collector.publisher.batches < wanted:  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.02)
