"""What a command takes, from its confirmation to the proof; what following the plant costs; what a check costs.

``.venv/bin/python benchmarks/commands.py [--dsn DSN] [--commands 100]``; without a DSN it starts the embedded
PostgreSQL, with fsync, in a temporary folder. A charger behind a Modbus server on loopback; the real driver, collector,
commander, desk and projection, all in one process. The baseline is the driver's own write with its read-back.
"""

# ruff: noqa: ASYNC110, INP001, S311, T201, TID251 - a program that measures, on real time
import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import uvloop
from event_log import server

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.charger_site import LIMIT, charger_server, write_charger_site
from tests.support.command_rig import AUTOMATION, Permits, plant_site
from tests.support.stated_roles import StatedRoles

from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.adapters.postgres.commands_view import CommandsProjection, PostgresCommandView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.collector import Collector, Logs
from cityhall_bms.collector.command_deciding import Decider
from cityhall_bms.collector.command_record import CommandRecord
from cityhall_bms.collector.commander import Commander
from cityhall_bms.collector.plant_following import PlantFollower
from cityhall_bms.commanding.examining import Examiner, Grounds
from cityhall_bms.commanding.office import CommandOffice, Procedure
from cityhall_bms.commanding.streams import PointStreams
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.commanding.checks import check_plant, check_value
from cityhall_bms.domain.commanding.interlocks import Surroundings
from cityhall_bms.domain.commanding.plant import PlantWatch
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.capabilities import WritableDriver
from cityhall_bms.ports.commands import CommandWish

POINTS: Final = 5_061
WATCHED: Final = 120
BATCH: Final = 500
ROUNDS: Final = 2_000


def told(what: str, took_ms: list[float], cpu_s: float) -> None:
    """Print quantiles and CPU of one kind of step."""
    cuts = statistics.quantiles(took_ms, n=100)
    print(f"{what}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, CPU {1e3 * cpu_s / len(took_ms):.2f} ms each")


async def follow_the_plant() -> None:
    """One batch of a collector into the present values that checks rest on."""
    ids = {f"P{number}": number for number in range(POINTS)}
    watch = PlantWatch(ids, dict.fromkeys(range(POINTS), 10.0), list(ids)[:WATCHED], 0)
    random = np.random.default_rng(1)
    batches = []
    for number in range(20):
        points = random.choice(POINTS, BATCH, replace=False).astype(np.uint32)
        scan = Readings(points, np.full(BATCH, number), random.random(BATCH).round(), np.zeros(BATCH, np.uint8))
        batches.append(SampleBatch.gather("c", 1, number, number, [scan]))
    began, cpu = time.perf_counter(), time.process_time()
    for turn in range(ROUNDS):
        watch.take(batches[turn % len(batches)])
    each, cpu_each = ((b - a) / ROUNDS * 1e6 for a, b in ((began, time.perf_counter()), (cpu, time.process_time())))
    print(f"follow a batch of {BATCH} of {POINTS} points, {WATCHED} timed: {each:.0f} us, CPU {cpu_each:.0f} us")


async def check_a_chiller() -> None:
    """Every check of a chiller's start, its interlocks and minimum time."""
    site = plant_site()
    ids = {name: number for number, name in enumerate(site.points, 1)}
    name = "TCH.B2.CN.CHC01.EnableCmd"
    target = CommandTarget(ids[name], site.points[name], site.equipment[site.points[name].equipment])
    around = Surroundings(site, PlantWatch(ids, {}, [], 0), 1)
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(ROUNDS):
        check_value(target, 1.0, site.commanding)
        list(check_plant(target, 1.0, around, site.commanding, final=True))
    each, cpu_each = ((b - a) / ROUNDS * 1e6 for a, b in ((began, time.perf_counter()), (cpu, time.process_time())))
    print(f"check the start of a chiller: {each:.0f} us, CPU {cpu_each:.0f} us")


@asynccontextmanager
async def commanded(url: str, folder: Path) -> AsyncIterator[tuple[CommandOffice, Collector, Site]]:
    """Collector, commander and desk of a charger, which may be written without a pause, so that it can be timed."""
    clock, modbus = SystemClock(), charger_server()
    await modbus.start()
    site = load_site(write_charger_site(folder, modbus.port), find_factories())
    times = replace(site.commanding.times, between_writes_s=0.0)
    site = replace(site, commanding=replace(site.commanding, times=times))
    ids = {name: number for number, name in enumerate(site.points, 1)}
    pool = await open_pool(url)
    async with PostgresEventLog(url, clock) as events:
        collector = Collector(site, ids, find_factories(), Logs(MemoryTelemetryLog(clock), events), clock, Random(1))
        follower, view, permits = PlantFollower(collector, None, clock), PostgresCommandView(pool, events), Permits()
        record = CommandRecord(collector.name, view, events, clock, Random(1))
        decider = Decider(collector, follower, permits, StatedRoles(), clock)
        commander = Commander(collector, decider, follower, record, clock)
        examiner = Examiner(Grounds(site, ids, permits, StatedRoles(), clock))
        tokens, streams = count(), PointStreams(view, events)
        office = CommandOffice(examiner, streams, view, Procedure(times, clock), lambda: f"token {next(tokens)}")
        async with asyncio.TaskGroup() as tasks:
            projector = Projector(events, pool, [CommandsProjection()], clock)
            loops = [tasks.create_task(loop) for loop in (collector.run(), commander.run(), projector.run())]
            while not all(poller.online for poller in collector.pollers):
                await asyncio.sleep(0.05)
            yield office, collector, site
            for loop in loops:
                loop.cancel()
    pool.terminate()
    await modbus.stop()


async def command(url: str, commands: int) -> None:
    """One after the other, from asking to the proof in the log; and the driver alone."""
    with tempfile.TemporaryDirectory() as folder:
        async with commanded(url, Path(folder) / "site") as (office, collector, site):
            took: list[float] = []
            cpu = time.process_time()
            for number in range(commands):
                began = time.perf_counter()
                asked = await office.request(CommandWish(LIMIT, 6.0 + number % 26, 12, "measured"), AUTOMATION)
                while (await office.get(asked.command)).ended_at is None:
                    await asyncio.sleep(0.005)
                took.append((time.perf_counter() - began) * 1e3)
            told("a command, asked for to proved, in the log", took, time.process_time() - cpu)
            poller = collector.poller("charger-1")
            assert poller is not None  # noqa: S101 - the site has it
            point = site.points[LIMIT]
            target = CommandTarget(1, point, site.equipment[point.equipment])
            took, cpu = [], time.process_time()
            for number in range(commands):
                began = time.perf_counter()
                async with poller.turn("measuring") as driver:
                    assert isinstance(driver, WritableDriver)  # noqa: S101
                    await driver.write(target, 6.0 + number % 26, 12)
                took.append((time.perf_counter() - began) * 1e3)
            told("the driver's write with its read-back (baseline)", took, time.process_time() - cpu)


async def run(dsn: str | None, commands: int) -> None:
    """Measure one after the other."""
    await follow_the_plant()
    await check_a_chiller()
    async with server(dsn) as url:
        await migrate(url)
        await command(url, commands)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn")
    parser.add_argument("--commands", type=int, default=100)
    options = parser.parse_args()
    uvloop.run(run(options.dsn, options.commands))


if __name__ == "__main__":
    main()
