"""Comparisons, targets and carbon from years of history: how long a question takes.

``.venv/bin/python benchmarks/energy_comparison.py [--meters 16] [--tries 20]``. Three years of counters, every hour,
are made here and loaded into the embedded PostgreSQL with fsync. Beside the questions the same months read and added up
by hand (a baseline: what reading costs). Times are of this process, from the question to the answer, without HTTP.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import uvloop
from numpy.typing import NDArray
from tariffs import site, timed

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
from cityhall_bms.adapters.site_files.carbon import shipped_factors
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.carbon import CarbonFactors
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.forecast import foresee
from cityhall_bms.domain.energy.meters import Meter, Metering, PointSource
from cityhall_bms.domain.energy.periods import Period, parse_period, year_period
from cityhall_bms.domain.energy.saving_targets import EnergyTarget, TargetKind
from cityhall_bms.domain.quality import Quality
from cityhall_bms.energy.comparing import MONTH, Against, Comparer
from cityhall_bms.energy.emissions import Emissions
from cityhall_bms.energy.target_watch import TargetWatch
from cityhall_bms.historian.importing import import_history
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan

ZONE: Final = ZoneInfo("Asia/Taipei")
WHOLE: Final = Period(date(2023, 1, 1), date(2026, 1, 1))
HOUR_US: Final = 3_600_000_000
LAST: Final = 2025
FORECASTS: Final = 1_000


class YearsOfCounters:
    """A file of history that is made as it is read: counters of energy every hour, heavier in summer."""

    def __init__(self, points: Sequence[int]) -> None:
        edges = [Period(day, day + timedelta(days=1)).bounds(ZONE)[0] for day in _days()]
        self._points = np.array(points, np.uint32)
        plan = (*edges, WHOLE.bounds(ZONE)[1])
        self.plan = ImportPlan("ec" * 32, "benchmark", HOUR_US, plan, (self._points,))
        self._register = np.cumsum(_hours(len(points)), axis=1)

    def read_day(self, number: int) -> DayOfSamples:
        """Give the samples of a day."""
        window = self.plan.day(number)
        at = np.arange(window.start, window.end, HOUR_US)
        first = (number - 1) * 24
        value = self._register[:, first : first + len(at)]
        return DayOfSamples(self._points, at, value, np.full(value.shape, Quality.GOOD, np.uint8))


def _days() -> list[date]:
    return [WHOLE.first + timedelta(days=number) for number in range(WHOLE.days)]


def _hours(meters: int) -> NDArray[np.float64]:
    hours = np.arange(WHOLE.days * 24)
    shape = 60.0 - 20.0 * np.cos(2.0 * np.pi * hours / 8_766.0) + 20.0 * ((hours % 24 >= 8) & (hours % 24 < 18))
    return np.asarray(np.linspace(0.5, 1.5, meters)[:, None] * shape)


async def from_history(meters: int, tries: int, dsn: str) -> None:
    """Ask the database."""
    clock = SystemClock()
    described = site(meters)
    names = [f"M{index:02}" for index in range(meters)]
    metering = Metering(
        {
            name: Meter(name, Commodity.ELECTRICITY, name, name, PointSource(point))
            for name, point in zip(names, described.points, strict=True)
        },
        base_years={Commodity.ELECTRICITY: LAST - 2},
    )
    described = replace(described, metering=metering)
    await migrate(dsn)
    pool = await open_pool(dsn)
    async with PostgresEventLog(dsn, clock) as events, PostgresHistory.open(dsn, clock, ZONE.key) as history:
        ids = dict(await PostgresPointRegistry(pool, events).apply(described, "benchmark"))
        begin = time.perf_counter()
        async with PostgresImport.open(dsn, clock, ZONE.key) as store:
            told = await import_history(YearsOfCounters([ids[name] for name in described.points]), store, events)
        print(f"{meters} meters, {told.samples:,} samples loaded in {time.perf_counter() - begin:.0f} s")
        counters = PostgresCounterView(pool, clock, ZONE.key)
        reader = HistoryMeterReader(described, ids, history.queries, counters, PostgresMeterReadings(pool))
        targets = tuple(_target(name) for name in names)
        book = EnergyBook(targets=targets, carbon=CarbonFactors(tuple(shipped_factors())))
        await ask(Comparer(metering, book, reader, ZONE, clock), book, names, tries)
    pool.terminate()


async def ask(comparer: Comparer, book: EnergyBook, names: Sequence[str], tries: int) -> None:
    """Print what each question takes."""
    site_total = comparer.subject(Commodity.ELECTRICITY)
    half, days = parse_period("114H1"), parse_period("114-01-01..114-06-15")
    watch, emissions = TargetWatch(comparer), Emissions(comparer, book.carbon)
    year = year_period(LAST)

    async def each() -> None:
        for name in names:
            one = comparer.subject(Commodity.ELECTRICITY, meter=name)
            await comparer.compare(one, half, Against.YEAR_BEFORE)

    async def all_targets() -> None:
        for target in book.targets:
            await watch.progress(target)

    async def forecasts() -> None:
        months, past = np.array([1.0] * 6 + [np.nan] * 6), np.linspace(1.0, 2.0, 96).reshape(8, 12)
        for _ in range(FORECASTS):
            foresee(months, past)

    count = len(names)
    await timed(
        "months of a half-year, all meters, read (baseline)", lambda: comparer.amounts(site_total, half, MONTH), tries
    )
    await timed(
        "half-year of the site beside the base year",
        lambda: comparer.compare(site_total, half, Against.BASE_YEAR),
        tries,
    )
    await timed(
        "the same by days, up to the 15th of June", lambda: comparer.compare(site_total, days, Against.BASE_YEAR), tries
    )
    await timed(f"half-year of {count} meters, one by one", each, max(1, tries // 4))
    await timed("carbon of a year", lambda: emissions.of(site_total, year), tries)
    await timed("a target: progress, pace, forecast", lambda: watch.progress(book.targets[0]), tries)
    await timed(f"all {count} targets", all_targets, max(1, tries // 4))
    await timed(f"{FORECASTS:,} forecasts, arithmetic alone", forecasts, tries)


def _target(meter: str) -> EnergyTarget:
    kind = TargetKind.SAVING_ON_YEAR_BEFORE
    return EnergyTarget(f"SAVE-{meter}", LAST, Commodity.ELECTRICITY, kind, 1.0, meter=meter)


async def run(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="cityhall-bench-") as name:
        folder = Path(name)
        await asyncio.to_thread(folder.chmod, 0o755)
        async with EmbeddedPostgres(folder / "db", SystemClock()) as postgres:
            await from_history(arguments.meters, arguments.tries, postgres.dsn)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=16)
    parser.add_argument("--tries", type=int, default=20)
    uvloop.run(run(parser.parse_args()))
