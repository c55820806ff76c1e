"""What alarms cost: deciding what is hidden in a flood, and the engine's start after very many events.

``.venv/bin/python benchmarks/alarms.py [events]``. The flood: a line that feeds 5,000 pieces of equipment is lost, and
each of them has an alarm. The start: so many events (200,000) of 2,000 alarms in the embedded PostgreSQL, read by the
engine's recorder once with the stored folds, and once as if there were none.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import asyncio
import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import uvloop

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.postgres.alarms_view import AlarmsProjection, PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.site_files.suppression import shipped_rows
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarm_book import AlarmBook, Story
from cityhall_bms.domain.alarms import AlarmEvent, AlarmRaised, AlarmReturned, evolve, stream_of
from cityhall_bms.domain.site import Equipment, Site, System, Text
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.domain.topology import Topology
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.read_models import AlarmPage
from cityhall_bms.rules.recorder import RuleRecorder

UNITS: Final = 5_000
ALARMS: Final = 2_000
NOW: Final = 1_782_864_000_000_000
TEXT: Final = Text("機", "Unit")


def main() -> None:
    """Measure both and print them."""
    flood()
    uvloop.run(start(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))


def building() -> Site:
    """A meter that feeds a hundred panels, each of which feeds fifty units."""
    names = {"TCH.B2.C.HVM01": ()} | {f"TCH.B2.C.LVP{panel:03d}": ("TCH.B2.C.HVM01",) for panel in range(100)}
    names |= {f"TCH.01.E.AHU{unit:05d}": (f"TCH.B2.C.LVP{unit % 100:03d}",) for unit in range(UNITS)}
    equipment = {
        name: Equipment(name, "Unit", System.POWER if "AHU" not in name else System.HVAC, TEXT, fed_by=fed_by)
        for name, fed_by in names.items()
    }
    return Site("TCH", TEXT, "Asia/Taipei", True, (), (), equipment, {}, {})  # noqa: FBT003 - as the dataclass has it


def raised(rule: str, equipment: str, occurrence: int = 1) -> AlarmRaised:
    """An alarm about a piece of equipment."""
    priority = 1 if rule == "E01-LOSS" else 3
    system = "hvac" if "AHU" in equipment else "power"
    texts = ("送風溫度偏離設定", "Supply air off its set point")
    return AlarmRaised(rule, 1, equipment, equipment, system, priority, *texts, False, occurrence, NOW)  # noqa: FBT003


def flood() -> None:
    """Raise an alarm at every unit; lose the supply; bring it back."""
    book = AlarmBook(Suppression([table.row() for table in shipped_rows()], Topology.of(building())))
    units = [f"TCH.01.E.AHU{number:05d}" for number in range(UNITS)]
    some: dict[str, AlarmEvent] = {f"H13~{name}": raised("H13", name) for name in units}
    lost: dict[str, AlarmEvent] = {"E01-LOSS~TCH.B2.C.HVM01": raised("E01-LOSS", "TCH.B2.C.HVM01")}
    back: dict[str, AlarmEvent] = {"E01-LOSS~TCH.B2.C.HVM01": AlarmReturned(NOW + 60_000_000)}
    print(f"{UNITS} alarms at once: {_step(book, NOW, some):.0f} ms")
    print(f"a step in which nothing changes: {_timed(lambda: book.is_in_order(NOW)) * 1e3:.1f} µs")
    print(f"the supply is lost, {UNITS} alarms are hidden: {_step(book, NOW, lost):.0f} ms")
    one: dict[str, AlarmEvent] = {"G02~" + units[0]: raised("G02", units[0])}
    print(f"one more alarm, hidden: {_step(book, NOW, one) * 1e3:.0f} µs")
    _step(book, NOW, back)
    print(f"it is back, {UNITS} alarms ring: {_step(book, NOW + 900_000_000, {}):.0f} ms")


def _step(book: AlarmBook, at: int, proposed: dict[str, AlarmEvent]) -> float:
    """Decide a step and take it in; gives ms of the decision."""
    begin = time.perf_counter()
    story, causes = book.decide(at, proposed)
    took_ms = (time.perf_counter() - begin) * 1e3
    _keep(book, story)
    book.settle(causes)
    return took_ms


def _keep(book: AlarmBook, story: Story) -> None:
    for name, events in story.items():
        alarm = book[name]
        for event in events:
            alarm = evolve(alarm, event, version=alarm.version + 1, position=0)
        book.put(alarm)


def _timed(work: Callable[[], object], times: int = 1_000) -> float:
    """Give ms of one call."""
    begin = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begin) * 1e3 / times


class NoFolds(PostgresAlarmView):
    """A view that has nothing yet."""

    async def everything(self) -> AlarmPage:
        """Nothing, at the beginning."""
        return AlarmPage([], None, 0)


@contextlib.asynccontextmanager
async def database() -> AsyncIterator[str]:
    """Address of an embedded PostgreSQL of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedPostgres(Path(folder) / "db", SystemClock()) as postgres:
            await migrate(postgres.dsn)
            yield postgres.dsn


async def start(events: int) -> None:
    """Begin an engine's recorder after so many events, with and without stored folds."""
    async with database() as url, PostgresEventLog(url, SystemClock()) as log:
        pool = await open_pool(url)
        begin = time.perf_counter()
        await _write(log, events)
        print(f"{events} events of {ALARMS} alarms, written in {time.perf_counter() - begin:.0f} s")
        view = PostgresAlarmView(pool, log.listener)
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(Projector(log, pool, [AlarmsProjection()], SystemClock()).run())
            while (await view.everything()).position < events:
                await SystemClock().sleep(0.5)
            running.cancel()
        print(f"projected in {time.perf_counter() - begin:.0f} s")
        for kind, chosen in (("with folds", view), ("from all events", NoFolds(pool, log.listener))):
            begin = time.perf_counter()
            await RuleRecorder(log, chosen, Suppression(), SystemClock()).recover("rules")
            print(f"start {kind}: {(time.perf_counter() - begin) * 1e3:.0f} ms")
        pool.terminate()
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


async def _write(log: PostgresEventLog, events: int) -> None:
    for number in range(events // (2 * ALARMS)):
        pairs = [(f"H13~TCH.01.E.AHU{unit:05d}", raised("H13", f"TCH.01.E.AHU{unit:05d}", number + 1))
                 for unit in range(ALARMS)]  # fmt: skip
        await log.append([Append(stream_of(name), [event, AlarmReturned(NOW)], "rules") for name, event in pairs])


if __name__ == "__main__":
    main()
