"""Alarms are followed up over the real event log and its views: each step once, by several keepers that come and go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest_asyncio
from tests.support.alarm_events import of_alarm, raised

from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.permits_view import PostgresPermitView
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.alarms.follow_up import FollowUpKeeper
from cityhall_bms.domain.follow_up import Handling
from cityhall_bms.ports.event_log import Append

ALARMS = 40
AT_ONCE = Handling(escalate_s=((0.001, 0.002, 0.003),) * 4)


class Site:
    """A log, its views, and keepers as a test starts them."""

    def __init__(self, log: PostgresEventLog, pool: asyncpg.Pool) -> None:
        self.log = log
        self._pool = pool
        self._clock = SystemClock()

    @asynccontextmanager
    async def keepers(self, count: int) -> AsyncIterator[None]:
        view, permits = PostgresAlarmView(self._pool, self.log.listener), PostgresPermitView(self._pool)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(FollowUpKeeper(view, permits, self.log, self._clock, AT_ONCE).run())
                for _ in range(count)
            ]
            yield
            for task in running:
                task.cancel()

    async def levels(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for entry in await self.log.read(limit=10_000, stream="alarm/"):
            found.setdefault(entry.stream, [])
            if entry.type == "AlarmEscalated":
                found[entry.stream].append(entry.payload["level"])
        return found

    async def followed(self, steps: int) -> None:
        async with asyncio.timeout(60):
            while sum(map(len, (await self.levels()).values())) < steps:  # noqa: ASYNC110 - other tasks write it
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture(loop_scope="session")
async def url(postgres_url: str) -> str:
    return postgres_url


@asynccontextmanager
async def site_on(url: str) -> AsyncIterator[Site]:
    pool = await open_pool(url)
    async with PostgresEventLog(url, SystemClock()) as log:
        projecting = asyncio.create_task(Projector(log, pool, PROJECTIONS, SystemClock()).run())
        try:
            yield Site(log, pool)
        finally:
            projecting.cancel()
            await asyncio.gather(projecting, return_exceptions=True)
            pool.terminate()


def rings(number: int) -> Append:
    return of_alarm(f"S{number}", raised(priority=1 + number % 4, observed_at=SystemClock().now()))


async def test_every_step_is_recorded_once_while_keepers_come_and_go(url: str) -> None:
    async with site_on(url) as site:
        await site.log.append([rings(number) for number in range(ALARMS)])
        async with site.keepers(2):
            await site.followed(ALARMS)
        await site.log.append([rings(number) for number in range(ALARMS, 2 * ALARMS)])
        async with site.keepers(3):
            await site.followed(2 * ALARMS * 3)

        assert list((await site.levels()).values()) == [[1, 2, 3]] * (2 * ALARMS)
