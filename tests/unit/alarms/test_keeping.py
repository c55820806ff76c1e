"""A keeper goes on after an outage, and tells it once."""

import asyncio
from itertools import pairwise

from structlog.testing import capture_logs
from tests.support.manual_clock import ManualClock

from cityhall_bms.alarms.keeping import keep
from cityhall_bms.domain.errors import EventLogUnavailableError


async def test_an_outage_is_told_once_and_the_next_one_again() -> None:
    clock, away, steps = ManualClock(), True, []

    async def step() -> None:
        steps.append(clock.now())
        if away:
            msg = "PostgreSQL: gone"
            raise EventLogUnavailableError(msg)

    with capture_logs() as told:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(keep("shelves", step, clock))
            await clock.advance(5)
            away = False
            await clock.advance(5)
            away = True
            await clock.advance(5)
            running.cancel()

    assert [(line["keeper"], line["reason"]) for line in told] == [("shelves", "PostgreSQL: gone")] * 2
    assert {after - before for before, after in pairwise(steps)} == {1_000_000}
