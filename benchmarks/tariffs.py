"""Tariffs: what a year of quarter hours of 64 meters costs, the bills of a year, and the best contract capacity.

``.venv/bin/python benchmarks/tariffs.py [--meters 64] [--tries 20]``. First the arithmetic alone, then the same from
history: counters of a year, made here and loaded into the embedded PostgreSQL with fsync, are read from rollups
and priced. Beside it the same sums without any tariff (a baseline: what reading and adding up cost). Times are of this
process, from the question to columns, without HTTP.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import uvloop
from numpy.typing import NDArray

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.meter_reading import HistoryMeterReader
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.adapters.postgres.meter_readings import PostgresMeterReadings
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.site_files.tariffs import shipped_book
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.costs import by_period, calendar_edges, gathered
from cityhall_bms.domain.energy.meters import Meter, Metering, PointSource
from cityhall_bms.domain.energy.periods import months_of
from cityhall_bms.domain.energy.tariff_book import Billing, Contract, TariffBook
from cityhall_bms.domain.energy.tariffs import Capacity
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Encoding, Equipment, Point, PointKind, Site, System, Text
from cityhall_bms.energy.billing import BillDesk, Scenario
from cityhall_bms.energy.costing import CostDesk, CostQuestion
from cityhall_bms.historian.importing import import_history
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan

ZONE: Final = ZoneInfo("Asia/Taipei")
FIRST: Final = date(2025, 11, 1)
DAYS: Final = 365
QUARTER_US: Final = 900_000_000
SAMPLE_US: Final = 300_000_000
"""Three samples a quarter hour, so that its rollups are kept as they are of live data."""
QUARTERS: Final = DAYS * 96
THREE, TWO = "taipower-hv-three-stage", "taipower-hv-two-stage"


class YearOfCounters:
    """A file of history that is made as it is read: counters of energy every five minutes, offices by day."""

    def __init__(self, points: Sequence[int]) -> None:
        edges = calendar_edges(ZONE, midnight(FIRST), midnight(FIRST + timedelta(days=DAYS - 1)) + 1, "1d")
        self._points = np.array(points, np.uint32)
        sets = tuple(np.array_split(self._points, max(1, len(points) // 64)))
        self.plan = ImportPlan("be" * 32, "benchmark", SAMPLE_US, tuple(edges.tolist()), sets)
        self._register = np.cumsum(np.repeat(quarter_hours(len(points)) / 3.0, 3, axis=1), axis=1)

    def read_day(self, number: int) -> DayOfSamples:
        """Give the samples of a day."""
        window = self.plan.day(number)
        at = np.arange(window.start, window.end, SAMPLE_US)
        first = (number - 1) * 288
        value = self._register[:, first : first + len(at)]
        return DayOfSamples(self._points, at, value, np.full(value.shape, Quality.GOOD, np.uint8))


def midnight(day: date) -> int:
    """µs UTC."""
    return months_of(day.replace(day=1), 1).bounds(ZONE)[0] + (day.day - 1) * 96 * QUARTER_US


def quarter_hours(meters: int) -> NDArray[np.float64]:
    """Energy of a year in kWh: by day more than at night, each meter of its own size."""
    hours = np.arange(QUARTERS) / 4.0 % 24.0
    shape = 20.0 + 60.0 * ((hours >= 7.0) & (hours < 18.0))
    size = np.linspace(0.5, 1.5, meters)
    return size[:, None] * (shape + 5.0 * np.sin(np.arange(QUARTERS) / 700.0)) / 4.0


def book(meters: Sequence[str]) -> TariffBook:
    """Shipped tariffs, and a contract."""
    shipped = shipped_book()
    contract = Contract(date(2025, 10, 1), THREE, {Capacity.REGULAR: Decimal(5000)})
    return TariffBook(ZONE.key, shipped.tariffs, shipped.off_peak_days, (contract,), Billing(tuple(meters[:2])))


def site(meters: int) -> Site:
    """As many counters on one device."""
    place = "TCH.B2.CS"
    text = Text("電表", "Meter")
    equipment = {
        f"{place}.EM{i:02}": Equipment(f"{place}.EM{i:02}", "Electrical_Meter", System.POWER, text)
        for i in range(meters)
    }
    points = {
        f"{name}.kWh": Point(
            f"{name}.kWh", text, name, "kWh", PointKind.CI, "kWh", "meters", str(index), Encoding(), None, None, 60.0
        )
        for index, name in enumerate(equipment)
    }
    return Site(
        code="TCH",
        text=text,
        time_zone=ZONE.key,
        simulated=True,
        floors=(),
        zones=(),
        equipment=equipment,
        devices={"meters": Device("meters", text, "modbus", {})},
        points=points,
    )


async def timed(name: str, ask: Callable[[], Awaitable[object]], tries: int) -> None:
    """Print how long something takes, on the clock and of this process's CPU."""
    took, cpu = [], cpu_s()
    for _ in range(tries):
        begin = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - begin)
    used = (cpu_s() - cpu) / tries
    print(
        f"{name:58} p50 {1e3 * float(np.median(took)):8.1f} ms  max {1e3 * max(took):8.1f} ms  CPU {1e3 * used:8.1f} ms"
    )


def cpu_s() -> float:
    """CPU time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def arithmetic(meters: int, tries: int) -> None:
    """Without any reading."""
    start, end = midnight(FIRST), midnight(FIRST) + QUARTERS * QUARTER_US
    value = quarter_hours(meters)
    amounts = Amounts(start + QUARTER_US * np.arange(QUARTERS), end, value, np.zeros(value.shape), np.ones(value.shape))
    tariffs, edges = book([]), calendar_edges(ZONE, start, end, "1mo")

    async def periods() -> None:
        tariffs.periods(start, end).periods_of(start + 60_000_000 * np.arange(DAYS * 1440))

    async def costs() -> None:
        found = tariffs.periods(start, end)
        gathered(amounts, found, edges)
        by_period(amounts, found)

    async def sums() -> None:
        np.add.reduceat(amounts.value, np.searchsorted(amounts.at, edges[:-1]), axis=1)

    print(f"{meters} meters, {QUARTERS:,} quarter hours each")
    await timed("period of every minute of the year", periods, tries)
    await timed("cost by month and by period, arithmetic alone", costs, tries)
    await timed("energy by month, arithmetic alone (baseline)", sums, tries)


async def from_history(meters: int, tries: int, dsn: str) -> None:
    """The same, and bills, from the database."""
    clock, described = SystemClock(), site(meters)
    await migrate(dsn)
    pool = await open_pool(dsn)
    async with PostgresEventLog(dsn, clock) as events, PostgresHistory.open(dsn, clock, ZONE.key) as history:
        ids = dict(await PostgresPointRegistry(pool, events).apply(described, "benchmark"))
        begin = time.perf_counter()
        async with PostgresImport.open(dsn, clock, ZONE.key) as store:
            told = await import_history(YearOfCounters([ids[name] for name in described.points]), store, events)
        print(f"{told.samples:,} samples loaded in {time.perf_counter() - begin:.0f} s")
        names = [f"M{index:02}" for index in range(meters)]
        metering = Metering(
            {
                name: Meter(name, Commodity.ELECTRICITY, name, name, PointSource(point))
                for name, point in zip(names, described.points, strict=True)
            }
        )
        reader = HistoryMeterReader(
            replace(described, metering=metering),
            ids,
            history.queries,
            PostgresCounterView(pool, clock, ZONE.key),
            PostgresMeterReadings(pool),
        )
        window = Window(midnight(FIRST), midnight(FIRST) + QUARTERS * QUARTER_US)
        desk, bills = CostDesk(book(names), metering, reader), BillDesk(book(names), reader, history.queries, ids)
        year = months_of(FIRST, 12)
        await timed("quarter hours of the year, read (baseline)", lambda: reader.amounts(names, window, "15m"), tries)
        for interval in ("1mo", "15m"):
            ask = CostQuestion(tuple(names), (), window, interval)
            await timed(f"costs by {interval}, with reading", lambda ask=ask: desk.costs(ask), tries)  # type: ignore[misc]
        await timed(
            "bill of a month, two meters, with reading", lambda: bills.bill(months_of(date(2026, 7, 1), 1)), tries
        )
        await timed(
            "what-if of the year, two meters, with reading", lambda: bills.what_if(year, Scenario(tariff=TWO)), tries
        )
    pool.terminate()


async def run(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    await arithmetic(arguments.meters, arguments.tries)
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as name:
        folder = Path(name)
        await asyncio.to_thread(folder.chmod, 0o755)
        async with EmbeddedPostgres(folder / "db", SystemClock()) as postgres:
            await from_history(arguments.meters, max(1, arguments.tries // 4), postgres.dsn)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=64)
    parser.add_argument("--tries", type=int, default=20)
    uvloop.run(run(parser.parse_args()))
