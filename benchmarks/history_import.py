"""Years of history: seconds to make the samples, rows a second into history, bytes on disk, beside a bare COPY.

``.venv/bin/python benchmarks/history_import.py [--site full] [--days 3] [--interval 900]``; ``--days 365`` does a year.
The folder is made by ``cityhall-sim history`` in a process of its own, as anybody would, and loaded into the embedded
PostgreSQL, with fsync. The bare COPY writes the same rows, encoded in the same way, into a table without index, rollups
or progress, a transaction per day as well; reading and decoding the files is counted in both.
"""

# ruff: noqa: INP001, T201, S603 - a program that measures, on real time
import argparse
import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import uvloop

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.history_folder import open_history
from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.postgres.connection import connect, open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_copy import SCAN_COLUMNS, SIGNATURE, TRAILER, encode_scans
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.events import HistoryImported
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.importing import import_history, scans_of
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.history_import import HistoryFile
from cityhall_simulators.description import load_building
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site

FIRST: Final = date(2015, 1, 1)
HOST: Final = "127.0.0.1"
BASE_PORT: Final = 15020
BARE: Final = """CREATE TABLE bare (observed_at timestamptz, recorded_at timestamptz, set_id bigint,
point_ids integer[], "values" double precision[], quality bytea)"""
TABLES: Final = ("scan", "rollup_1m", "rollup_15m", "rollup_1h", "rollup_1d")
SIZE: Final = """SELECT coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size($1))
FROM pg_partition_tree($1::regclass)"""


@dataclass(frozen=True)
class Taken:
    """What something took: seconds on the clock, CPU seconds of this process."""

    s: float
    cpu_s: float


class StopWatch:
    """Starts when made."""

    def __init__(self) -> None:
        self._s, self._cpu_s = time.perf_counter(), cpu_s()

    def read(self) -> Taken:
        """Time since the start."""
        return Taken(time.perf_counter() - self._s, cpu_s() - self._cpu_s)


def cpu_s() -> float:
    """CPU time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def make_site(folder: Path, name: str) -> Site:
    """The site folder of a simulated building."""
    building = load_building(name)
    write_site(folder, building, HOST, choose_ports(HOST, building.port_labels, BASE_PORT))
    write_secrets(folder, HOST)
    return load_site(folder, find_factories(), find_profile_folders())


def make_history(folder: Path, site: str, days: int, interval_s: int) -> float:
    """Seconds that ``cityhall-sim history`` takes, its start included."""
    command = [sys.executable, "-m", "cityhall_simulators", "history", site, str(folder)]
    command += ["--interval", f"{interval_s}s", "--from", str(FIRST), "--to", str(FIRST + timedelta(days=days))]
    watch = StopWatch()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return watch.read().s


async def bare_copy(dsn: str, file: HistoryFile, days: int) -> Taken:
    """Read the first days and COPY their rows."""
    connection = await connect(dsn, command_timeout_s=None)
    await connection.execute(BARE)
    watch = StopWatch()
    for number in range(1, days + 1):
        day = await asyncio.to_thread(file.read_day, number)
        source = memoryview(SIGNATURE + b"".join(encode_scans(scans_of(day, file.plan.sets))) + TRAILER)
        await connection.copy_to_table("bare", source=source, columns=SCAN_COLUMNS, format="binary")
    taken = watch.read()
    await connection.execute("DROP TABLE bare")
    await connection.close()
    return taken


async def sizes(dsn: str, samples: int) -> None:
    """Print bytes per sample on disk."""
    connection = await connect(dsn)
    for table in TABLES:
        size = int(await connection.fetchval(SIZE, table))
        print(f"{table:12} {size / samples:8.2f} bytes a sample {size / 1e9:8.2f} GB")
    await connection.close()


async def questions(history: PostgresHistory, window: Window) -> None:
    """Print what typical questions about a single point take, the first time and then."""
    for interval in ("15m", "1h", "1d"):
        took = []
        for _ in range(5):
            watch = StopWatch()
            series = await history.intervals(77, window, interval, Aggregation.MEAN, "Asia/Taipei")
            took.append(1e3 * watch.read().s)
        then = np.median(took[1:])
        print(f"a point by {interval:4} {len(series.at):7} rows: first {took[0]:.1f} ms, then {then:.1f} ms")


async def measure(arguments: argparse.Namespace, site: Site, folder: Path, dsn: str) -> HistoryImported:
    """Load the folder and print how that went; gives what was loaded."""
    clock = SystemClock()
    await migrate(dsn)
    pool = await open_pool(dsn)
    async with PostgresEventLog(dsn, clock) as events, PostgresImport.open(dsn, clock, site.time_zone) as store:
        file = open_history(folder, site, await PostgresPointRegistry(pool, events).apply(site, "benchmark"))
        bare_days = min(arguments.days, arguments.bare_days)
        bare = await bare_copy(dsn, file, bare_days)
        watch = StopWatch()
        event = await import_history(file, store, events)
        loaded = watch.read()
    pool.terminate()
    rate, bare_rate = event.samples / loaded.s, event.samples * bare_days / arguments.days / bare.s
    rows = rate / event.points * len(file.plan.sets)
    print(f"loaded in {loaded.s:.1f} s: {rate:,.0f} samples/s, {rows:,.0f} rows/s, {rate_text(event, loaded)}")
    print(f"bare COPY of {bare_days} days: {bare_rate:,.0f} samples/s; the import reaches {rate / bare_rate:.0%} of it")
    await sizes(dsn, event.samples)
    async with PostgresHistory.open(dsn, clock, site.time_zone) as history:
        await questions(history, file.plan.window)
    return event


def rate_text(event: HistoryImported, taken: Taken) -> str:
    """CPU time of this process per million samples."""
    return f"{taken.cpu_s * 1e6 / event.samples:.2f} CPU s per million"


async def run(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-", dir=arguments.dir) as name:
        folder = Path(name)
        folder.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
        site = make_site(folder / "site", arguments.site)
        print(f"{len(site.points)} points, {arguments.days} days every {arguments.interval} s, from {FIRST}")
        made_s = make_history(folder / "history", arguments.site, arguments.days, arguments.interval)
        chunk_bytes = sum(file.stat().st_size for file in (folder / "history").glob("*.chunk"))
        print(f"made in {made_s:.1f} s, {chunk_bytes / 1e6:,.1f} MB")
        async with EmbeddedPostgres(folder / "db", SystemClock()) as postgres:
            event = await measure(arguments, site, folder / "history", postgres.dsn)
        each = chunk_bytes / event.samples
        print(f"{event.samples:,} samples: {event.samples / made_s:,.0f}/s made, {each:.2f} bytes each in the files")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", default="full")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--interval", type=int, default=900, help="seconds")
    parser.add_argument("--bare-days", type=int, default=30, help="so many days for the bare COPY at most")
    parser.add_argument("--dir", help="where to work; needs 6 GB for a year at 900 s")
    uvloop.run(run(parser.parse_args()))
