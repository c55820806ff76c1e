"""Bytes a sample of a day of the simulated building as scans and in the cold form, and what packing and reading take.

``.venv/bin/python benchmarks/cold_form.py [--site small] [--interval 10]``. The day is made by ``cityhall-sim history``
in a process of its own and stored by the historian's own way, a batch per moment and a scan per device, each a few
milliseconds off its moment as polls are; embedded PostgreSQL, with fsync.
"""

# ruff: noqa: INP001, T201, S603 - a program that measures, on real time
import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import asyncpg
import numpy as np
import uvloop

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.history_folder import open_history
from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.cold_packing import SETTLED_US, ColdPacker
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.intervals import DAY_US
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.history_import import DayOfSamples
from cityhall_bms.ports.telemetry_log import LoggedBatch
from cityhall_simulators.description import load_building
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site

FIRST: Final = date(2026, 6, 1)
BATCHES_PER_TRANSACTION: Final = 64
JITTER_US: Final = 20_000
SIZE: Final = """SELECT sum(coalesce(
    (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(t.name::regclass)),
    pg_total_relation_size(t.name::regclass)
))::bigint FROM unnest($1::text[]) AS t (name)"""


def make_day(folder: Path, name: str, interval_s: int) -> tuple[Site, DayOfSamples, dict[str, int]]:
    """A simulated building, one day of its samples, and the ids of its points."""
    building = load_building(name)
    write_site(folder / "site", building, "127.0.0.1", choose_ports("127.0.0.1", building.port_labels, 15_020))
    write_secrets(folder / "site", "127.0.0.1")
    site = load_site(folder / "site", find_factories(), find_profile_folders())
    command = [sys.executable, "-m", "cityhall_simulators", "history", name, str(folder / "history")]
    command += ["--interval", f"{interval_s}s", "--from", str(FIRST), "--to", str(FIRST + timedelta(days=1))]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    ids = {point: number for number, point in enumerate(site.points, 1)}
    return site, open_history(folder / "history", site, ids).read_day(1), ids


def batches_of(site: Site, day: DayOfSamples, ids: dict[str, int]) -> Iterator[LoggedBatch]:
    """One batch per moment, one scan per device."""
    chance = np.random.default_rng(1)
    place = {point: row for row, point in enumerate(day.point.tolist())}
    groups = [np.array([ids[p.name] for p in site.points_of(device)], np.uint32) for device in site.devices]
    rows = [np.array([place[point] for point in points.tolist()]) for points in groups]
    for number, at in enumerate(day.at.tolist()):
        scans = [
            Readings(
                points,
                np.full(len(points), at + int(chance.integers(JITTER_US))),
                day.value[chosen, number],
                day.quality[chosen, number],
            )
            for points, chosen in zip(groups, rows, strict=True)
        ]
        yield LoggedBatch(number + 1, SampleBatch.gather("bench", day.at[0], number + 1, at + 500_000, scans))


async def measure(dsn: str, site: Site, day: DayOfSamples, ids: dict[str, int]) -> None:
    """Store the day, pack it, and print what that came to."""
    await migrate(dsn)
    clock = SystemClock()
    async with PostgresHistory.open(dsn, clock, site.time_zone) as history:
        waiting: list[LoggedBatch] = []
        for batch in batches_of(site, day, ids):
            waiting.append(batch)
            if len(waiting) == BATCHES_PER_TRANSACTION:
                await history.store(waiting)
                waiting = []
        await history.store(waiting)
    pool = await open_pool(dsn, command_timeout_s=None)
    await pool.execute("VACUUM scan")
    window = Window(int(day.at[0]), int(day.at[0]) + 2 * DAY_US)
    point = int(day.point[len(day.point) // 2])
    samples = day.value.size
    hot = await pool.fetchval(SIZE, ["scan"])
    await report("as scans", hot / samples, pool, point, window)
    packer = ColdPacker(pool)
    begin, cpu = time.perf_counter(), cpu_s()
    while (packed := await packer.next_day(FIRST + timedelta(days=9))) is not None:
        await packer.pack(packed, clock.now())
    took, used = time.perf_counter() - begin, cpu_s() - cpu
    while await packer.empty_one(clock.now() + SETTLED_US + 1):
        pass
    cold = await pool.fetchval(SIZE, ["cold_scan", "cold_point"])
    await report("cold", cold / samples, pool, point, window)
    times = await pool.fetchval("SELECT sum(octet_length(times)) FROM cold_scan")
    print(f"packed {samples:,} samples: {samples / took:,.0f}/s, {used * 1e6 / samples:.2f} CPU s per million here")
    print(f"a {hot / cold:.1f}th of the room; times {times / samples:.2f} bytes a sample of it")
    pool.terminate()


async def report(name: str, size: float, pool: asyncpg.Pool, point: int, window: Window) -> None:
    """Print bytes a sample, and what reading takes."""
    async with pool.acquire() as connection:
        one_ms = await best_ms(lambda: reading.of_point(connection, point, window, 10_000_000))
        all_ms = await best_ms(lambda: reading.of_all(connection, window))
    print(f"{name:9} {size:6.2f} bytes a sample   a point's day {one_ms:7.1f} ms   everything {all_ms:9.1f} ms")


async def best_ms(ask: Callable[[], Awaitable[object]]) -> float:
    """Best of some times, ms."""
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        await ask()
        took.append(1e3 * (time.perf_counter() - begin))
    return min(took)


def cpu_s() -> float:
    """CPU time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def run(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
        site, day, ids = make_day(folder, arguments.site, arguments.interval)
        print(f"{len(site.points)} points of {len(site.devices)} devices, a day every {arguments.interval} s")
        async with EmbeddedPostgres(folder / "db", SystemClock()) as postgres:
            await measure(postgres.dsn, site, day, ids)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", default="small")
    parser.add_argument("--interval", type=int, default=10, help="seconds")
    uvloop.run(run(parser.parse_args()))
