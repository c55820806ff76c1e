"""What every history store must do, on PostgreSQL and on TimescaleDB."""

import asyncio
import math

import asyncpg
import numpy as np
import pytest
from tests.support.histories import HOUR, MINUTE, SECOND, T0, history_on, logged, scan
from tests.support.manual_clock import ManualClock

from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.errors import HistoryUnavailableError, RefusedError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

ALL = Window(T0 - 400 * 24 * HOUR, T0 + 400 * 24 * HOUR)


async def count(url: str, table: str = "sample") -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - a test's own name
    finally:
        await connection.close()


async def test_a_new_history_is_empty(database_url: str) -> None:
    async with history_on(database_url) as history:
        progress = await history.progress()
        assert (progress.position, dict(progress.sources)) == (0, {})
        assert len((await history.latest()).point) == 0
        assert len((await history.samples(1, ALL, 10)).at) == 0
        series = await history.intervals(1, Window(T0, T0 + HOUR), "15m", Aggregation.MEAN, "Asia/Taipei")
        assert series.at.tolist() == [T0 + quarter * 15 * MINUTE for quarter in range(4)]
        assert np.isnan(series.value).all()
        assert series.coverage is not None
        assert series.coverage.tolist() == [0.0] * 4


async def test_samples_come_back_as_they_were_measured(database_url: str) -> None:
    async with history_on(database_url) as history:
        await history.store(
            [
                scan(1, T0, [20.5, 0.1, -3.0]),
                logged(2, [(2, T0 + SECOND, math.nan, Quality.BAD_TIMEOUT), (3, T0 + SECOND, 7.0, 0)]),
                logged(3, [(2, T0 + 2 * SECOND + 1, 0.3, Quality.UNCERTAIN_STALE)]),
                logged(4, [(2, T0 + 3 * SECOND, 0.4, 0), (9, T0 + 4 * SECOND, 1.0, 0)]),
            ]
        )
        series = await history.samples(2, ALL, 10)
    assert series.at.tolist() == [T0, T0 + SECOND, T0 + 2 * SECOND + 1, T0 + 3 * SECOND]
    assert [value for value in series.value.tolist() if not math.isnan(value)] == [0.1, 0.3, 0.4]
    assert math.isnan(series.value[1])
    assert series.quality.tolist() == [0, Quality.BAD_TIMEOUT, Quality.UNCERTAIN_STALE, 0]


async def test_a_window_includes_its_begin_and_excludes_its_end(database_url: str) -> None:
    async with history_on(database_url) as history:
        await history.store([scan(number, T0 + number * SECOND, [float(number), 0.0]) for number in range(1, 6)])
        series = await history.samples(1, Window(T0 + 2 * SECOND, T0 + 4 * SECOND), 10)
        assert series.value.tolist() == [2.0, 3.0]
        assert (await history.samples(1, ALL, 2)).value.tolist() == [1.0, 2.0]


async def test_chance_selections_keep_their_points(database_url: str) -> None:
    ad_hoc = SampleBatch(
        "c1",
        1,
        1,
        T0,
        scan_set=np.array([0, 0]),
        scan_observed_at=np.array([T0, T0 + 5]),
        scan_length=np.array([3, 2], np.uint32),
        point=np.array([7, 3, 9, 3, 8], np.uint32),
        value=np.array([0.7, 0.3, 0.9, 0.31, 0.8]),
        quality=np.array([0, 0, 128, 0, 0], np.uint8),
    )
    async with history_on(database_url) as history:
        await history.store([LoggedBatch(1, ad_hoc)])
        assert (await history.samples(3, ALL, 10)).value.tolist() == [0.3, 0.31]
        assert (await history.samples(9, ALL, 10)).quality.tolist() == [128]
        assert (await history.samples(8, ALL, 10)).value.tolist() == [0.8]
    assert await count(database_url) == 5


async def test_a_scan_that_claims_another_set_is_read_by_its_own_points(database_url: str) -> None:
    honest = scan(1, T0, [1.0, 2.0]).batch
    liar = SampleBatch(
        "c1",
        1,
        2,
        T0 + SECOND,
        honest.scan_set,
        np.array([T0 + SECOND]),
        honest.scan_length,
        np.array([5, 6], np.uint32),
        np.array([50.0, 60.0]),
        honest.quality,
    )
    async with history_on(database_url) as history:
        await history.store([LoggedBatch(1, honest)])
        await history.store([LoggedBatch(2, liar)])
        assert (await history.samples(1, ALL, 10)).value.tolist() == [1.0]
        assert (await history.samples(5, ALL, 10)).value.tolist() == [50.0]


async def test_progress_names_the_last_batch_of_every_source(database_url: str) -> None:
    async with history_on(database_url) as history:
        await history.store(
            [
                LoggedBatch(41, logged(5, [(1, T0, 1.0, 0)], source="a", epoch=7).batch),
                LoggedBatch(42, logged(3, [(2, T0, 1.0, 0)], source="b", epoch=9).batch),
            ]
        )
        progress = await history.progress()
    assert progress.position == 42
    assert dict(progress.sources) == {"a": (7, 5), "b": (9, 3)}


async def test_a_batch_delivered_again_changes_nothing(database_url: str) -> None:
    batches = [scan(number, T0 + number * SECOND, [1.0, 2.0, 3.0]) for number in range(1, 6)]
    async with history_on(database_url) as history:
        await history.store(batches)
        await history.store(batches)
        await history.store([*batches[3:], scan(6, T0 + 6 * SECOND, [1.0, 2.0, 3.0]), *batches[:2]])
    async with history_on(database_url) as history:
        await history.store(batches)
        assert history.samples_stored == 0
    assert await count(database_url) == 18


async def test_batches_in_any_order_are_each_stored_once(database_url: str) -> None:
    batches = [scan(number, T0 + number * SECOND, [float(number)]) for number in range(1, 10)]
    async with history_on(database_url) as history:
        for number in (4, 0, 2, 8, 1, 2, 3, 7, 6, 5, 0):
            await history.store([batches[number]])
        series = await history.samples(1, ALL, 100)
        assert await history.gap_due(T0 + 10**12) is None
    # The first batch ever seen was the fourth: what came before it is before this history, and is not asked for.
    assert series.value.tolist() == [5.0, 6.0, 7.0, 8.0, 9.0]


async def test_a_hole_in_the_sequence_is_a_gap_until_it_is_filled(database_url: str) -> None:
    clock = ManualClock()
    async with history_on(database_url, clock) as history:
        await history.store([scan(1, T0, [1.0])])
        await history.store([scan(6, T0 + 6 * SECOND, [6.0])])
        gap = await history.gap_due(clock.now())
        assert gap is not None
        assert (gap.source, gap.epoch, gap.first, gap.last, gap.reported) == ("c1", 1, 2, 5, 0)
        await history.store([scan(3, T0 + 3 * SECOND, [3.0])])
        gap = await history.gap_due(clock.now())
        assert gap is not None
        assert (gap.first, gap.last) == (2, 2)
        await history.gap_reported(gap)
        gap = await history.gap_due(clock.now())
        assert gap is not None
        assert (gap.first, gap.last, gap.reported) == (4, 5, 1)
        await history.store([scan(number, T0 + number * SECOND, [float(number)]) for number in (2, 4, 5)])
        assert await history.gap_due(clock.now()) is None
        assert (await history.samples(1, ALL, 10)).value.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


async def test_a_new_run_of_a_collector_begins_anew(database_url: str) -> None:
    async with history_on(database_url) as history:
        await history.store([logged(9, [(1, T0, 1.0, 0)], epoch=1)])
        await history.store([logged(1, [(1, T0 + 1, 2.0, 0)], epoch=2)])
        await history.store([logged(9, [(1, T0, 1.0, 0)], epoch=1), logged(2, [(1, T0 + 2, 3.0, 0)], epoch=2)])
        assert (await history.samples(1, ALL, 10)).value.tolist() == [1.0, 2.0, 3.0]
        assert dict((await history.progress()).sources) == {"c1": (2, 2)}


async def test_latest_is_the_newest_measured_and_a_late_sample_does_not_replace_it(database_url: str) -> None:
    async with history_on(database_url) as history:
        await history.store([scan(1, T0 + MINUTE, [1.0, 2.0]), logged(2, [(300, T0, 9.0, 0)])])
        await history.store([logged(3, [(1, T0, 0.5, 0), (2, T0 + 2 * MINUTE, math.nan, Quality.BAD_DEVICE_LOST)])])
        latest = await history.latest()
    async with history_on(database_url) as history:
        await history.store([logged(4, [(1, T0 + 30 * SECOND, 0.6, 0)])])
        again = await history.latest()
    assert (latest.position, again.position) == (3, 4)
    for table in (latest, again):
        assert table.point.tolist() == [1, 2, 300]
        assert table.at.tolist() == [T0 + MINUTE, T0 + 2 * MINUTE, T0]
        assert table.quality.tolist() == [0, Quality.BAD_DEVICE_LOST, 0]
        assert table.value[[0, 2]].tolist() == [1.0, 9.0]
        assert math.isnan(table.value[1])


async def test_samples_of_any_day_find_room(database_url: str) -> None:
    days = [-9_000, -400, -1, 0, 1, 200]
    moments = [T0 + day * 24 * HOUR for day in days] + [0, -(2**63), 2**63 - 1, 4_200_000_000_000_000]
    async with history_on(database_url) as history:
        await history.prepare(3)
        await history.store([logged(number + 1, [(1, at, float(number), 0)]) for number, at in enumerate(moments)])
        whole = await history.samples(1, Window(-(2**63), 2**63 - 1), 100)
    assert await count(database_url) == len(moments)
    assert sorted(whole.value.tolist()) == [float(number) for number in range(len(moments))]


async def test_a_batch_without_samples_moves_the_progress(database_url: str) -> None:
    async with history_on(database_url) as history:
        await history.store([logged(1, [])])
        assert (await history.progress()).position == 1


async def test_a_second_historian_does_not_double_anything(database_url: str) -> None:
    batches = [scan(number, T0 + number * SECOND, [float(number), 0.0]) for number in range(1, 40)]
    async with history_on(database_url) as first, history_on(database_url) as second:
        for number in range(0, 39, 3):
            await asyncio.gather(first.store(batches[number : number + 6]), second.store(batches[number : number + 5]))
        assert first.samples_stored + second.samples_stored == 78
        assert (await second.latest()).value.tolist() == [39.0, 0.0]
    assert await count(database_url) == 78


async def test_a_connection_killed_while_storing_neither_loses_nor_doubles(database_url: str) -> None:
    batches = [scan(number, T0 + number * SECOND, [float(number)] * 50) for number in range(1, 201)]
    failures = 0
    async with history_on(database_url) as history:
        killer = await asyncpg.connect(database_url)
        try:
            for begin in range(0, 200, 10):
                async with asyncio.TaskGroup() as tasks:
                    storing = tasks.create_task(attempt(history.store(batches[begin : begin + 10])))
                    tasks.create_task(kill_others(killer, after_s=0.0007 * (begin % 70)))
                failures += not storing.result()
                while not storing.result() and not await attempt(history.store(batches[begin : begin + 10])):
                    pass
        finally:
            await killer.close()
        # A connection that was cut off while the pool held it may still answer once with an outage.
        while not await attempt(history.progress()):
            pass
        assert (await history.samples(1, ALL, 1000)).value.tolist() == [float(number) for number in range(1, 201)]
    assert await count(database_url) == 10_000
    assert failures, "no store was hit: this test tests nothing"


async def attempt(storing: object) -> bool:
    try:
        await storing  # type: ignore[misc]
    except HistoryUnavailableError:
        return False
    return True


async def kill_others(connection: asyncpg.Connection, after_s: float) -> None:
    await asyncio.sleep(after_s)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )


async def test_an_unknown_interval_is_refused(database_url: str) -> None:
    async with history_on(database_url) as history:
        for interval in ("7m", "5h", "", "x", "0s", "1w"):
            with pytest.raises(RefusedError):
                await history.intervals(1, Window(T0, T0 + HOUR), interval, Aggregation.MEAN, "Asia/Taipei")


async def test_an_absent_database_is_an_outage() -> None:
    from cityhall_bms.adapters.postgres.history import PostgresHistory

    async with PostgresHistory.open("postgresql://bms@127.0.0.1:1/none", ManualClock(), "Asia/Taipei") as history:
        with pytest.raises(HistoryUnavailableError):
            await history.progress()
        with pytest.raises(HistoryUnavailableError):
            await history.store([scan(1, T0, [1.0])])
