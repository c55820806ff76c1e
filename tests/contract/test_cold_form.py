"""Days that are over are packed: every question gets the same answer, and no sample is lost whenever it comes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from random import Random

import asyncpg
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.histories import HOUR, MINUTE, SECOND, T0, Row, history_on, logged, scan
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.cold_packing import SETTLED_US, ColdPacker
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.historian.columns import Samples
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.keeping import Retention

DAY = 24 * HOUR
FIRST = date(2026, 7, 1)
"""The day of T0."""
WINDOW = Window(T0 - DAY, T0 + 3 * DAY)


@asynccontextmanager
async def packer_on(url: str) -> AsyncIterator[tuple[ColdPacker, asyncpg.Pool]]:
    pool = await open_pool(url)
    try:
        yield ColdPacker(pool), pool
    finally:
        pool.terminate()


async def everything(pool: asyncpg.Pool, known_at: int | None = None) -> list[tuple[object, ...]]:
    async with pool.acquire() as connection:
        found = await reading.of_all(connection, WINDOW, *(() if known_at is None else (known_at,)))
    return rows_of(found)


def rows_of(samples: Samples) -> list[tuple[object, ...]]:
    columns = (samples.point, samples.at, samples.recorded_at, samples.value.view(np.uint64), samples.quality)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


async def hot_rows(pool: asyncpg.Pool, day: date = FIRST) -> int:
    count: int = await pool.fetchval(
        "SELECT count(*) FROM scan WHERE observed_at >= $1::date::timestamp AT TIME ZONE 'UTC'"
        " AND observed_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'",
        day,
    )
    return count


async def store_a_day(history: PostgresHistory) -> None:
    """Two sets, chance selections, bad values, values that are no number, one time recorded twice."""
    chance = Random(7)
    sequence = 0
    for minute in range(0, 180, 5):
        at = T0 + minute * MINUTE + chance.randrange(SECOND)
        sequence += 1
        quality = 128 if minute == 60 else 0
        values = [20.0 + minute, float("nan") if quality else 0.1 * minute, 7.0]
        await history.store([scan(sequence, at, values, quality)])
        sequence += 1
        lone: list[Row] = [(40, at + 1, chance.random(), 0), (90, at + 2, float(minute), 64)]
        await history.store([logged(sequence, lone, recorded_at=at + SECOND)])
    again: list[Row] = [(40, T0 + 10 * MINUTE, 1.0, 0)]
    await history.store([logged(sequence + 1, again, recorded_at=T0 + HOUR)])
    await history.store([logged(sequence + 2, [(40, T0 + 10 * MINUTE, 2.0, 0)], recorded_at=T0 + 2 * HOUR)])


async def test_a_packed_day_answers_as_before_and_its_scans_are_gone(database_url: str) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(database_url, clock) as history, packer_on(database_url) as (packer, pool):
        await store_a_day(history)
        before, then = await everything(pool), await everything(pool, T0 + HOUR)
        answers = await answers_of(history)
        assert await packer.next_day(date(2026, 7, 2)) == FIRST
        assert await packer.pack(FIRST, clock.now())
        assert await everything(pool) == before
        assert await packer.empty_one(clock.now()) is None  # who began before may still be reading scans
        assert await packer.empty_one(clock.now() + SETTLED_US + 1) == FIRST
        assert await hot_rows(pool) == 0
        assert await everything(pool) == before
        assert await everything(pool, T0 + HOUR) == then
        assert len(then) < len(before)
        assert await answers_of(history) == answers


async def answers_of(history: PostgresHistory) -> list[object]:
    found: list[object] = []
    for point in (1, 2, 3, 40, 90):
        for limit in (1, 7, 1000):
            series = await history.samples(point, WINDOW, limit)
            found.append([series.at.tolist(), series.value.view(np.uint64).tolist(), series.quality.tolist()])
        for interval in ("10s", "15m", "1d"):
            window = Window(T0, T0 + 3 * HOUR)
            figures = await history.intervals(point, window, interval, Aggregation.MEAN, "Asia/Taipei")
            found.append(figures.value.view(np.uint64).tolist())
    return found


async def test_a_late_sample_finds_room_again_and_the_day_is_packed_anew(database_url: str) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(database_url, clock) as history, packer_on(database_url) as (packer, pool):
        await history.store([scan(1, T0 + HOUR, [1.0, 2.0, 3.0])])
        assert await packer.pack(FIRST, clock.now())
        await packer.empty_one(clock.now() + SETTLED_US + 1)
        for sequence, minute in ((2, 5), (3, 90)):
            late: list[Row] = [(1, T0 + minute * MINUTE, 1.5, 0), (40, T0 + minute * MINUTE, 9.0, 0)]
            await history.store([scan(2 * sequence, T0 + minute * MINUTE, [4.0, 5.0, 6.0])])
            await history.store([logged(2 * sequence + 1, late)])
            before = await everything(pool)
            assert await packer.next_day(date(2026, 7, 2)) == FIRST
            assert await packer.pack(FIRST, clock.now())
            assert await everything(pool) == before
            if minute == 90:
                # The first late scan was still there when the second came: it is packed once.
                assert await pool.fetchval("SELECT sum(samples) FROM cold_point WHERE point_id = 2") == 3
        await packer.empty_one(clock.now() + SETTLED_US + 1)
        assert await hot_rows(pool) == 0
        assert await everything(pool) == before
        assert [row[1] for row in before if row[0] == 2] == [T0 + minute * MINUTE for minute in (5, 60, 90)]


async def test_scans_that_come_while_a_day_is_packed_keep_it_from_being_emptied(database_url: str) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(database_url, clock) as history, packer_on(database_url) as (packer, pool):
        await history.store([scan(1, T0, [1.0, 2.0])])
        assert await packer.pack(FIRST, clock.now())
        await history.store([scan(2, T0 + MINUTE, [3.0, 4.0])])
        assert await packer.empty_one(clock.now() + SETTLED_US + 1) is None
        assert await hot_rows(pool) == 2
        assert len(await everything(pool)) == 4


async def test_a_day_that_is_not_as_it_was_sealed_keeps_its_scans(postgres_url: str) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        await history.store([scan(1, T0, [1.0, 2.0])])
        await pool.execute('UPDATE scan SET "values" = ARRAY[1.0, 3.0]::double precision[]')
        await packer.pack(FIRST, clock.now())
        for _ in range(2):
            assert await packer.empty_one(clock.now() + SETTLED_US + 1) is None
        assert await hot_rows(pool) == 1


async def test_a_long_reader_is_not_waited_for_and_loses_nothing(database_url: str) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(database_url, clock) as history, packer_on(database_url) as (packer, pool):
        await history.store([scan(1, T0, [1.0, 2.0])])
        await packer.pack(FIRST, clock.now())
        async with pool.acquire() as reader, reader.transaction(isolation="repeatable_read", readonly=True):
            assert len(await reading.of_all(reader, WINDOW)) == 2
            assert await packer.empty_one(clock.now() + SETTLED_US + 1) is None
            assert len(await reading.of_all(reader, WINDOW)) == 2
        assert await packer.empty_one(clock.now() + SETTLED_US + 1) == FIRST


async def test_packing_that_was_cut_off_is_repeated_to_the_same(database_url: str) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(database_url, clock) as history, packer_on(database_url) as (packer, pool):
        await store_a_day(history)
        before = await everything(pool)
        for _ in range(2):
            assert await packer.pack(FIRST, clock.now())
            # As if the process had ended between two sets: some are packed, the day is not.
            await pool.execute("UPDATE cold_day SET packed_at = NULL")
            for table in ("cold_point", "cold_scan"):
                await pool.execute(
                    f"DELETE FROM {table} WHERE set_id IN"  # noqa: S608 - of the names above
                    " (SELECT set_id FROM point_set_member WHERE point_id = 90)"
                )
            assert await everything(pool) == before
        assert await packer.next_day(date(2026, 7, 2)) == FIRST
        assert await packer.pack(FIRST, clock.now())
        await packer.empty_one(clock.now() + SETTLED_US + 1)
        assert await everything(pool) == before
        assert await pool.fetchval("SELECT sum(samples) FROM cold_point") == distinct_rows(before)


def distinct_rows(before: list[tuple[object, ...]]) -> int:
    """One time of point 40 was recorded twice; both are kept, one stands."""
    assert len({row[:2] for row in before}) == len(before)
    return len(before) + 1


async def test_a_large_set_is_packed_some_points_at_a_time(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityhall_bms.adapters.postgres.cold_packing.VALUES_AT_ONCE", 25)
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        for number in range(10):
            values = [number + 0.01 * place for place in range(7)]
            await history.store([scan(number + 1, T0 + number * MINUTE, values, quality=64 if number == 3 else 0)])
        before = await everything(pool)
        await packer.pack(FIRST, clock.now())
        await packer.empty_one(clock.now() + SETTLED_US + 1)
        await history.store([scan(11, T0 + 30 * SECOND, [1.0] * 7)])
        await packer.pack(FIRST, clock.now())
        await packer.empty_one(clock.now() + SETTLED_US + 1)
        assert await hot_rows(pool) == 0
        after = await everything(pool)
        assert [row for row in after if row[1] != T0 + 30 * SECOND] == before
        assert len(after) == len(before) + 7


@settings(max_examples=8, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_order_of_storing_packing_and_emptying_keeps_every_sample(
    postgres_url: str, data: st.DataObject
) -> None:
    clock = ManualClock(T0 + 4 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        await pool.execute("TRUNCATE scan, cold_scan, cold_point, cold_day, ingest_progress, latest, rollup_dirty")
        expected: dict[tuple[int, int], tuple[int, float]] = {}
        for step in range(1, data.draw(st.integers(2, 8)) + 1):
            at = T0 + data.draw(st.integers(0, 2 * 24 * 60 - 1)) * MINUTE
            value, recorded_at = float(step), T0 + 3 * DAY + step
            points = data.draw(st.sampled_from([(1, 2), (2,), (2, 40), (40,)]))
            rows: list[Row] = [(point, at, value, 0) for point in points]
            await history.store([logged(step, rows, recorded_at=recorded_at)])
            expected |= {(point, at): (recorded_at, value) for point in points}
            for day in (FIRST, date(2026, 7, 2)):
                if data.draw(st.booleans()):
                    await packer.pack(day, clock.now())
                if data.draw(st.booleans()):
                    await packer.empty_one(clock.now() + SETTLED_US + 1)
        found = {(row[0], row[1]): (row[2], np.uint64(row[3]).view(np.float64)) for row in await everything(pool)}
        assert found == expected


async def packed_and_emptied(packer: ColdPacker, day: date, now: int) -> None:
    assert await packer.pack(day, now)
    assert await packer.empty_one(now + SETTLED_US + 1) == day


async def two_classes(history: PostgresHistory) -> None:
    """Points 1 and 2 on two days, and something later that closes their hours."""
    await history.store([scan(1, T0 + HOUR, [1.0, 2.0]), scan(2, T0 + DAY + HOUR, [3.0, 4.0])])
    await history.store([scan(3, T0 + 9 * DAY, [5.0, 6.0])])
    while await history.recompute():
        pass


async def test_samples_are_let_go_of_by_class_and_their_figures_stay(database_url: str) -> None:
    clock = ManualClock(T0 + 10 * DAY)
    async with history_on(database_url, clock) as history, packer_on(database_url) as (packer, pool):
        await two_classes(history)
        await packed_and_emptied(packer, FIRST, clock.now())
        await packed_and_emptied(packer, date(2026, 7, 2), clock.now())
        retention = Retention(samples=9, samples_of={0: [2]}, minutes=0, quarters=0)
        assert await packer.expire(retention, clock.now()) == 1
        assert [row[:2] for row in await everything(pool)] == [
            (1, T0 + DAY + HOUR),
            (2, T0 + HOUR),
            (2, T0 + DAY + HOUR),
        ]
        hour = await history.intervals(1, Window(T0 + HOUR, T0 + 2 * HOUR), "1h", Aggregation.MEAN, "Asia/Taipei")
        assert hour.value.tolist() == [1.0]
        assert await packer.expire(retention, clock.now()) == 0


@pytest.mark.parametrize("reason", ["hot", "late", "not archived"])
async def test_nothing_is_let_go_of_before_it_is_safe(postgres_url: str, reason: str) -> None:
    clock = ManualClock(T0 + 10 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        await two_classes(history)
        if reason != "hot":
            await packed_and_emptied(packer, FIRST, clock.now())
        if reason == "late":
            await history.store([scan(4, T0 + 2 * HOUR, [7.0, 8.0])])  # its hour waits to be summed up
        before = len(await everything(pool))
        assert await packer.expire(Retention(samples=1, archived=reason == "not archived"), clock.now()) == 0
        assert len(await everything(pool)) == before


async def test_a_sample_that_comes_after_its_day_was_let_go_of_is_kept_and_changes_no_figure(
    postgres_url: str,
) -> None:
    clock = ManualClock(T0 + 10 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        await two_classes(history)
        await packed_and_emptied(packer, FIRST, clock.now())
        await packer.expire(Retention(samples=9, minutes=0, quarters=0), clock.now())
        await history.store([scan(4, T0 + HOUR + MINUTE, [70.0, 80.0])])
        while await history.recompute():
            pass
        assert len([row for row in await everything(pool) if row[1] < T0 + DAY]) == 2
        hour = await history.intervals(1, Window(T0 + HOUR, T0 + 2 * HOUR), "1h", Aggregation.MEAN, "Asia/Taipei")
        assert hour.value.tolist() == [1.0]


async def test_figures_of_minutes_and_quarters_are_let_go_of_before_those_of_hours(postgres_url: str) -> None:
    clock = ManualClock(T0 + 40 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        await two_classes(history)
        await history.store([scan(4, T0 + 39 * DAY, [5.0, 6.0])])
        await packer.expire(Retention(samples=0, minutes=38, quarters=39), clock.now())
        oldest = {
            level: await pool.fetchval(
                f"SELECT (min(bucket) AT TIME ZONE 'UTC')::date FROM rollup_{level}"  # noqa: S608 - of the names below
            )
            for level in ("1m", "15m", "1h")
        }
        assert oldest == {"1m": date(2026, 7, 10), "15m": date(2026, 7, 2), "1h": FIRST}


async def test_what_samples_or_hours_still_tell_is_told_when_minutes_and_quarters_have_gone(postgres_url: str) -> None:
    clock = ManualClock(T0 + 10 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, _pool):
        await two_classes(history)
        await packed_and_emptied(packer, FIRST, clock.now())
        window = Window(T0 + HOUR, T0 + 2 * HOUR)
        asked = ("1m", "15m", "1h")
        before = [await history.intervals(1, window, interval, Aggregation.MEAN, "Asia/Taipei") for interval in asked]
        await packer.expire(Retention(samples=0, minutes=5, quarters=5), clock.now())
        after = [await history.intervals(1, window, interval, Aggregation.MEAN, "Asia/Taipei") for interval in asked]
        for old, new in zip(before, after, strict=True):
            assert new.value.view(np.uint64).tolist() == old.value.view(np.uint64).tolist()
