"""The stored folds of alarms, and the log after them, are all of their events: whoever begins there misses nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import asyncpg
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.alarm_events import RAISED_US, of_alarm, raised

from cityhall_bms.adapters.postgres.alarms_view import AlarmsProjection, PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarm_stream import ALARM_STREAMS, fold, identity_of
from cityhall_bms.domain.alarms import (
    Alarm,
    AlarmAcknowledged,
    AlarmCommented,
    AlarmPriorityChanged,
    AlarmRaised,
    AlarmRecordedLate,
    AlarmReset,
    AlarmReturned,
    AlarmShelved,
    AlarmSuppressed,
    AlarmTakenOutOfService,
    AlarmUnsuppressed,
    stream_of,
)
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.rules.recorder import RuleRecorder


@dataclass(frozen=True, slots=True)
class FromTheFuture(Event):
    """Of a version that we do not know: not registered as stored."""


NOW = RAISED_US
EVENTS: list[Event] = [
    raised(),
    raised(latching=True, priority=2, drill="drill-1"),
    AlarmReturned(NOW),
    AlarmAcknowledged(NOW, "王"),
    AlarmReset(NOW, "王"),
    AlarmPriorityChanged(1, "高", "High", NOW),
    AlarmShelved(NOW, "王", NOW + 9, "吵", one_shot=True),
    AlarmSuppressed(NOW, "permit-1", "WORKS"),
    AlarmUnsuppressed(NOW),
    AlarmTakenOutOfService(NOW, "李", "17", NOW + 9, "換"),
    AlarmCommented(NOW, "王", "待查"),
    AlarmRecordedLate("hi", 1, "s", "E", "hvac", 3, "x", "x", NOW, NOW + 1),
    FromTheFuture(),
]
HISTORY = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(EVENTS)), max_size=30)


class Site:
    """A log, its alarms as stored, and a projector that works when it is told to."""

    def __init__(self, log: PostgresEventLog, pool: asyncpg.Pool) -> None:
        self.log, self.pool = log, pool
        self.view = PostgresAlarmView(pool, log.listener)

    async def append(self, history: Iterable[tuple[str, Event]]) -> None:
        for subject, event in history:
            await self.log.append([of_alarm(subject, event)])

    async def project(self) -> None:
        end = await self.log.end()
        running = asyncio.create_task(Projector(self.log, self.pool, [AlarmsProjection()], SystemClock()).run())
        async with asyncio.timeout(20):
            while (await self.view.everything()).position < end:  # noqa: ASYNC110 - the projector has no event to offer
                await asyncio.sleep(0.002)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def site_on(url: str) -> AsyncIterator[Site]:
    pool = await open_pool(url)
    async with PostgresEventLog(url, SystemClock()) as log:
        yield Site(log, pool)
    pool.terminate()


@pytest_asyncio.fixture(loop_scope="session")
async def url(postgres_url: str) -> str:
    return postgres_url


def folded(alarms: dict[str, Alarm], entries: Sequence[StoredEvent]) -> dict[str, Alarm]:
    after = dict(alarms)
    for entry in entries:
        name = identity_of(entry.stream)
        after[name] = fold(after.get(name, Alarm(name)), [entry])
    return after


async def test_before_anything_happened_there_is_no_alarm(url: str) -> None:
    async with site_on(url) as site:
        page = await site.view.everything()
        assert (page.alarms, page.position, page.next_cursor) == ([], 0, None)


@given(before=HISTORY, after=HISTORY)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_folds_and_the_log_after_them_are_the_fold_of_everything(
    url: str, before: list[tuple[str, Event]], after: list[tuple[str, Event]]
) -> None:
    async with site_on(url) as site:
        await site.append(before)
        await site.project()
        await site.append(after)

        stored = await site.view.everything()
        rest = await site.log.read(stored.position, 10_000, ALARM_STREAMS)
        everything = await site.log.read(0, 10_000, ALARM_STREAMS)
        assert folded({alarm.alarm_id: alarm for alarm in stored.alarms}, rest) == folded({}, everything)


async def test_the_engine_begins_with_the_folds_and_goes_on_from_there(url: str) -> None:
    async with site_on(url) as site:
        await site.append([("a", raised()), ("b", raised()), ("b", AlarmReturned(NOW)), ("c", FromTheFuture())])
        await site.project()
        read: list[int] = []

        class Counting(PostgresEventLog):
            async def read(self, after: int = 0, limit: int = 1000, stream: str | None = None) -> list[StoredEvent]:
                entries = await super().read(after, limit, stream)
                read.append(len(entries))
                return entries

        await site.append([("d", raised())])
        async with Counting(url, SystemClock()) as log:
            recorder = RuleRecorder(log, site.view, Suppression(), SystemClock())
            await recorder.recover("rules")

        assert recorder.active.keys() == {"hi~a", "hi~d"}
        assert sum(read) == 1, "it read what the folds already are"
        assert isinstance((await site.log.read(0, 1, stream_of("hi~a")))[0].event(), AlarmRaised)
