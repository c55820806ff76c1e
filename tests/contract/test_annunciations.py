"""What rang, as PostgreSQL keeps it: the same as counted from the log, however it was cut into batches."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import numpy as np
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.alarm_events import RAISED_US, of_alarm, raised

from cityhall_bms.adapters.postgres.alarm_figures import AnnunciationsProjection, PostgresAnnunciationView
from cityhall_bms.adapters.postgres.alarms_view import AlarmsProjection
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.rebuilding import Rebuilder
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarm_figures import figures
from cityhall_bms.domain.alarms import (
    AlarmAcknowledged,
    AlarmRecordedLate,
    AlarmReturned,
    AlarmShelved,
    AlarmSuppressed,
    AlarmUnshelved,
    AlarmUnsuppressed,
)
from cityhall_bms.domain.annunciations import NEVER
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.ports.alarm_figures import WHOLE_SITE, Console

PROJECTIONS = (AlarmsProjection(), AnnunciationsProjection())
TABLES = ("annunciated_alarm", "annunciation", "unauthorised_hiding")
LATE = AlarmRecordedLate(
    "hi", 1, "late", "TCH.05.W.AHU01", "hvac", 3, "熱", "hot", RAISED_US - 9_000_000, RAISED_US - 5_000_000
)
ACKED = AlarmAcknowledged(RAISED_US + 5, "王小明")
FAR = 10 * 86_400_000_000


@dataclass
class Record:
    """A log and its projections, which a test moves."""

    log: PostgresEventLog
    pool: asyncpg.Pool
    view: PostgresAnnunciationView

    async def apply(self, entries: list[StoredEvent]) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            for projection in PROJECTIONS:
                await projection.apply(connection, entries)

    async def write(self, *events: Event, subject: str = "a") -> list[StoredEvent]:
        entries = await self.log.append([of_alarm(subject, *events)])
        await self.apply(entries)
        return entries

    async def tables(self) -> list[list[tuple[object, ...]]]:
        return [[tuple(row) for row in await self.pool.fetch(f"TABLE {name} ORDER BY 1")] for name in TABLES]


@pytest_asyncio.fixture
async def record(postgres_url: str) -> AsyncIterator[Record]:
    pool = await open_pool(postgres_url)
    async with PostgresEventLog(postgres_url, SystemClock()) as log:
        yield Record(log, pool, PostgresAnnunciationView(pool))
    pool.terminate()


async def test_what_rang_is_read_as_columns_with_when_it_began_ended_and_was_answered(record: Record) -> None:
    [rang, _] = await record.write(raised(observed_at=RAISED_US), AlarmReturned(RAISED_US + 7))
    [answer] = await record.write(ACKED)

    rows = await record.view.annunciations(WHOLE_SITE, rang.recorded_at - 1, rang.recorded_at + 1)

    assert [rows.names[place] for place in rows.alarm] == ["hi~a"]
    assert (rows.began.tolist(), rows.ended.tolist()) == ([RAISED_US], [RAISED_US + 7])
    assert (rows.rang.tolist(), rows.acknowledged.tolist()) == ([rang.recorded_at], [answer.recorded_at])
    assert not np.concatenate([rows.again, rows.drill, rows.withdrawn]).any()


async def test_a_console_sees_what_is_of_its_system_zone_and_priority(record: Record) -> None:
    await record.write(raised(equipment="TCH.05.W.AHU01"), subject="a")
    await record.write(raised(equipment="TCH.05.E.AHU02", priority=1), subject="b")
    await record.write(raised(equipment="TCH.B2.CN.CHC01", system="water"), subject="c")

    async def seen(console: Console) -> list[str]:
        rows = await record.view.annunciations(console, 0, NEVER - 1)
        return sorted(rows.names[place].removeprefix("hi~") for place in rows.alarm)

    assert await seen(WHOLE_SITE) == ["a", "b", "c"]
    assert await seen(Console(system="water")) == ["c"]
    assert await seen(Console(zone="05")) == ["a", "b"]
    assert await seen(Console(zone="05.E")) == ["b"]
    assert await seen(Console(priority=1)) == ["b"]


async def test_late_occurrences_count_where_they_happened_and_ring_nowhere(record: Record) -> None:
    await record.write(LATE, subject="late")

    found = figures(
        await record.view.annunciations(WHOLE_SITE, RAISED_US - 10_000_000, RAISED_US),
        RAISED_US - 10_000_000,
        RAISED_US,
    )

    assert (found.annunciations, found.late, found.fleeting) == (0, 1, 1)


async def test_what_already_stood_reaches_into_the_stretch(record: Record) -> None:
    [rang] = await record.write(raised(observed_at=RAISED_US))
    first = rang.recorded_at + FAR

    found = figures(await record.view.annunciations(WHOLE_SITE, first, first + 1_000_000), first, first + 1_000_000)

    assert (found.annunciations, found.stale) == (0, 1)


async def test_alarms_that_have_stood_too_long_are_listed_unless_they_are_hidden(record: Record) -> None:
    await record.write(raised(observed_at=RAISED_US + 1), ACKED, subject="new")
    await record.write(raised(observed_at=RAISED_US), ACKED, subject="old")
    await record.write(raised(), AlarmReturned(RAISED_US + 7), subject="over")
    await record.write(raised(), AlarmShelved(RAISED_US, "a", RAISED_US + 60_000_000, "換濾網"), subject="shelved")

    async def stale(console: Console, since: int, limit: int = 10) -> list[str]:
        return [alarm.alarm_id.removeprefix("hi~") for alarm in await record.view.stale(console, since, limit)]

    assert await stale(WHOLE_SITE, RAISED_US + 2) == ["old", "new"]
    assert await stale(WHOLE_SITE, RAISED_US + 2, limit=1) == ["old"]
    assert await stale(WHOLE_SITE, RAISED_US) == []
    assert await stale(Console(system="lift"), RAISED_US + 2) == []


async def test_what_was_hidden_against_the_rules_is_found(record: Record) -> None:
    [_, hidden] = await record.write(raised(), AlarmShelved(RAISED_US, "a", RAISED_US + FAR, "far too long"))

    rows = await record.view.annunciations(WHOLE_SITE, hidden.recorded_at, hidden.recorded_at + 1)

    assert rows.unauthorised.tolist() == [hidden.recorded_at]


async def test_one_acknowledgement_settles_however_often_it_rang_before(record: Record) -> None:
    """An alarm that nobody answers rings on for hours: what is read for its next ring must not grow with that."""
    for occurrence in range(1, 101):
        await record.write(raised(occurrence=occurrence), AlarmReturned(RAISED_US + 7))
    assert await record.pool.fetchval("SELECT count(*) FROM annunciation WHERE waiting") == 100

    [answer] = await record.write(ACKED)

    rows = await record.view.annunciations(WHOLE_SITE, 0, NEVER - 1)
    assert rows.acknowledged.tolist() == [answer.recorded_at] * 100
    assert await record.pool.fetchval("SELECT count(*) FROM annunciation WHERE waiting") == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(
            [
                raised(), AlarmReturned(RAISED_US + 7), ACKED, LATE, AlarmUnshelved(RAISED_US, "a"),
                AlarmShelved(RAISED_US, "a", RAISED_US + 60_000_000, "換濾網"),
                AlarmSuppressed(RAISED_US, "up~x"), AlarmUnsuppressed(RAISED_US),
            ]
        ),
        st.booleans(),
    ),
    max_size=30,
)  # fmt: skip


@given(steps=STEPS)
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
async def test_batches_of_any_size_give_the_rows_that_a_rebuild_gives(
    record: Record, steps: list[tuple[str, Event, bool]]
) -> None:
    """Also what cannot follow (an acknowledgement of nothing) is in the log, and must change nothing."""
    batch: list[StoredEvent] = []
    for subject, event, whole in steps:
        batch += await record.log.append([of_alarm(subject, event)])
        if whole:
            await record.apply(batch)
            batch = []
    await record.apply(batch)
    end = await record.log.end()
    for name in ("alarms", "annunciations"):
        await record.pool.execute(
            "INSERT INTO projection_checkpoint VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET position = $2",
            name,
            end,
        )
    before = await record.tables()

    rebuilt = await Rebuilder(record.log, record.pool, PROJECTIONS).rebuild("annunciations")

    assert dict(rebuilt.wrong) == dict.fromkeys(TABLES, 0)
    assert await record.tables() == before


async def test_rows_of_many_years_are_read_at_once(record: Record) -> None:
    """No row is an object on the way: what is read is as wide as the columns."""
    await record.pool.execute("INSERT INTO annunciated_alarm SELECT n, 'hi~' || n FROM generate_series(1, 100) AS n")
    await record.pool.execute(
        "INSERT INTO annunciation SELECT n, n * 1000000::bigint, 1 + n % 100, n, 3, 'hvac', 'TCH.05.W.AHU01', n * 1000000::bigint,"
        " n * 1000000::bigint + 5, 9223372036854775807, false, false, false, false, true FROM generate_series(1, 20000) AS n"
    )

    rows = await record.view.annunciations(WHOLE_SITE, 0, NEVER - 1)

    assert (len(rows), rows.rang.dtype, int(rows.rang.sum())) == (
        20_000,
        np.dtype(np.int64),
        20_000 * 20_001 // 2 * 10**6,
    )
