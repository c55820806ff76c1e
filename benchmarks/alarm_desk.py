"""What operators wait for: acknowledging one and a thousand, and a search in a million transitions of years.

``.venv/bin/python benchmarks/alarm_desk.py [--dsn DSN] [--transitions 1000000]``; without a DSN it starts the embedded
PostgreSQL, with fsync, in a temporary folder. An acknowledgement counts as heard when each of twenty consoles has it
from the feed. The record of years is written into the projection's tables, as the projector leaves it.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import asyncpg
import uvloop
from event_log import server

from cityhall_bms.adapters.postgres.alarm_search import PostgresAlarmRecord
from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.standing import Standing
from cityhall_bms.api.feed import AlarmFeed
from cityhall_bms.domain.alarms import AlarmRaised, alarm_id, stream_of
from cityhall_bms.domain.follow_up import Handling, due
from cityhall_bms.ports.alarm_search import AlarmSearch
from cityhall_bms.ports.event_log import Append

CONSOLES: Final = 20
SINGLE: Final = 100
AT_ONCE: Final = 1_000
SEARCHES: Final = 20
YEARS: Final = """
INSERT INTO alarm_transition (position, recorded_at, type, actor, alarm_id, alarm)
SELECT -n, $1 - n * 60000000::bigint,
       CASE n % 3 WHEN 0 THEN 'AlarmReturned' WHEN 1 THEN 'AlarmAcknowledged' ELSE 'AlarmRaised' END,
       CASE n % 3 WHEN 1 THEN 'operator ' || n % 40 ELSE 'rules' END,
       'R' || n % 120 || '~U' || n % 4999,
       $2::jsonb || jsonb_build_object('alarm_id', 'R' || n % 120 || '~U' || n % 4999, 'subject', 'U' || n % 4999,
           'equipment', 'E' || n % 853, 'priority', 1 + n % 4,
           'comment', CASE n % 30 WHEN 1 THEN 'seen at ' || n ELSE '' END)
FROM generate_series(1, $3::bigint) AS n
"""
SEARCHED: Final = {
    "the newest": AlarmSearch(),
    "one point": AlarmSearch(subject="U4711"),
    "one person": AlarmSearch(actor="operator 7"),
    "priority and system": AlarmSearch(priority=1, system="hvac"),
    "words of the alarm's name": AlarmSearch(text="~T1-1"),
    "words that somebody wrote, rare": AlarmSearch(text="seen at 777781"),
    "words that nobody wrote": AlarmSearch(text="no such words"),
}


def raised(subject: str) -> AlarmRaised:
    """An alarm as the rules raise it."""
    return AlarmRaised("R1", 1, subject, "E1", "hvac", 3, "溫度過高", "Too warm", False, 1, SystemClock().now())  # noqa: FBT003


async def timed(step: Callable[[], Awaitable[object]], times: int) -> tuple[float, float]:
    """Median and maximum of a step, ms."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        await step()
        took.append((time.perf_counter() - start) * 1e3)
    return statistics.median(took), max(took)


class Room:
    """A control room over one database."""

    def __init__(self, pool: asyncpg.Pool, events: PostgresEventLog) -> None:
        self.pool = pool
        self.events = events
        self.view = PostgresAlarmView(pool, events.listener)
        self.feed = AlarmFeed(self.view, events, SystemClock())
        self.desk = AlarmDesk(self.view, events, SystemClock())
        self.record = PostgresAlarmRecord(pool)

    async def ring(self, subjects: Sequence[str]) -> list[str]:
        """Raise alarms, and wait until the feed has them."""
        appends = [Append(stream_of(alarm_id("R1", name)), [raised(name)], "rules") for name in subjects]
        for begin in range(0, len(appends), AT_ONCE):
            stored = await self.events.append(appends[begin : begin + AT_ONCE])
        await self.heard(stored[-1].position)
        return [alarm_id("R1", name) for name in subjects]

    async def heard(self, position: int) -> None:
        """Return when the feed is there."""
        while self.feed.tail.end < position:
            tail = self.feed.tail
            await tail.wait_beyond(position - 1, tail.beginnings, tail.wakes)

    async def acknowledge_singly(self) -> None:
        """One after the other, until each console has heard it."""
        names = await self.ring([f"S{number}" for number in range(SINGLE)])
        heard: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(CONSOLES)]

        async def console(queue: asyncio.Queue[int], position: int) -> None:
            async for news in self.feed.news(position):
                for placed in news.transitions:
                    queue.put_nowait(placed.transition.position)

        place = await self.feed.place(None)
        answered, everywhere = [], []
        async with asyncio.TaskGroup() as tasks:
            consoles = [tasks.create_task(console(queue, place)) for queue in heard]
            for name in names:
                start = time.perf_counter()
                await self.desk.acknowledge(name, by="王小明")
                answered.append((time.perf_counter() - start) * 1e3)
                for queue in heard:
                    await queue.get()
                everywhere.append((time.perf_counter() - start) * 1e3)
            for task in consoles:
                task.cancel()
        for what, took in (("answered", answered), (f"heard by {CONSOLES} consoles", everywhere)):
            cuts = statistics.quantiles(took, n=100)
            print(f"acknowledge one, {what}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")

    async def acknowledge_a_thousand(self) -> None:
        """In one request; each is an event of its own."""
        took = []
        for turn in range(5):
            names = await self.ring([f"T{turn}-{number}" for number in range(AT_ONCE)])
            start = time.perf_counter()
            outcomes = await self.desk.acknowledge_each(names, by="王小明")
            took.append(time.perf_counter() - start)
            assert all(outcome.alarm for outcome in outcomes)  # noqa: S101 - the measurement rests on it
            await self.heard(max(outcome.alarm.position for outcome in outcomes if outcome.alarm))
        print(f"acknowledge {AT_ONCE}: median {statistics.median(took):.2f} s, max {max(took):.2f} s")

    async def follow_up(self) -> None:
        """What the keeper does every second while so many alarms stand."""
        await self.ring([f"F{number}" for number in range(10_000)])
        handling = Handling()
        standing = Standing(self.view, handling.climbing)
        median, most = await timed(standing.load, 3)
        print(f"follow-up of {len(list(standing)):,} standing alarms: start {median:,.0f} ms (max {most:,.0f})")
        now = SystemClock().now()

        async def step() -> list[object]:
            return [due(alarm, standing.rung_at(alarm), now, handling) for alarm in standing]

        median, most = await timed(step, 20)
        print(f"... a step {median:.1f} ms (max {most:.1f})")

    async def search(self, transitions: int) -> None:
        """First pages of two hundred."""
        template = '{"base": "NORM", "text_zh": "溫度過高", "text_en": "Too warm", "system": "hvac"}'
        await self.pool.execute(YEARS, SystemClock().now(), template, transitions, timeout=900)
        await self.pool.execute("ANALYZE alarm_transition", timeout=300)
        for what, search in SEARCHED.items():
            await self.record.search(search, 200, None)
            median, most = await timed(partial(self.record.search, search, 200, None), SEARCHES)
            print(f"search {transitions:,} transitions, {what}: p50 {median:.1f} ms, max {most:.1f} ms")


async def run(dsn: str | None, transitions: int) -> None:
    """Measure one after the other."""
    async with server(dsn) as url:
        await migrate(url)
        pool = await open_pool(url, command_timeout_s=None)
        async with PostgresEventLog(url, SystemClock()) as events:
            room = Room(pool, events)
            async with asyncio.TaskGroup() as tasks:
                projector = Projector(events, pool, PROJECTIONS, SystemClock())
                loops = [tasks.create_task(loop) for loop in (projector.run(), room.feed.run())]
                await room.acknowledge_singly()
                await room.acknowledge_a_thousand()
                await room.follow_up()
                for task in loops:
                    task.cancel()
            await room.search(transitions)
        pool.terminate()


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn")
    parser.add_argument("--transitions", type=int, default=1_000_000)
    options = parser.parse_args()
    uvloop.run(run(options.dsn, options.transitions))


if __name__ == "__main__":
    main()
