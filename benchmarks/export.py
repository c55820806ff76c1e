"""Megabytes per second of an export job beside a bare COPY of the same samples, and the memory that the job needs.

``.venv/bin/python benchmarks/export.py [--rows 2000000] [--points 500] [--format csv-long ...] [--dsn DSN]``; without a
DSN it starts the embedded PostgreSQL in a temporary folder. Each second of made-up time all points are scanned once, in
scans of 50; 0.5 % of the values are bad. The job runs in a process of its own, as in service: file, fsync, SHA-256,
coverage certificate and signature are counted. The bare COPY gives time, point, value and quality of the view
``sample``, in no order, to a reader that counts bytes.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import asyncio
import hashlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import numpy as np
import uvloop

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.export_desk import ExportOffice
from cityhall_bms.adapters.postgres.connection import connect, open_pool
from cityhall_bms.adapters.postgres.export_store import PostgresExportStore
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_copy import moment
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.ports.exports import Export, ExportFormat, ExportKind, ExportPoint, ExportQuery, ExportState
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.telemetry_log import LoggedBatch
from cityhall_bms.settings import DatabaseSettings, Settings, child_environment

T0: Final = 1_782_864_000_000_000
SECOND: Final = 1_000_000
PER_SCAN: Final = 50
BATCHES_PER_TRANSACTION: Final = 60
LOOK_EVERY_S: Final = 0.05
BARE: Final = """COPY (SELECT observed_at, point_id, value, quality FROM sample
WHERE observed_at >= '{start}' AND observed_at < '{end}' AND point_id BETWEEN 1 AND {points}) TO STDOUT (FORMAT csv)"""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where it is measured, and how much."""

    dsn: str
    folder: Path
    points: int
    seconds: int

    @property
    def window(self) -> Window:
        """All of the made-up time."""
        return Window(T0, T0 + self.seconds * SECOND)


async def fill(bench: Bench) -> None:
    """Store all samples as the historian does."""
    chance = np.random.default_rng(1)
    value = chance.normal(20.0, 5.0, bench.points)
    async with PostgresHistory.open(bench.dsn, SystemClock(), "Asia/Taipei") as history:
        waiting: list[LoggedBatch] = []
        for number in range(bench.seconds):
            value = np.round(value + chance.normal(0.0, 0.1, bench.points), 2)
            quality = np.where(chance.random(bench.points) < 0.005, 0x83, 0).astype(np.uint8)
            at = T0 + number * SECOND
            scans = [
                Readings(
                    np.arange(begin + 1, begin + PER_SCAN + 1, dtype=np.uint32),
                    np.full(PER_SCAN, at + begin),
                    value[begin : begin + PER_SCAN].copy(),
                    quality[begin : begin + PER_SCAN],
                )
                for begin in range(0, bench.points, PER_SCAN)
            ]
            batch = SampleBatch.gather("bench", T0, number + 1, at + SECOND, scans)
            waiting.append(LoggedBatch(number + 1, batch))
            if len(waiting) == BATCHES_PER_TRANSACTION or number + 1 == bench.seconds:
                await history.store(waiting)
                waiting = []


async def bare(bench: Bench) -> tuple[int, float]:
    """Bytes and seconds of the bare COPY."""
    connection = await connect(bench.dsn, command_timeout_s=None)
    size = 0

    async def count(chunk: bytes) -> None:
        nonlocal size
        size += len(chunk)

    window = bench.window
    text = BARE.format(start=moment(window.start), end=moment(window.end), points=bench.points)
    query = text.removeprefix("COPY (").partition(") TO STDOUT")[0]
    begin = time.perf_counter()
    await connection.copy_from_query(query, output=count, format="csv", timeout=None)
    took = time.perf_counter() - begin
    await connection.close()
    return size, took


async def job(bench: Bench, form: ExportFormat, known_at: int) -> tuple[Export, float, int, Path]:
    """Make one job in its own process: the export, seconds, and the most memory it had (bytes)."""
    settings = Settings(data_dir=bench.folder, database=DatabaseSettings(url=bench.dsn))
    pool = await open_pool(bench.dsn)
    office = ExportOffice(PostgresExportStore(pool), settings.export_folder, SystemClock(), {})
    points = [
        ExportPoint(number, f"TCH.B2.CN.CHC01.P{number:04}", "kW", "chc01") for number in range(1, bench.points + 1)
    ]
    query = ExportQuery("TCH", points, bench.window, known_at, "Asia/Taipei", format=form)
    export = office.new(query, ExportKind.JOB, "bench")
    await office.ask(export)
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cityhall_bms", "make-export", export.id, env=child_environment(settings)
    )
    peak = await _watch(process)
    took = time.perf_counter() - begin
    done = await office.get(export.id)
    pool.terminate()
    if done.state is not ExportState.DONE:
        msg = f"the job {done.state}: {done.reason}"
        raise SystemExit(msg)
    return done, took, peak, office.file_of(done)


async def _watch(process: asyncio.subprocess.Process) -> int:
    """Wait for its end; gives the most resident memory it ever had."""
    peak, status = 0, Path(f"/proc/{process.pid}/status")
    async with asyncio.TaskGroup() as tasks:
        ending = tasks.create_task(process.wait())
        while not ending.done():
            await asyncio.wait([ending], timeout=LOOK_EVERY_S)
            try:
                lines = status.read_text().splitlines()  # noqa: ASYNC240 - the kernel answers at once
            except OSError:
                break
            peak = max([peak, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))])
    return peak


@asynccontextmanager
async def server(dsn: str | None) -> AsyncIterator[tuple[str, Path]]:
    """Give the address of an empty database, and a folder."""
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
        if dsn is not None:
            yield dsn, folder
            return
        async with EmbeddedPostgres(folder / "db", SystemClock()) as postgres:
            yield postgres.dsn, folder


async def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    async with server(arguments.dsn) as (dsn, folder):
        await migrate(dsn)
        bench = Bench(dsn, folder, arguments.points, arguments.rows // arguments.points)
        rows = bench.points * bench.seconds
        begin = time.perf_counter()
        await fill(bench)
        print(f"{rows:,} samples stored in {time.perf_counter() - begin:.0f} s")
        connection = await asyncpg.connect(dsn)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
        size, took = await bare(bench)
        bare_mb = size / took / 1e6
        print(
            f"{'COPY TO STDOUT':16} {size / 1e6:8.0f} MB {took:7.1f} s {bare_mb:6.1f} MB/s {rows / took:12,.0f} rows/s"
        )
        known_at = SystemClock().now()
        for form in map(ExportFormat, arguments.format):
            await _show(bench, form, known_at, bare_mb, rows / took)
        size, took = await bare(bench)
        print(f"{'COPY once more':16} {size / 1e6:8.0f} MB {took:7.1f} s {size / took / 1e6:6.1f} MB/s")


async def _show(bench: Bench, form: ExportFormat, known_at: int, bare_mb: float, bare_rows: float) -> None:
    export, took, peak, path = await job(bench, form, known_at)
    mb = export.bytes / took / 1e6
    print(
        f"{form:16} {export.bytes / 1e6:8.0f} MB {took:7.1f} s {mb:6.1f} MB/s {export.rows / took:12,.0f} rows/s "
        f"= {mb / bare_mb:.0%} of COPY's MB/s, {export.rows / took / bare_rows:.0%} of its rows/s; "
        f"memory at most {peak / 2**20:.0f} MB"
    )
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != export.sha256:
            msg = "the file is not the one of its manifest"
            raise SystemExit(msg)
    path.unlink()


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--format", nargs="+", default=["csv-long", "parquet"], choices=list(ExportFormat))
    parser.add_argument("--dsn")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
