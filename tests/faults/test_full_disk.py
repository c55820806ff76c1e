"""A disk that is really full: what was confirmed stays, what is not waits, and all goes on once there is room."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import asyncpg
import numpy as np
import pytest
from tests.support.batches import batch

from cityhall_bms.adapters.embedded import EmbeddedNats, EmbeddedPostgres, service
from cityhall_bms.adapters.embedded.service import ROOM_BYTES_MIN, EmbeddedService
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.publisher import Publisher
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.ports.telemetry_log import LoggedBatch

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

SAMPLES = 5_000
PATIENCE_S = 120.0
MEGABYTE = 2**20


class SmallDisk:
    """A file system of a few megabytes, which a ballast fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, free_bytes: int) -> None:
        """Leave only so much."""
        free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
        with (self.folder / "ballast").open("wb") as ballast:
            ballast.write(bytes(free - free_bytes))

    def empty(self) -> None:
        (self.folder / "ballast").unlink()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """Mounted for one test; only root may."""
    monkeypatch.setattr(service, "LOG_CHECK_INTERVAL_S", 0.2)
    monkeypatch.setattr(service, "ROOM_LOOK_S", 0.2)
    with tempfile.TemporaryDirectory(prefix="cityhall-") as name:
        folder = Path(name)
        options = f"size={256 * MEGABYTE},mode=0755"
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
            pytest.skip("only root may mount a small disk")
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@asynccontextmanager
async def kept_running(embedded: EmbeddedService) -> AsyncIterator[None]:
    """Start it, and start it again when it ends, as the service does."""
    async with embedded, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(embedded.run())
        yield
        running.cancel()


def scan(number: int) -> Readings:
    points = np.arange(1, SAMPLES + 1, dtype=np.uint32)
    return Readings(points, np.full(SAMPLES, number), np.full(SAMPLES, float(number)), np.zeros(SAMPLES, np.uint8))


async def test_pain_18_a_log_whose_disk_was_full_goes_on_by_itself_and_has_everything_once(disk: SmallDisk) -> None:
    clock, scans = SystemClock(), 0
    nats = EmbeddedNats(disk.folder, clock)
    async with kept_running(nats), await JetStreamTelemetryLog.connect(nats.url, "TCH", clock) as log:
        publisher = Publisher("c1", log, clock, Random(1), tick_s=0.05, waiting_bytes_max=4 * MEGABYTE)
        await publisher.begin()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(publisher.run())
            disk.fill(2 * MEGABYTE)
            async with asyncio.timeout(PATIENCE_S):
                while publisher.log_failures == 0:
                    scans += publisher.offer(scan(scans))
                    await asyncio.sleep(0.005)
            while publisher.offer(scan(scans)):
                scans += 1
            assert publisher.waiting > 0
            disk.empty()
            async with asyncio.timeout(PATIENCE_S):
                while publisher.waiting:  # noqa: ASYNC110 - a queue has no event
                    await asyncio.sleep(0.05)
            running.cancel()
        reader, end, kept = await log.reader(0), await log.end(), []
        while len(kept) < end:
            kept += await reader.fetch(100, 5.0)
    numbers = np.concatenate([item.batch.value[::SAMPLES] for item in kept])
    assert numbers.tolist() == list(range(scans))
    assert nats.restarts >= 1


async def test_pain_17_a_database_whose_disk_was_full_goes_on_by_itself_and_has_what_it_confirmed(
    disk: SmallDisk,
) -> None:
    clock = SystemClock()
    postgres = EmbeddedPostgres(disk.folder, clock, settings="min_wal_size = 32MB\nmax_wal_size = 32MB\n")
    async with kept_running(postgres):
        await migrate(postgres.dsn)
        async with PostgresHistory.open(postgres.dsn, clock, "Asia/Taipei") as history:
            await history.store([LoggedBatch(1, batch(0, samples=SAMPLES))])
            disk.fill(ROOM_BYTES_MIN // 8)
            stored, refused = 1, None
            async with asyncio.timeout(PATIENCE_S):
                while refused is None:
                    try:
                        await history.store([LoggedBatch(stored + 1, batch(stored, samples=SAMPLES))])
                        stored += 1
                    except HistoryUnavailableError as error:
                        refused = error
            await asyncio.sleep(3.0)  # long enough to die of it more than once
            disk.empty()
            async with asyncio.timeout(PATIENCE_S):
                while stored < 400:
                    try:
                        await history.store([LoggedBatch(stored + 1, batch(stored, samples=SAMPLES))])
                        stored += 1
                        break
                    except HistoryUnavailableError:
                        await asyncio.sleep(0.2)
        connection = await asyncpg.connect(postgres.dsn)
        samples = await connection.fetchval('SELECT sum(cardinality("values")) FROM scan')
        await connection.close()
    assert samples == stored * SAMPLES
