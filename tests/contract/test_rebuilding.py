"""A projection built anew beside the one in use is equal to it; where it is not, it takes its place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.alarm_events import RAISED_US, of_alarm, raised

from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.postgres.rebuilding import REBUILD_LOCK, Rebuilder
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarms import (
    AlarmAcknowledged,
    AlarmReset,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
)
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError
from cityhall_bms.domain.events import DeviceLost, DeviceRestored, Event
from cityhall_bms.ports.event_log import Append

EVERYTHING = "SELECT * FROM alarm FULL JOIN alarm_transition USING (alarm_id) ORDER BY 1, 2, 15"


class Site:
    """A log, and a projector that follows it."""

    def __init__(self, log: PostgresEventLog, pool: asyncpg.Pool) -> None:
        self.log = log
        self.pool = pool
        self.rebuilder = Rebuilder(log, pool, PROJECTIONS)

    async def caught_up(self) -> None:
        end = await self.log.end()
        async with asyncio.timeout(20):
            while (await self.pool.fetchval("SELECT min(position) FROM projection_checkpoint") or 0) < end:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@asynccontextmanager
async def site_on(url: str) -> AsyncIterator[Site]:
    pool = await open_pool(url)
    async with PostgresEventLog(url, SystemClock()) as log:
        task = asyncio.create_task(Projector(log, pool, PROJECTIONS, SystemClock()).run())
        try:
            yield Site(log, pool)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            pool.terminate()


@pytest_asyncio.fixture(loop_scope="session")
async def url(postgres_url: str) -> str:
    return postgres_url


async def write_some(log: PostgresEventLog) -> None:
    await log.append([of_alarm("x", raised()), of_alarm("y", raised(priority=1), AlarmReturned(RAISED_US + 9))])
    await log.append([Append("device/a", [DeviceLost("a", "silent", RAISED_US)], "collector")])


async def test_what_is_equal_is_left_alone(url: str) -> None:
    async with site_on(url) as site:
        await write_some(site.log)
        await site.caught_up()
        before = await site.pool.fetch("SELECT xmin, * FROM alarm")
        seen: list[tuple[int, int]] = []
        rebuilt = await site.rebuilder.rebuild("alarms", lambda done, end: seen.append((done, end)))
        assert (rebuilt.position, rebuilt.differed) == (await site.log.end(), False)
        assert rebuilt.rows == {"alarm": 2, "alarm_transition": 3}
        assert seen[-1] == (rebuilt.position, rebuilt.position)
        assert await site.pool.fetch("SELECT xmin, * FROM alarm") == before
        assert not (await site.rebuilder.rebuild("devices")).differed
        assert await site.pool.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname ~ '^rebuild_'") == 0


async def test_what_is_wrong_is_replaced_and_the_difference_is_told(url: str) -> None:
    async with site_on(url) as site:
        await write_some(site.log)
        await site.caught_up()
        right = await site.pool.fetch(EVERYTHING)
        await site.pool.execute("UPDATE alarm SET state = 'wrong' WHERE alarm_id = 'hi~x'")
        await site.pool.execute("DELETE FROM alarm_transition")
        rebuilt = await site.rebuilder.rebuild("alarms")
        assert rebuilt.wrong == {"alarm": 2, "alarm_transition": 3}
        assert await site.pool.fetch(EVERYTHING) == right
        await site.log.append([of_alarm("z", raised())])
        await site.caught_up()
        assert not (await site.rebuilder.rebuild("alarms")).differed


async def test_readers_see_the_old_one_until_the_new_one_is_done_and_events_go_on(url: str) -> None:
    async with site_on(url) as site:
        await write_some(site.log)
        await site.caught_up()
        await site.pool.execute("DELETE FROM alarm")
        seen: list[int] = []

        def watch(_done: int, _end: int) -> None:
            seen.append(_done)

        async with site.pool.acquire() as reader, reader.transaction(isolation="repeatable_read", readonly=True):
            assert await reader.fetchval("SELECT count(*) FROM alarm_transition") == 3
            await site.log.append([of_alarm("late", raised())])
            rebuilt = await site.rebuilder.rebuild("alarms", watch)
            assert rebuilt.differed
            assert await reader.fetchval("SELECT count(*) FROM alarm") == 0
        await site.caught_up()
        assert await site.pool.fetchval("SELECT count(*) FROM alarm") == 3


async def test_one_that_was_killed_leaves_nothing_in_the_way(url: str) -> None:
    async with site_on(url) as site:
        await write_some(site.log)
        await site.caught_up()
        await site.pool.execute("CREATE SCHEMA rebuild_alarms; CREATE TABLE rebuild_alarms.alarm (half integer)")
        assert not (await site.rebuilder.rebuild("alarms")).differed


async def test_two_at_a_time_are_refused_and_so_is_an_unknown_name(url: str) -> None:
    async with site_on(url) as site:
        async with site.pool.acquire() as other:
            await other.execute("SELECT pg_advisory_lock($1)", REBUILD_LOCK)
            with pytest.raises(ConcurrencyError, match="another rebuild"):
                await site.rebuilder.rebuild("alarms")
        with pytest.raises(NotFoundError, match=r"alarms, annunciations, .*counters, devices"):
            await site.rebuilder.rebuild("alarm")


STEPS = st.sampled_from(["raise", "return", "acknowledge", "shelve", "unshelve", "reset", "lost", "restored"])


def event_of(step: str, at: int, occurrence: int) -> Event:
    return {
        "raise": raised(occurrence=occurrence, observed_at=at, latching=occurrence % 3 == 0),
        "return": AlarmReturned(at),
        "acknowledge": AlarmAcknowledged(at, "王", ""),
        "shelve": AlarmShelved(at, "李", at + 100, "換感測器"),
        "unshelve": AlarmUnshelved(at, "李"),
        "reset": AlarmReset(at, "王"),
        "lost": DeviceLost("a", "silent", at),
        "restored": DeviceRestored("a", at, 3.0),
    }[step]


@settings(max_examples=10, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(STEPS, st.integers(0, 3), st.integers(-50, 50)), min_size=1, max_size=40))
async def test_live_built_and_rebuilt_are_equal_for_any_history(url: str, steps: list[tuple[str, int, int]]) -> None:
    """Also with late events, repeated ones, and what a state does not allow."""
    async with site_on(url) as site:
        for number, (step, subject, lag) in enumerate(steps):
            event = event_of(step, RAISED_US + 10 * number + lag, number + 1)
            device = step in {"lost", "restored"}
            await site.log.append(
                [Append(f"device/{subject}", [event], "collector") if device else of_alarm(str(subject), event)]
            )
        await site.caught_up()
        for name in ("alarms", "devices"):
            rebuilt = await site.rebuilder.rebuild(name)
            assert rebuilt.wrong == dict.fromkeys(rebuilt.wrong, 0)
