"""Questions about history: p50 and p99 of what screens and reports ask, on days of the whole building's history.

``.venv/bin/python benchmarks/queries.py [--site full] [--days 20] [--tries 100]``; ``--days 365`` does a year and needs
about ten minutes and 7 GB before the first question, unless ``--keep DIR`` names a folder in which an earlier run left
them. The history is made by ``cityhall-sim history`` and loaded into the embedded PostgreSQL, with fsync. Each question
is asked of another point, or at another time, each time; the first ones, which fill the caches, are counted too. Times
are those of the store: from the question to columns in this process, without HTTP. There is no baseline.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import uvloop
from history_import import FIRST, make_history, make_site

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.history_folder import open_history
from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.demand_days import DemandDays
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.past_view import PostgresPastView
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.importing import import_history
from cityhall_bms.historian.intervals import DAY_US, midnight_us
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import Condition

INTERVAL_S: Final = 900
LOADED: Final = "loaded"
"""File in the folder that says that its history is whole."""

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Subject:
    """What is asked about: the whole time, and the points of each kind by number."""

    history: PostgresHistory
    past: PostgresPastView
    window: Window
    zone: str
    points: list[int]
    meters: list[int]
    mains: list[int]
    powers: list[int]
    switches: list[int]


def questions(about: Subject, chance: Random) -> dict[str, Ask]:
    """Each as something that can be asked again and again, of another point or time each time."""
    history, queries, window, zone = about.history, about.history.queries, about.window, about.zone
    days = (window.end - window.start) // DAY_US

    def day() -> Window:
        begin = window.start + chance.randrange(days) * DAY_US
        return Window(begin, begin + DAY_US)

    def moment() -> int:
        return chance.randrange(window.start + DAY_US // 2, window.end)

    def known_at() -> int:
        return window.end + DAY_US

    async def state() -> None:
        at = moment()
        await asyncio.gather(queries.standing(at), about.past.stood(at))

    return {
        "latest of all points": history.latest,
        "one point's day, samples": lambda: history.samples(chance.choice(about.points), day(), 100_000),
        "one point, all time, 500 buckets": lambda: queries.band(chance.choice(about.points), window, 500, zone),
        "one point, all time, a line of 500": lambda: queries.line(chance.choice(about.points), window, 500, zone),
        "one point, all time, by hour": lambda: history.intervals(
            chance.choice(about.points), window, "1h", Aggregation.MEAN, zone
        ),
        f"energy of {len(about.meters)} meters by month": lambda: queries.intervals_of(
            about.meters, window, "1mo", Aggregation.DELTA, zone
        ),
        f"demand maxima of {len(about.mains)} main meters by month": lambda: queries.demand(
            about.mains, window, "1mo", zone
        ),
        f"demand maxima of {len(about.powers)} powers by month": lambda: queries.demand(
            about.powers, window, "1mo", zone
        ),
        "time in state of one point by month": lambda: queries.durations(
            chance.choice(about.switches), window, "1mo", Condition(states=(1.0,)), zone
        ),
        "energy by month as known then": lambda: queries.intervals_of(
            about.meters, window, "1mo", Aggregation.DELTA, zone, known_at()
        ),
        f"the building at a moment, {len(about.points)} points": state,
    }


async def ask(name: str, question: Ask, tries: int) -> None:
    """Print how long it takes."""
    took = []
    for _ in range(tries):
        begin = time.perf_counter()
        await question()
        took.append(1e3 * (time.perf_counter() - begin))
    p50, p99 = np.percentile(took, [50, 99])
    print(f"{name:45} p50 {p50:8.1f} ms   p99 {p99:8.1f} ms   first {took[0]:8.1f} ms   of {tries}")


def about_site(site: Site, ids: dict[str, int], history: PostgresHistory, past: PostgresPastView, days: int) -> Subject:
    """What the questions are about."""
    zone = ZoneInfo(site.time_zone)
    window = Window(midnight_us(FIRST, zone), midnight_us(FIRST + timedelta(days=days), zone))

    def of(unit: str = "", role: str = "", kind: str = "", name: str = "") -> list[int]:
        return [
            ids[point.name]
            for point in site.points.values()
            if unit in {"", point.unit} and role in {"", point.role} and kind in {"", point.kind} and name in point.name
        ]

    return Subject(
        history=history,
        past=past,
        window=window,
        zone=site.time_zone,
        points=of(),
        meters=of(unit="kWh", kind="CI"),
        mains=of(role="kW", name=".HVM"),
        powers=of(role="kW"),
        switches=of(kind="DI"),
    )


async def load(folder: Path, site: Site, dsn: str, clock: SystemClock) -> None:
    """Load the history that the folder holds, unless that was done."""
    await migrate(dsn)
    if (folder / LOADED).exists():
        return
    begin = time.perf_counter()
    pool = await open_pool(dsn)
    async with PostgresEventLog(dsn, clock) as events, PostgresImport.open(dsn, clock, site.time_zone) as store:
        ids = await PostgresPointRegistry(pool, events).apply(site, "benchmark")
        event = await import_history(open_history(folder / "history", site, ids), store, events)
    pool.terminate()
    (folder / LOADED).touch()
    print(f"{event.samples:,} samples loaded in {time.perf_counter() - begin:.0f} s")


async def keep_days(demand: DemandDays) -> None:
    """Find the greatest quarters of every day, as upkeep does."""
    begin, used, days = time.perf_counter(), time.process_time(), 0
    while await demand.keep_one() is not None:
        days += 1
    took, cpu = time.perf_counter() - begin, time.process_time() - used
    print(f"greatest quarters of {days} days kept in {took:.1f} s ({cpu:.1f} CPU s of this process)")


async def run(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    with (
        nullcontext(arguments.keep) if arguments.keep else tempfile.TemporaryDirectory(prefix="cityhall-bench-") as name
    ):
        folder = Path(name)
        folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
        folder.chmod(0o755)  # noqa: ASYNC240
        if not (folder / "history").exists():
            make_site(folder / "site", arguments.site)
            print(f"made in {make_history(folder / 'history', arguments.site, arguments.days, INTERVAL_S):.0f} s")
        site = load_site(folder / "site", find_factories(), find_profile_folders())
        clock = SystemClock()
        async with EmbeddedPostgres(folder / "db", clock) as postgres:
            await load(folder, site, postgres.dsn, clock)
            pool = await open_pool(postgres.dsn)
            async with (
                PostgresEventLog(postgres.dsn, clock) as events,
                PostgresHistory.open(postgres.dsn, clock, site.time_zone) as history,
            ):
                ids = dict(await PostgresPointRegistry(pool, events).ids())
                about = about_site(site, ids, history, PostgresPastView(pool), arguments.days)
                await keep_days(DemandDays(pool, clock, site.time_zone, about.powers))
                print(f"{len(about.points)} points, {arguments.days} days every {INTERVAL_S} s")
                chosen = [word for word in arguments.only.split(",") if word]
                for title, question in questions(about, Random(1)).items():  # noqa: S311 - which point, no secret
                    if chosen and not any(word in title for word in chosen):
                        continue
                    await ask(title, question, arguments.tries)
            pool.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", default="full")
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--tries", type=int, default=100)
    parser.add_argument("--only", default="", help="words with commas: questions with one of them")
    parser.add_argument("--keep", help="folder that keeps the history for the next run")
    uvloop.run(run(parser.parse_args()))
