"""What seals cost the historian, and how fast the record is verified.

``.venv/bin/python benchmarks/integrity.py [--batches 400] [--points 5000] [--per-scan 50] [--dsn DSN]``; without a DSN
it starts the embedded PostgreSQL, with fsync, in a temporary folder. A batch is a second of all points. *Digests* is
pure computing; *sealed* is the whole of it inside of the historian's transactions, 16 batches each.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import os
import time
from collections.abc import Sequence
from typing import Final

import asyncpg
import numpy as np
import uvloop
from historian import cpu_s, make_batches, server

from cityhall_bms.adapters.postgres.batch_seals import Place, SealMemory
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US, TIME_MIN_US
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.verification import Part
from cityhall_bms.historian.columns import Scans
from cityhall_bms.historian.sealing import seal_scans
from cityhall_bms.integrity_jobs import Trusted, check_record
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

PER_TRANSACTION: Final = 16
ROUNDS: Final = 5


def digests(batches: list[SampleBatch]) -> None:
    """Print CPU ms per million samples: points in order of their numbers, and in another one."""
    scans = Scans.gather(batches[:200])
    order = np.random.default_rng(1).permutation(int(scans.length[0]))
    mixed = scans.point.reshape(-1, len(order))[:, order].ravel()
    for name, point in (("in order", scans.point), ("out of order", mixed)):
        other = Scans(scans.set_id, scans.at, scans.recorded_at, scans.length, point, scans.value, scans.quality)
        took = min(_cpu_of(other) for _ in range(ROUNDS))
        print(f"digests, points {name:14} {1e9 * took / len(point):7.1f} ms CPU per million samples")


def _cpu_of(scans: Scans) -> float:
    begin = cpu_s()
    seal_scans(scans)
    return cpu_s() - begin


async def sealed(dsn: str, batches: list[SampleBatch]) -> None:
    """Print the share of sealing in the historian's CPU time."""
    seal, spent = SealMemory.seal, [0.0]

    async def metered(
        memory: SealMemory, connection: asyncpg.Connection, places: Sequence[Place], scans: Scans
    ) -> None:
        started = cpu_s()
        await seal(memory, connection, places, scans)
        spent[0] += cpu_s() - started

    SealMemory.seal = metered  # type: ignore[method-assign,assignment]
    begin = cpu_s()
    async with PostgresHistory.open(dsn, SystemClock(), "Asia/Taipei") as history:
        for first in range(0, len(batches), PER_TRANSACTION):
            part = batches[first : first + PER_TRANSACTION]
            await history.store([LoggedBatch(first + place + 1, batch) for place, batch in enumerate(part)])
    samples = sum(len(batch) for batch in batches)
    share = spent[0] / (cpu_s() - begin)
    print(f"sealed in the historian {1e9 * spent[0] / samples:7.1f} ms CPU per million samples, {share:.1%} of it")


async def verified(dsn: str) -> None:
    """Print how fast batches and samples are verified."""
    connection = await asyncpg.connect(dsn)
    for part in (Part.CHAINS, Part.SAMPLES):
        begin, cpu = time.perf_counter(), cpu_s()
        (found,) = await check_record(connection, Window(TIME_MIN_US, TIME_MAX_US), Trusted({}, {}), parts=[part])
        took, used = time.perf_counter() - begin, cpu_s() - cpu
        each = f"{found.count / took:12,.0f}/s  {1e6 * used / found.count:6.2f} µs CPU each"
        print(f"verify {part:8} {found.count:12,} {each}")
        if found.fault:
            print("wrong:", found.fault)
    await connection.close()


async def run(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    print(f"load {os.getloadavg()[0]:.1f}")
    batches = [
        SampleBatch.decode(data) for data in make_batches(arguments.batches, arguments.points, arguments.per_scan)
    ]
    digests(batches)
    async with server(arguments.dsn) as dsn:
        await migrate(dsn)
        await sealed(dsn, batches)
        await verified(dsn)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--per-scan", type=int, default=50)
    parser.add_argument("--dsn", default=None)
    uvloop.run(run(parser.parse_args()))
