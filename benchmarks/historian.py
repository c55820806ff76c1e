"""Samples per second from the telemetry log's batches to committed history, beside a bare COPY of the same scans.

``.venv/bin/python benchmarks/historian.py [--scans 3072] [--points 5000] [--per-scan 50] [--dsn DSN]``; without a DSN
it starts the embedded PostgreSQL, with fsync, in a temporary folder. Each second of made-up time all points are
scanned once; 0.5 % of the values are bad. Decoding of the batches is counted, making them is not.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import contextlib
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import asyncpg
import numpy as np
import uvloop

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.postgres.connection import connect
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_copy import SCAN_COLUMNS, SIGNATURE, TRAILER, encode_scans
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.historian.columns import Scans
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

T0: Final = 1_782_864_000_000_000
SECOND: Final = 1_000_000
SCANS_PER_TRANSACTION: Final = (1, 16, 64, 256)
"""The last is what the historian takes at a time when it has to catch up (``HistorianOptions.batches_max``)."""
BARE: Final = """CREATE TABLE bare (observed_at timestamptz, recorded_at timestamptz, set_id bigint,
point_ids integer[], "values" double precision[], quality bytea)"""


def make_batches(count: int, points: int, per_scan: int) -> list[bytes]:
    """One batch per second, all points in it, in scans of neighbouring points."""
    chance = np.random.default_rng(1)
    value = chance.normal(20.0, 5.0, points)
    batches = []
    for number in range(count):
        at = T0 + number * SECOND
        value += chance.normal(0.0, 0.1, points)
        quality = np.where(chance.random(points) < 0.005, 0x83, 0).astype(np.uint8)
        scans = [
            Readings(
                np.arange(begin + 1, begin + per_scan + 1, dtype=np.uint32),
                np.full(per_scan, at + begin),
                value[begin : begin + per_scan].copy(),
                quality[begin : begin + per_scan],
            )
            for begin in range(0, points, per_scan)
        ]
        batches.append(SampleBatch.gather("bench", T0, number + 1, at + SECOND, scans).encode())
    return batches


async def bare_copy(dsn: str, batches: list[bytes], size: int) -> tuple[float, float]:
    """Seconds for a COPY and a commit per transaction into a table without index, and CPU seconds of this process."""
    connection = await connect(dsn, command_timeout_s=None)
    await connection.execute("DROP TABLE IF EXISTS bare")
    await connection.execute(BARE)
    begin, cpu = time.perf_counter(), cpu_s()
    for number in range(0, len(batches), size):
        scans = Scans.gather([SampleBatch.decode(data) for data in batches[number : number + size]])
        source = memoryview(SIGNATURE + b"".join(encode_scans(scans)) + TRAILER)
        await connection.copy_to_table("bare", source=source, columns=SCAN_COLUMNS, format="binary")
    took = time.perf_counter() - begin, cpu_s() - cpu
    await connection.execute("DROP TABLE bare")
    await connection.close()
    return took


async def into_history(history: PostgresHistory, batches: list[bytes], size: int) -> tuple[float, float]:
    """Seconds for scans, index, latest values, rollups and progress, and CPU seconds of this process."""
    begin, cpu = time.perf_counter(), cpu_s()
    for number in range(0, len(batches), size):
        decoded = [
            LoggedBatch(number + place + 1, SampleBatch.decode(data))
            for place, data in enumerate(batches[number : number + size])
        ]
        await history.store(decoded)
    return time.perf_counter() - begin, cpu_s() - cpu


def cpu_s() -> float:
    """CPU time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def query_times(history: PostgresHistory, end: int) -> None:
    """Print what typical questions take."""
    window = Window(T0, end)
    questions = {
        "latest of all points": history.latest,
        "a point's samples": lambda: history.samples(77, window, 1_000_000),
        "a point by minute": lambda: history.intervals(77, window, "1m", Aggregation.MEAN, "Asia/Taipei"),
        "a point by 15 s": lambda: history.intervals(77, window, "15s", Aggregation.MEAN, "Asia/Taipei"),
    }
    for name, ask in questions.items():
        took = []
        for _ in range(30):
            begin = time.perf_counter()
            await ask()
            took.append(1e3 * (time.perf_counter() - begin))
        print(f"{name:32} p50 {statistics.median(took):6.1f} ms   max {max(took):6.1f} ms")


async def sizes(dsn: str, samples: int) -> None:
    """Print bytes per sample on disk."""
    connection = await asyncpg.connect(dsn)
    for table in ("scan", "rollup_1m", "rollup_15m", "rollup_1h"):
        size = await connection.fetchval(
            "SELECT coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size($1)) "
            "FROM pg_partition_tree($1::regclass)",
            table,
        )
        print(f"{table:32} {size / samples:6.2f} bytes a sample")
    await connection.close()


@contextlib.asynccontextmanager
async def server(dsn: str | None) -> AsyncIterator[str]:
    """Give the address of an empty database."""
    if dsn is not None:
        yield dsn
        return
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as name:
        Path(name).chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
        async with EmbeddedPostgres(Path(name) / "db", SystemClock()) as postgres:
            yield postgres.dsn


async def run(arguments: argparse.Namespace) -> None:
    """Print the tables."""
    batches = make_batches(arguments.scans, arguments.points, arguments.per_scan)
    part = len(batches) // len(SCANS_PER_TRANSACTION)
    print(f"{arguments.points} points a second, {arguments.per_scan} a scan; seconds of data per transaction:")
    async with server(arguments.dsn) as dsn:
        await migrate(dsn)
        async with PostgresHistory.open(dsn, SystemClock(), "Asia/Taipei") as history:
            for turn, size in enumerate(SCANS_PER_TRANSACTION):
                chosen = batches[turn * part : (turn + 1) * part]
                samples = len(chosen) * arguments.points
                bare_s, bare_cpu_s = await bare_copy(dsn, chosen, size)
                own_s, own_cpu_s = await into_history(history, chosen, size)
                print(
                    f"{size:3} s  bare COPY {samples / bare_s:11,.0f}/s ({bare_cpu_s * 1e6 / samples:.2f} CPU s/M)   "
                    f"history {samples / own_s:11,.0f}/s ({own_cpu_s * 1e6 / samples:.2f} CPU s/M)   "
                    f"{bare_s / own_s:4.0%} of the ceiling"
                )
            await query_times(history, T0 + len(batches) * SECOND)
        await sizes(dsn, history.samples_stored)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=3072)
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--per-scan", type=int, default=50)
    parser.add_argument("--dsn")
    uvloop.run(run(parser.parse_args()))
