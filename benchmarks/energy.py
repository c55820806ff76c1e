"""Meters of the whole building over a year: how long the year's report, its balances and its estimates take.

``.venv/bin/python benchmarks/energy.py [--tries 20]``. A year of every counter behind the 200 meters of the simulated
city hall, every hour, is made here and loaded into the embedded PostgreSQL with fsync. Beside the questions the same
counters read from history without meters (a baseline: what reading costs). Times are of this process, from the
question to the answer, without HTTP.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import uvloop
from tariffs import timed

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.meter_reading import HistoryMeterReader
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.adapters.postgres.meter_readings import PostgresMeterReadings
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.energy.balance import BalanceLimits
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import PointSource
from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.accounts import Account, Asked, MeterAccounts
from cityhall_bms.historian.importing import import_history
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan
from cityhall_simulators.description import load_building
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site

ZONE: Final = ZoneInfo("Asia/Taipei")
YEAR: Final = Period(date(2025, 1, 1), date(2026, 1, 1))
HOUR_US: Final = 3_600_000_000
SILENT_HOURS: Final = (4_000, 4_030)
"""When every tenth counter says nothing, so that there is something to estimate."""


class YearOfMeters:
    """A file of history that is made as it is read: counters every hour, each of its own size."""

    def __init__(self, points: Sequence[int]) -> None:
        days = [YEAR.first + timedelta(days=number) for number in range(YEAR.days + 1)]
        edges = tuple(Period(day, day + timedelta(days=1)).bounds(ZONE)[0] for day in days)
        self._points = np.array(sorted(points), np.uint32)
        sets = tuple(np.array_split(self._points, len(points) // 64))
        self.plan = ImportPlan("ea" * 32, "benchmark", HOUR_US, edges, sets)
        hours = np.arange(YEAR.days * 24)
        # Below what every meter is rated for: more would be steps in quarantine.
        shape = 0.5 + 1.5 * ((hours % 24 >= 7) & (hours % 24 < 18))
        self._register = np.cumsum(np.linspace(0.5, 1.5, len(points))[:, None] * shape, axis=1)

    def read_day(self, number: int) -> DayOfSamples:
        """Give the samples of a day."""
        window = self.plan.day(number)
        at = np.arange(window.start, window.end, HOUR_US)
        first = (number - 1) * 24
        value = self._register[:, first : first + len(at)]
        quality = np.full(value.shape, Quality.GOOD, np.uint8)
        hours = np.arange(first, first + len(at))
        silent = (hours >= SILENT_HOURS[0]) & (hours < SILENT_HOURS[1])
        quality[::10, silent] = Quality.BAD_DEVICE_LOST
        return DayOfSamples(self._points, at, value, quality)


async def from_history(site: Site, tries: int, dsn: str) -> None:
    """Load the year and ask about it."""
    clock = SystemClock()
    await migrate(dsn)
    pool = await open_pool(dsn)
    async with PostgresEventLog(dsn, clock) as events, PostgresHistory.open(dsn, clock, ZONE.key) as history:
        ids = dict(await PostgresPointRegistry(pool, events).apply(site, "benchmark"))
        sources = [meter.source for meter in site.metering.meters.values()]
        points = [ids[source.point] for source in sources if isinstance(source, PointSource)]
        begin = time.perf_counter()
        async with PostgresImport.open(dsn, clock, ZONE.key) as store:
            told = await import_history(YearOfMeters(points), store, events)
        print(f"{len(points)} counters, {told.samples:,} samples loaded in {time.perf_counter() - begin:.0f} s")
        counters = PostgresCounterView(pool, clock, ZONE.key)
        reader = HistoryMeterReader(site, ids, history.queries, counters, PostgresMeterReadings(pool))
        window = Window(*YEAR.bounds(ZONE))
        await timed(
            "counters of a year by month, from history (baseline)",
            lambda: history.queries.intervals_of(points, window, "1mo", Aggregation.DELTA, ZONE.key),
            tries,
        )
        await ask(site, MeterAccounts(site.metering, reader, BalanceLimits()), window, tries)
    pool.terminate()


async def ask(site: Site, accounts: MeterAccounts, window: Window, tries: int) -> None:
    """Print what each question takes."""
    meters, few = list(site.metering.meters), max(1, tries // 5)
    months, days = Asked(window, "1mo"), Asked(window, "1d")
    tenants = [Account(Commodity.ELECTRICITY, tenant=tenant) for tenant in site.metering.tenants]
    count = len(meters)
    await timed(f"year of {count} meters by month", lambda: accounts.read(meters, months), tries)
    await timed(f"year of {count} meters by day", lambda: accounts.read(meters, days), few)
    await timed("balances of all nodes by month", lambda: accounts.balances(accounts.nodes(), months), tries)
    await timed(f"{len(tenants)} tenants by month", lambda: accounts.statement(tenants, months), tries)
    spread = Asked(window, "1mo", Estimate.LINEAR)
    await timed("one meter by month, a silence spread", lambda: accounts.read(meters[1:2], spread), tries)
    await timed(f"{count} meters by month, silences spread", lambda: accounts.read(meters, spread), few)


def described(folder: Path) -> Site:
    """The simulated city hall, as its folder says."""
    building = load_building("full")
    ports = {label: 15_020 + number for number, label in enumerate(building.port_labels)}
    write_site(folder, building, "127.0.0.1", ports)
    write_secrets(folder, "127.0.0.1")
    return load_site(folder, find_factories(), find_profile_folders())


async def run(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as name:
        folder = Path(name)
        await asyncio.to_thread(folder.chmod, 0o755)
        site = await asyncio.to_thread(described, folder / "site")
        async with EmbeddedPostgres(folder / "db", SystemClock()) as postgres:
            await from_history(site, arguments.tries, postgres.dsn)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=20)
    uvloop.run(run(parser.parse_args()))
