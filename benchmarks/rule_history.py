"""Reading of history for a backtest: points of 24 air handling units, a sample a minute, hot and in the cold form.

``python benchmarks/rule_history.py [days] [--controllers N] [--width N]``. Scans are copied into an embedded PostgreSQL
as the historian copies them; each controller has its share of the 72 points wanted, among ``width`` points. They are
read week by week, as a backtest reads them; then the rules of ``backtest.py`` are tested on what is packed, reading
included. CPU seconds are this process's and those of its one server process.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import os
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import asyncpg
import numpy as np
import uvloop
from backtest import RULES, rule_of, site

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.cold_packing import ColdPacker
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.history_copy import SCAN_COLUMNS, SIGNATURE, TRAILER, day_of, encode_scans
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.rule_history import PostgresRuleHistory
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.historian.columns import Scans
from cityhall_bms.ports.history import Window
from cityhall_bms.rules.backtest import Backtester, Question

WANTED: Final = 72
START_US: Final = 1_767_225_600_000_000
MINUTE_US: Final = 60_000_000
DAY_US: Final = 1440 * MINUTE_US
WEEK_US: Final = 7 * DAY_US


async def fill(pool: asyncpg.Pool, days: int, controllers: int, width: int) -> list[int]:
    """Store the scans of all controllers; the points that are wanted."""
    chance = np.random.default_rng(7)
    sets = [np.arange(width) + 1 + number * width for number in range(controllers)]
    for number, points in enumerate(sets, 1):
        await pool.execute("INSERT INTO point_set (set_id, point_ids) VALUES ($1, $2)", number, points.tolist())
        members = [(point, number, place) for place, point in enumerate(points.tolist(), 1)]
        await pool.copy_records_to_table("point_set_member", records=members)
    for day in range(days):
        start = START_US + day * DAY_US
        await pool.execute("SELECT create_history_day($1)", day_of(start))
        parts = [encode_scans(_day(number, points, start, chance)) for number, points in enumerate(sets, 1)]

        async def source(found: list[bytes]) -> AsyncIterator[bytes]:
            for chunk in (SIGNATURE, *found, TRAILER):
                yield chunk

        chunks = [chunk for part in parts for chunk in part]
        await pool.copy_to_table("scan", source=source(chunks), columns=SCAN_COLUMNS, format="binary")
    await pool.execute("VACUUM ANALYZE scan")
    share = WANTED // controllers
    return [int(point) for points in sets for point in points[np.linspace(0, width - 1, share).astype(int)]]


def _day(number: int, points: np.ndarray, start: int, chance: np.random.Generator) -> Scans:
    at = start + np.arange(1440, dtype=np.int64) * MINUTE_US + number * 1000
    minutes = np.arange(1440)
    values = np.full((1440, len(points)), 14.0)
    drift = 3.2 * np.sin((start // MINUTE_US + minutes)[:, np.newaxis] / 5000 + points[0::3])
    values[:, 0::3] += np.round(drift + chance.normal(0, 0.4, drift.shape), 2)
    values[:, 2::3] = (minutes < 660)[:, np.newaxis]
    return Scans(
        np.full(1440, number, np.int64),
        at,
        at + 1000,
        np.full(1440, len(points), np.int64),
        np.tile(points.astype(np.uint32), 1440),
        values.ravel(),
        np.zeros(values.size, np.uint8),
    )


async def server_cpu_s(pool: asyncpg.Pool | asyncpg.Connection) -> float:
    """CPU time of the one server process that answers (Linux)."""
    pid = await pool.fetchval("SELECT pg_backend_pid()")
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()  # noqa: ASYNC240 - no file on a disk
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def read(what: str, pool: asyncpg.Pool, points: list[int], days: int) -> None:
    """Read everything as a backtest does, and tell."""
    history = PostgresRuleHistory(pool)
    server = await server_cpu_s(pool)
    count, began, cpu = 0, time.perf_counter(), time.process_time()
    for start in range(START_US, START_US + days * DAY_US, WEEK_US):
        end = min(start + WEEK_US, START_US + days * DAY_US)
        count += len(await history.samples_of(points, Window(start, end)))
    took, used = time.perf_counter() - began, time.process_time() - cpu
    server = await server_cpu_s(pool) - server
    print(
        f"{what}: {count:,} samples in {took:.2f} s, {used:.2f} + {server:.2f} CPU s: "
        f"{count / (used + server) / 1e6:.2f} million per CPU s"
    )


async def judge(pool: asyncpg.Pool, points: list[int], days: int) -> None:
    """Test each rule from the database to its report, and tell."""
    place = site()
    ids = dict(zip(place.points, points, strict=True))
    for what in RULES:
        question = Question(rule_of(what), None, Window(START_US, START_US + days * DAY_US), MINUTE_US)
        server, began, cpu = await server_cpu_s(pool), time.perf_counter(), time.process_time()
        report = await Backtester(place, ids, PostgresRuleHistory(pool)).run(question)
        took, used = time.perf_counter() - began, time.process_time() - cpu
        server = await server_cpu_s(pool) - server
        print(
            f"{what}, {days} days from the database: {report.samples:,} samples in "
            f"{took:.2f} s, {used:.2f} + {server:.2f} CPU s"
        )


async def run(arguments: argparse.Namespace) -> None:
    """Fill, read, pack, read again."""
    days = arguments.days
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
        async with EmbeddedPostgres(folder / "db", SystemClock()) as postgres:
            await migrate(postgres.dsn)
            one = f"{postgres.dsn}&max_parallel_workers_per_gather=0"  # whose CPU seconds are all of the server's
            pool = await open_pool(one, connections_max=1, command_timeout_s=None)
            points = await fill(pool, days, arguments.controllers, arguments.width)
            await read(f"{days} days, scans", pool, points, days)
            async with pool.acquire() as connection:
                began, server = time.perf_counter(), await server_cpu_s(connection)
                week = await reading.of_points(connection, points, Window(START_US, START_US + WEEK_US))
                took, server = time.perf_counter() - began, await server_cpu_s(connection) - server
                print(f"  a week sample by sample, for comparison: {len(week):,} in {took:.2f} s, + {server:.2f} CPU s")
            packer, now = ColdPacker(pool), START_US + (days + 2) * DAY_US
            while (day := await packer.next_day(day_of(START_US) + timedelta(days=days))) is not None:
                await packer.pack(day, now)
            await pool.execute("TRUNCATE scan")  # without seals the packer keeps them
            await read(f"{days} days, cold", pool, points, days)
            if (arguments.controllers, arguments.width) == (1, WANTED):
                await judge(pool, points, days)
            pool.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("days", type=int, nargs="?", default=30)
    parser.add_argument("--controllers", type=int, default=1, help="devices that the points are of, at most 72")
    parser.add_argument("--width", type=int, default=72, help="points of a controller's scan")
    uvloop.run(run(parser.parse_args()))
