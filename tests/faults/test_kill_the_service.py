"""``kill -9`` of the service under load: what was acknowledged is in the database, exactly once. Counted."""

import asyncio
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import asyncpg
import httpx
import numpy as np
import pytest
from tests.support.sites import write_site

from cityhall_bms import bootstrap
from cityhall_bms.adapters.embedded import EmbeddedNats, EmbeddedPostgres
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.settings import Settings, child_environment, load_settings

pytestmark = pytest.mark.faults

BATCHES = 300
SAMPLES = 200
KILLS = 5
CATCH_UP_S = 90.0
START = 1_782_864_000_000_000
TICK_US = 500_000


def batch(sequence: int) -> SampleBatch:
    """Scans of four made-up devices and a few pushed values; every value tells where it belongs."""
    at = START + sequence * TICK_US
    scans = []
    for device in range(4):
        points = np.arange(1 + device * 50, 1 + (device + 1) * 50, dtype=np.uint32)
        values = points + sequence * 1e-3
        scans.append(Readings(points, np.full(50, at + device, np.int64), values, np.zeros(50, np.uint8)))
    pushed = np.array([300, 301, 300], np.uint32)
    times = np.array([at + 10, at + 11, at + 12], np.int64)
    scans.append(Readings(pushed, times, pushed + sequence * 1e-3, np.array([0, 0x82, 0], np.uint8)))
    return SampleBatch.gather("load", START, sequence, at, scans)


async def test_every_acknowledged_batch_is_stored_exactly_once_however_often_the_historian_is_killed(
    tmp_path: Path,
) -> None:
    clock, random = SystemClock(), Random(7)
    async with EmbeddedPostgres(tmp_path / "data", clock) as postgres, EmbeddedNats(tmp_path / "data", clock) as nats:
        settings = load_settings(data_dir=tmp_path / "data", database={"url": postgres.dsn}, nats={"url": nats.url})
        site = _site(tmp_path / "site")
        await bootstrap.prepare(site, settings, clock)
        historian = _start_historian(site, settings, tmp_path)
        acknowledged: list[SampleBatch] = []
        try:
            async with await JetStreamTelemetryLog.connect(nats.url, "TCH", clock) as log:
                kill_after = sorted(random.sample(range(20, BATCHES), KILLS))
                for sequence in range(1, BATCHES + 1):
                    sent = batch(sequence)
                    await log.publish(sent)
                    acknowledged.append(sent)
                    await asyncio.sleep(0.01)
                    if sequence in kill_after:
                        historian.kill()
                        historian.wait()
                        historian = _start_historian(site, settings, tmp_path)
            await _caught_up(postgres.dsn, BATCHES)
        finally:
            historian.kill()
            historian.wait()

        assert await _stored(postgres.dsn) == _expected(acknowledged)


async def test_the_whole_service_killed_at_once_loses_nothing_and_leaves_nothing_running(tmp_path: Path) -> None:
    clock, data = SystemClock(), tmp_path / "data"
    for _ in range(2):
        demo = _start_demo(data)
        try:
            assert demo.stdout is not None
            line = await asyncio.to_thread(demo.stdout.readline)
            assert line, (data / "service.log").read_text()
            await _samples_stored(line.split()[-1].partition("#")[0], 300)
        finally:
            demo.kill()
            demo.wait()
            demo.stdout.close()
        await _gone(data)

    async with EmbeddedPostgres(data, clock) as postgres, EmbeddedNats(data, clock) as nats:
        settings = load_settings(data_dir=data, database={"url": postgres.dsn}, nats={"url": nats.url})
        historian = _start_historian(data / "site", settings, tmp_path)
        try:
            async with await JetStreamTelemetryLog.connect(nats.url, "TCH", clock) as log:
                logged = await _all_of(log)
                await _caught_up(postgres.dsn, await log.end())
        finally:
            historian.kill()
            historian.wait()

        assert len({item.epoch for item in logged}) == 2
        assert sum(len(item) for item in logged) > 500
        assert await _stored(postgres.dsn) == _expected(logged)


def _site(folder: Path) -> Path:
    """Write the small site, with an address that the real driver takes."""
    write_site(folder)
    profile = folder / "profiles" / "chiller.toml"
    profile.write_text(profile.read_text().replace("input:{equipment}", "input:110"))
    return folder


Samples = Counter[tuple[int, int, float | None, int]]
"""How often each (point, time in µs, value, quality) is there."""


def _expected(batches: list[SampleBatch]) -> Samples:
    found: Samples = Counter()
    for item in batches:
        columns = (item.point.tolist(), item.observed_at.tolist(), item.value.tolist(), item.quality.tolist())
        found.update((p, t, None if v != v else v, q) for p, t, v, q in zip(*columns, strict=True))  # noqa: PLR0124
    return found


async def _stored(dsn: str) -> Samples:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT point_id, (extract(epoch FROM observed_at) * 1000000)::bigint, value, quality FROM sample"
        )
    finally:
        await connection.close()
    return Counter((p, t, None if v is None or v != v else v, q) for p, t, v, q in rows)  # noqa: PLR0124


async def _all_of(log: JetStreamTelemetryLog) -> list[SampleBatch]:
    """Every batch that the log holds."""
    end, position, found = await log.end(), 0, []
    reader = await log.reader(after=0)
    async with asyncio.timeout(CATCH_UP_S):
        while position < end:
            for item in await reader.fetch(1_000, 1.0):
                position = item.position
                found.append(item.batch)
    await reader.close()
    return found


async def _samples_stored(address: str, count: int) -> None:
    """Return when the running service has stored so many samples."""
    async with httpx.AsyncClient() as client, asyncio.timeout(CATCH_UP_S):
        stored = 0.0
        while stored < count:
            figures = (await client.get(f"{address}metrics")).text
            stored = float(re.search(r"^cityhall_historian_samples (\S+)", figures, re.MULTILINE)[1])  # type: ignore[index]
            await asyncio.sleep(0.1)


async def _caught_up(dsn: str, position: int) -> None:
    async with PostgresHistory.open(dsn, SystemClock(), "Asia/Taipei") as history, asyncio.timeout(CATCH_UP_S):
        while (await history.progress()).position < position:  # noqa: ASYNC110 - another process does the work
            await asyncio.sleep(0.1)


async def _gone(data: Path) -> None:
    """Return when no process has the data folder in its command line any more."""
    async with asyncio.timeout(30):
        while _processes_of(data):  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.05)


def _processes_of(data: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(data).encode() in command:
            found.append(int(process.name))
    return found


def _start_historian(site: Path, settings: Settings, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cityhall_bms", "work", str(site), "--roles", "historian"]
    with (folder / "historian.log").open("ab") as log:
        return subprocess.Popen(command, env=child_environment(settings), stdout=log, stderr=log)


def _start_demo(data: Path) -> subprocess.Popen[str]:
    options = ["--site", "small", "--data-dir", str(data), "--port", "18820"]
    command = [sys.executable, "-m", "cityhall_bms", "demo", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
