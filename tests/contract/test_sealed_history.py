"""Whatever history lives through, its seals fit; whatever is done to it afterwards, they do not."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import numpy as np
import pytest
from tests.support.histories import HOUR, SECOND, T0, history_on, logged, scan
from tests.support.manual_clock import ManualClock
from tests.support.records import DAY, made_up_batches, store

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.postgres.cold_packing import ColdPacker
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US, TIME_MIN_US
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.adapters.postgres.verify_samples import seal_check
from cityhall_bms.domain.integrity import RETENTION_STREAM, SamplesLetGo
from cityhall_bms.domain.verification import Checked, Fault, Part, Wrong
from cityhall_bms.historian.importing import import_history
from cityhall_bms.historian.intervals import EPOCH
from cityhall_bms.integrity_jobs import Trusted, check_record
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan

ALL = Window(TIME_MIN_US, TIME_MAX_US)
HISTORY = (Part.CHAINS, Part.SETS, Part.SAMPLES)
NOON = T0 + 12 * HOUR
JULY_1 = Window(T0, T0 + DAY)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def checked(url: str, parts: Sequence[Part] = HISTORY, window: Window = ALL) -> dict[Part, Checked]:
    async with connected(url) as connection:
        found = await check_record(connection, window, Trusted({}, {}), every_rollup=True, parts=parts)
    return {part.part: part for part in found}


def faults(found: dict[Part, Checked]) -> list[Fault]:
    return [part.fault for part in found.values() if part.fault is not None]


@pytest.mark.parametrize("seed", [11, 12])
async def test_the_seals_of_any_history_fit(database_url: str, seed: int) -> None:
    await store(database_url, made_up_batches(seed, 30), random.Random(seed))

    found = await checked(database_url, [*HISTORY, Part.ROLLUPS])

    assert faults(found) == []
    assert found[Part.SAMPLES].count > 100
    assert found[Part.SAMPLES].unproven == 0


async def test_a_transaction_that_fails_leaves_no_seal_and_breaks_no_chain(postgres_url: str) -> None:
    batches = [scan(number, NOON + number * SECOND, [1.0, float(number)]) for number in range(1, 5)]
    async with history_on(postgres_url, ManualClock(NOON + HOUR)) as history, connected(postgres_url) as connection:
        await history.store(batches[:2])
        await connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;"
            "CREATE TRIGGER refuses BEFORE UPDATE ON ingest_position FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
        with pytest.raises(asyncpg.RaiseError):
            await history.store(batches[2:])
        await connection.execute("DROP TRIGGER refuses ON ingest_position")
        after_failure = await connection.fetchval("SELECT count(*) FROM batch_seal")
        await history.store(batches[1:])

    found = await checked(postgres_url)
    assert after_failure == 2
    assert faults(found) == []
    assert found[Part.CHAINS].count == 4


async def test_batches_of_one_time_are_sealed_together(postgres_url: str) -> None:
    async with history_on(postgres_url, ManualClock(NOON + HOUR)) as history:
        await history.store([scan(1, NOON, [1.0, 2.0])])
        for number, source in enumerate(("c2", "c3", "c4"), start=2):
            rows = [] if source == "c3" else [(10 * number, NOON - number, 3.0, 0)]
            await history.store([logged(number, rows, source=source, recorded_at=NOON)])

    assert faults(await checked(postgres_url)) == []
    async with connected(postgres_url) as connection:
        await connection.execute(
            "DELETE FROM scan WHERE point_ids @> '{20}' OR set_id IN "
            "(SELECT set_id FROM point_set WHERE point_ids @> '{20}')"
        )
    (fault,) = faults(await checked(postgres_url, [Part.SAMPLES]))
    assert fault.wrong is Wrong.SAMPLES_MISSING


async def test_history_is_sound_while_it_is_written_and_packed(database_url: str) -> None:
    batches = made_up_batches(13, 30)
    await store(database_url, batches[:5], random.Random(1))

    async def check_again_and_again() -> list[Fault]:
        return [fault for _ in range(6) for fault in faults(await checked(database_url))]

    async def write_and_pack() -> None:
        await store(database_url, batches, random.Random(2))
        await pack(database_url)

    found, _ = await asyncio.gather(check_again_and_again(), write_and_pack())

    assert found == []
    assert faults(await checked(database_url)) == []


async def pack(url: str, *, empty: bool = True) -> None:
    """Bring the first day into the cold form, and give back the room of its scans."""
    pool = await asyncpg.create_pool(url, min_size=0, max_size=1)
    packer, day = ColdPacker(pool), EPOCH.fromtimestamp(T0 / 1e6, EPOCH.tzinfo).date()
    assert await packer.pack(day, T0 + 2 * DAY)
    if empty:
        assert await packer.empty_one(T0 + 3 * DAY) == day
    pool.terminate()


@pytest.mark.parametrize("empty", [False, True], ids=["both forms", "cold"])
async def test_the_seals_fit_in_every_form(database_url: str, empty: bool) -> None:
    await store(database_url, made_up_batches(14, 30), random.Random(14))
    hot = await checked(database_url)
    await pack(database_url, empty=empty)
    cold = await checked(database_url)

    assert faults(cold) == []
    # What is in both forms at a time is read twice.
    assert (cold[Part.SAMPLES].count == hot[Part.SAMPLES].count) is empty


async def test_a_copy_of_a_poll_is_no_fact_more_and_is_found_all_the_same(database_url: str) -> None:
    await store(database_url, made_up_batches(16, 20), random.Random(16))
    async with connected(database_url) as connection:
        await connection.execute("INSERT INTO scan SELECT * FROM scan WHERE set_id IS NOT NULL LIMIT 1")
    (doubled,) = faults(await checked(database_url))
    assert (doubled.wrong, doubled.at is not None) == (Wrong.SAMPLES_DOUBLED, True)


async def test_a_poll_in_a_day_whose_room_was_given_back_is_a_copy(postgres_url: str) -> None:
    await store(postgres_url, made_up_batches(17, 20), random.Random(17))
    async with connected(postgres_url) as connection:
        await connection.execute(
            "INSERT INTO cold_day (day, packed_at, emptied_at) SELECT DISTINCT d.day, now(), now() FROM scan_days() AS d (day)"
        )
    (doubled,) = faults(await checked(postgres_url))
    assert doubled.wrong is Wrong.SAMPLES_DOUBLED


ONE = "point_id = 3 AND set_id <> 0"


async def test_whatever_is_changed_in_the_cold_form_is_noticed(database_url: str) -> None:
    await store(database_url, made_up_batches(15, 30), random.Random(15))
    await pack(database_url)
    found: dict[str, Wrong] = {}
    async with connected(database_url) as connection:
        for statement in (
            f"UPDATE cold_point SET data = (SELECT data FROM cold_point WHERE point_id = 9) WHERE {ONE}",  # noqa: S608
            f"UPDATE cold_point SET data = '\\x00' WHERE {ONE}",  # noqa: S608
            f"UPDATE cold_point SET samples = samples + 1 WHERE {ONE}",  # noqa: S608
            f"UPDATE cold_point SET point_id = 99 WHERE {ONE}",  # noqa: S608
            f"DELETE FROM cold_point WHERE {ONE}",  # noqa: S608
            "DELETE FROM cold_scan WHERE scans = (SELECT max(scans) FROM cold_scan)",
            "DELETE FROM cold_day",
        ):
            transaction = connection.transaction(isolation="repeatable_read")
            await transaction.start()
            assert not (await connection.execute(statement)).endswith(" 0")
            (check,) = await check_record(connection, ALL, Trusted({}, {}), parts=[Part.SAMPLES])
            assert check.fault is not None, statement
            found[statement] = check.fault.wrong
            await transaction.rollback()

    missing, changed, unreadable = Wrong.SAMPLES_MISSING, Wrong.SAMPLES_CHANGED, Wrong.COLD_UNREADABLE
    assert list(found.values()) == [changed, unreadable, unreadable, changed, missing, unreadable, missing]


async def test_a_day_can_be_checked_by_itself(postgres_url: str) -> None:
    await store(postgres_url, made_up_batches(16, 30), random.Random(16))
    async with connected(postgres_url) as connection:
        before = await seal_check(connection, JULY_1)
        await connection.execute("DELETE FROM scan WHERE observed_at >= '2026-07-02'")
        other = await seal_check(connection, JULY_1)
        next_day = await seal_check(connection, Window(JULY_1.end, JULY_1.end + DAY))
        await connection.execute("UPDATE scan SET quality = NULL WHERE quality IS NOT NULL")
        changed = await seal_check(connection, JULY_1)

    assert (before, other) == (None, None)
    assert next_day is not None
    assert next_day.wrong is Wrong.SAMPLES_MISSING
    assert changed is not None
    assert changed.wrong is Wrong.SAMPLES_CHANGED


class QuarterHours:
    """Two days of two points."""

    def __init__(self) -> None:
        edges = tuple(T0 - 8 * HOUR - DAY * day for day in (3, 2, 1))  # midnight in Taipei
        self.plan = ImportPlan("a" * 64, "simulated", HOUR // 4, edges, (np.array([5, 2], np.uint32),))

    def read_day(self, number: int) -> DayOfSamples:
        window = self.plan.day(number)
        at = np.arange(window.start, window.end, self.plan.interval_us)
        value = np.random.default_rng(number).normal(20.0, 5.0, (2, len(at)))
        return DayOfSamples(np.array([2, 5], np.uint32), at, value, np.zeros(value.shape, np.uint8))


async def test_imported_samples_are_sealed_too(database_url: str) -> None:
    clock = ManualClock(T0)
    async with history_on(database_url, clock) as history:
        await history.store([scan(1, T0 - HOUR, [1.0, 2.0])])
        async with PostgresImport.open(database_url, clock, "Asia/Taipei") as file:
            await import_history(QuarterHours(), file, MemoryEventLog(clock))
        await history.store([scan(2, T0, [1.0, 2.0])])
    sound = await checked(database_url, [*HISTORY, Part.ROLLUPS])
    async with connected(database_url) as connection:
        await connection.execute("UPDATE scan SET \"values\"[1] = 7 WHERE observed_at = '2026-06-29 06:00+00'")
    (fault,) = faults(await checked(database_url))

    assert faults(sound) == []
    assert sound[Part.CHAINS].count == 2 + 2 * 96
    assert fault.wrong is Wrong.SAMPLES_CHANGED
    assert fault.place.startswith("import:aaaa")
    assert fault.at == T0 - 42 * HOUR


async def test_samples_from_before_there_were_seals_are_counted_and_not_called_wrong(postgres_url: str) -> None:
    async with history_on(postgres_url, ManualClock(NOON + HOUR)) as history, connected(postgres_url) as connection:
        await history.store([scan(1, NOON, [1.0, 2.0])])
        await connection.execute("ALTER TABLE batch_seal DISABLE TRIGGER USER")
        await connection.execute(
            f"DELETE FROM batch_seal; DELETE FROM batch_chain; UPDATE sealed_since SET recorded_at = {NOON}"  # noqa: S608
        )
    async with history_on(postgres_url, ManualClock(NOON + HOUR)) as history:
        await history.store([scan(2, NOON + SECOND, [1.0, 2.0])])

    found = await checked(postgres_url)
    assert faults(found) == []
    assert found[Part.SAMPLES].unproven == 2


async def test_samples_may_have_gone_only_where_the_event_log_says_so(postgres_url: str) -> None:
    clock = ManualClock(T0 + 20 * DAY)
    async with history_on(postgres_url, clock) as history:
        await history.store([scan(1, NOON, [1.0, 2.0]), scan(2, T0 + 9 * DAY, [3.0, 4.0])])
        while await history.recompute():
            pass
    await pack(postgres_url)
    async with connected(postgres_url) as connection:
        await connection.execute("DELETE FROM cold_point; UPDATE cold_day SET expired_at = now()")
    (stolen,) = faults(await checked(postgres_url))
    async with PostgresEventLog(postgres_url, clock) as events:
        letting_go = SamplesLetGo("2026-07-05", 15, [], archived=False, at=clock.now())
        await events.append([Append(RETENTION_STREAM, [letting_go], "historian")])
    found = await checked(postgres_url)

    assert stolen.wrong is Wrong.SAMPLES_MISSING
    assert faults(found) == []
    assert found[Part.SAMPLES].unproven == 1
