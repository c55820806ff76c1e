"""Appends per second of the event log, beside a bare INSERT per commit, on one server in one run.

``.venv/bin/python benchmarks/event_log.py [--seconds 5] [--dsn DSN]``; without a DSN it starts the embedded
PostgreSQL, with fsync, in a temporary folder.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import uvloop

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.events import DeviceLost
from cityhall_bms.ports.event_log import Append

CALLERS = (1, 8, 128)
BARE_TABLE = "CREATE TABLE IF NOT EXISTS bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload json)"
PAYLOAD = '{"device":"chiller-1","observed_at":1782864000000000,"reason":"no answer within 2 s"}'


async def measure(step: Callable[[int], Awaitable[object]], callers: int, seconds: float) -> tuple[float, float, float]:
    """Give steps per second over all callers, and the median and 99th percentile of one step in ms."""
    took_ms: list[float] = []
    end = time.perf_counter() + seconds

    async def call(number: int) -> None:
        while (start := time.perf_counter()) < end:
            await step(number)
            took_ms.append((time.perf_counter() - start) * 1e3)

    begin = time.perf_counter()
    await asyncio.gather(*(call(number) for number in range(callers)))
    elapsed = time.perf_counter() - begin
    cuts = statistics.quantiles(took_ms, n=100)
    return len(took_ms) / elapsed, cuts[49], cuts[98]


async def bare_inserts(dsn: str, callers: int, seconds: float) -> tuple[float, float, float]:
    """One connection per caller, one INSERT per commit: no order, no chain, no expected version."""
    connections = [await asyncpg.connect(dsn) for _ in range(callers)]
    try:
        return await measure(
            lambda number: connections[number].execute("INSERT INTO bare (payload) VALUES ($1)", PAYLOAD),
            callers,
            seconds,
        )
    finally:
        for connection in connections:
            await connection.close()


async def appends(log: PostgresEventLog, callers: int, seconds: float) -> tuple[float, float, float]:
    """One event per append, each caller on a stream of its own."""
    event = DeviceLost("chiller-1", "no answer within 2 s", 1_782_864_000_000_000)
    return await measure(
        lambda number: log.append([Append(f"device/{number}", [event], "collector")]), callers, seconds
    )


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
    """Print the table."""
    async with server(arguments.dsn) as dsn:
        await migrate(dsn)
        connection = await asyncpg.connect(dsn)
        await connection.execute(BARE_TABLE)
        print(f"{'what':24} {'callers':>7} {'per second':>10} {'p50 ms':>7} {'p99 ms':>7}")
        async with PostgresEventLog(dsn, SystemClock()) as log:
            for callers in CALLERS:
                if callers <= 32:  # the embedded server takes 60 connections
                    report("bare INSERT", callers, await bare_inserts(dsn, callers, arguments.seconds))
                report("event log append", callers, await appends(log, callers, arguments.seconds))
            size = await connection.fetchval("SELECT pg_total_relation_size('event')")
            print(f"{size / await log.end():.0f} bytes per event on disk, {await log.end()} events")
        await connection.close()


def report(what: str, callers: int, figures: tuple[float, float, float]) -> None:
    """Print one line."""
    rate, p50_ms, p99_ms = figures
    print(f"{what:24} {callers:7} {rate:10,.0f} {p50_ms:7.2f} {p99_ms:7.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--dsn")
    uvloop.run(run(parser.parse_args()))
