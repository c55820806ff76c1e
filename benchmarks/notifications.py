"""What notifications cost: the keeper in a flood, and schedules asked about one moment and about a year.

``.venv/bin/python benchmarks/notifications.py [--dsn DSN] [--alarms 5000]``; without a DSN it starts the embedded
PostgreSQL, with fsync, in a temporary folder. Every alarm has a route; the views know nothing of them, so that each is
read from the log.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import asyncio
import time

import numpy as np
import uvloop
from event_log import server

from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.alarms.notifying import AlarmReader, NotificationKeeper
from cityhall_bms.domain.alarms import AlarmRaised, AlarmReturned, stream_of
from cityhall_bms.domain.calendars import Schedule, Schedules, parse_period
from cityhall_bms.domain.notifications import NOTIFICATION_STREAMS, Channel, Group, NotificationPlan, Person, Route
from cityhall_bms.domain.site import Site, Text
from cityhall_bms.ports.event_log import Append

PLAN = NotificationPlan(
    channels={"mail": Channel("mail")},
    people={"duty": Person("duty", "Duty", ("mail",))},
    groups={"duty": Group("duty", "Duty", ("duty",))},
    routes=(Route("duty", (1, 2), returned=True),),
)
SITE = Site(
    code="TCH",
    text=Text("", ""),
    time_zone="Asia/Taipei",
    simulated=True,
    floors=(),
    zones=(),
    equipment={},
    devices={},
    points={},
    notifications=PLAN,
)
MINUTES = 525_600
ONE_BY_ONE = 100_000


async def flood(dsn: str, alarms: int) -> None:
    """Print how fast a flood is taken that comes and goes."""
    await migrate(dsn)
    pool, clock = await open_pool(dsn), SystemClock()
    async with PostgresEventLog(dsn, clock) as events:
        reader = AlarmReader(PostgresAlarmView(pool, events.listener), events)
        keeper = NotificationKeeper(SITE, reader, events, clock, {})
        await keeper.step()
        await asyncio.gather(*(events.append([_come_and_gone(number)]) for number in range(alarms)))
        began, busy = time.perf_counter(), time.process_time()
        await keeper.step()
        took, cpu = time.perf_counter() - began, time.process_time() - busy
        queued = len(await events.read(0, 100_000, NOTIFICATION_STREAMS))
    await pool.close()
    a_second, cpu_us = 2 * alarms / took, cpu / alarms / 2 * 1e6
    print(f"flood of {2 * alarms:,} transitions: {a_second:,.0f} a second, {cpu_us:.0f} µs of CPU each")
    print(f"  messages queued one by one: {queued}")


def _come_and_gone(number: int) -> Append:
    name = f"hi~s{number}"
    raised = AlarmRaised("hi", 1, f"s{number}", "", "hvac", 2, "過高", "high", False, 1, 1)  # noqa: FBT003
    return Append(stream_of(name), [raised, AlarmReturned(observed_at=2)], "rules")


def schedules() -> None:
    """Print what a schedule costs."""
    office = Schedule("s", {"workdays": (parse_period("08:00-12:00"), parse_period("13:00-17:30"))})
    asked = Schedules("Asia/Taipei", (), (office,))
    year = 1_767_225_600_000_000 + np.arange(MINUTES, dtype=np.int64) * 60_000_000
    began = time.perf_counter()
    asked.within_many("s", year)
    print(f"a schedule over a year of minutes: {1e3 * (time.perf_counter() - began):.0f} ms")
    began = time.perf_counter()
    for at in year[:ONE_BY_ONE].tolist():
        asked.within("s", at)
    print(f"a schedule at one moment: {(time.perf_counter() - began) / ONE_BY_ONE * 1e6:.1f} µs")


async def run(arguments: argparse.Namespace) -> None:
    """Print everything."""
    schedules()
    async with server(arguments.dsn) as dsn:
        await flood(dsn, arguments.alarms)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn")
    parser.add_argument("--alarms", type=int, default=5_000)
    uvloop.run(run(parser.parse_args()))
