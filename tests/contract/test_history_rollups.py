"""Intervals, from rollups and from samples, against the slow reference; late data, restarts, two databases."""

import math
import random
from collections.abc import Sequence
from itertools import groupby, pairwise

import asyncpg
import numpy as np
import pytest
from tests.support.histories import HOUR, MINUTE, SECOND, T0, Row, history_on, logged
from tests.support.manual_clock import ManualClock
from tests.support.reference_rollup import Heard, figure, reference

from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.history import Aggregation, Series, Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

DAY = 24 * HOUR


def clock_at(at: int) -> ManualClock:
    return ManualClock(at)


def heard(rows: Sequence[Row], point: int) -> list[Heard]:
    chosen = sorted((row for row in rows if row[0] == point), key=lambda row: row[1])
    return [Heard(at, value, quality < 0x40 and math.isfinite(value)) for _, at, value, quality in chosen]


def assert_series(series: Series, rows: Sequence[Row], point: int, end: int, aggregation: Aggregation) -> None:
    samples = heard(rows, point)
    edges = [*series.at.tolist(), end]
    assert series.coverage is not None
    for index, (begin, stop) in enumerate(pairwise(edges)):
        figures = reference(samples, begin, stop)
        expected = figure(figures, aggregation)
        place = f"point {point}, {aggregation}, {(begin - T0) / MINUTE} min"
        assert series.value[index] == pytest.approx(expected, rel=1e-9, abs=1e-7, nan_ok=True), place
        assert series.coverage[index] == pytest.approx(figures.good_us / (stop - begin), abs=1e-9), place
        assert series.quality[index] == (Quality.BAD_NO_DATA if math.isnan(expected) else Quality.GOOD)


async def assert_intervals(history: PostgresHistory, rows: Sequence[Row], window: Window, zone: str) -> None:
    """Every figure of every interval is that of the reference."""
    for point in sorted({row[0] for row in rows}):
        for interval, length in (("10s", 10 * SECOND), ("1m", MINUTE), ("5m", 5 * MINUTE), ("1h", HOUR)):
            if interval == "10s" and window.end - window.start > 12 * HOUR:
                continue
            for aggregation in (Aggregation.MEAN, Aggregation.DELTA):
                series = await history.intervals(point, window, interval, aggregation, zone)
                assert_series(series, rows, point, series.at.tolist()[-1] + length, aggregation)
        for aggregation in Aggregation:
            series = await history.intervals(point, window, "15m", aggregation, zone)
            assert_series(series, rows, point, series.at.tolist()[-1] + 15 * MINUTE, aggregation)


def made_up(seed: int, hours: int, points: int = 3) -> list[Row]:
    """A plausible history: regular polls, some values pushed, some bad, some hours of silence."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for number in range(hours * 60):
        if chance.random() < 0.02 or (number // 40) % 5 == 4:
            continue
        for point in range(1, points + 1):
            at = T0 + number * MINUTE + chance.choice([0, 0, 7 * SECOND, chance.randrange(MINUTE)])
            quality = chance.choice([0] * 12 + [int(Quality.BAD_TIMEOUT), int(Quality.UNCERTAIN_SPIKE)])
            value = math.nan if quality == Quality.BAD_TIMEOUT else chance.choice([20.0, 20.5, chance.uniform(-5, 50)])
            rows.append((point, at, value, quality))
    return rows


def in_batches(rows: Sequence[Row]) -> list[LoggedBatch]:
    """Batches as a collector makes them: what was measured within five seconds, recorded at its end."""
    ordered = sorted(rows, key=lambda row: row[1])
    ticks = [list(group) for _, group in groupby(ordered, key=lambda row: row[1] // (5 * SECOND))]
    return [logged(number, part) for number, part in enumerate(ticks, 1)]


async def store_in_turns(history: PostgresHistory, batches: Sequence[LoggedBatch], size: int) -> None:
    for begin in range(0, len(batches), size):
        await history.store(batches[begin : begin + size])


async def drained(history: PostgresHistory) -> int:
    passes = 0
    while await history.recompute():
        passes += 1
        assert passes < 1000
    return passes


async def rollup_rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All rollup rows, point by point."""
    connection = await asyncpg.connect(url)
    try:
        return {
            level: [
                tuple(repr(value) for value in row)
                for row in await connection.fetch(
                    f"SELECT bucket, block, count, good_us, mean, low, high, start, first, last, fall FROM rollup_{level} ORDER BY 1, 2"  # noqa: S608
                )
            ]
            for level in ("1m", "15m", "1h", "1d")
        }
    finally:
        await connection.close()


async def test_intervals_are_those_of_the_reference_while_buckets_close(database_url: str) -> None:
    rows = made_up(1, hours=5)
    clock = clock_at(T0 + 5 * HOUR)
    async with history_on(database_url, clock) as history:
        await store_in_turns(history, in_batches(rows), 37)
        await assert_intervals(history, rows, Window(T0 - HOUR, T0 + 5 * HOUR), "Asia/Taipei")
    kept = await rollup_rows(database_url)
    assert all(kept[level] for level in ("1m", "15m", "1h")), "no rollups: this test compared samples with samples"


async def test_late_duplicate_and_reordered_data_give_the_same_rollups_as_data_in_order(database_url: str) -> None:
    rows = made_up(2, hours=30)
    batches = in_batches(rows)
    chance = random.Random(3)
    delivered = sorted(batches, key=lambda batch: batch.position + chance.choice([0, 0, 0, 5, 80]))
    end = T0 + 31 * HOUR
    async with history_on(database_url, clock_at(end)) as history:
        await history.store([logged(1, [(4, T0, 1.0, 0)], source="first")])
        for begin in range(0, len(delivered), 70):
            await history.store(delivered[begin : begin + 90])
        await drained(history)
        rows = [*rows, (4, T0, 1.0, 0)]
        window = Window(T0, T0 + 30 * HOUR)
        series = await history.intervals(2, window, "1m", Aggregation.MEAN, "Asia/Taipei")
        assert_series(series, rows, 2, T0 + 30 * HOUR, Aggregation.MEAN)
        for aggregation in Aggregation:
            days = await history.intervals(1, window, "1d", aggregation, "Asia/Taipei")
            assert_series(days, rows, 1, int(days.at[-1]) + DAY, aggregation)
            hours = await history.intervals(3, window, "1h", aggregation, "Asia/Taipei")
            assert_series(hours, rows, 3, int(hours.at[-1]) + HOUR, aggregation)


async def test_rollups_made_live_equal_those_made_again_from_the_scans(database_url: str) -> None:
    rows = made_up(4, hours=30)
    async with history_on(database_url, clock_at(T0 + 31 * HOUR)) as history:
        batches = in_batches(rows)
        for begin in range(0, len(batches), 90):
            await history.store(batches[begin : begin + 90])
            if begin % 450 == 0:  # as after a restart: what was open is made from the scans
                history._writer._memory = None
        assert await drained(history) == 0, "these samples were not late"
        live = await rollup_rows(database_url)
        await mark_everything(database_url)
        assert await drained(history) >= 29
        assert await rollup_rows(database_url) == live
    assert len(live["1d"]) == 1


async def mark_everything(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO rollup_dirty SELECT DISTINCT date_trunc('hour', observed_at), point_id / 32 FROM sample "
            "ON CONFLICT DO NOTHING"
        )
    finally:
        await connection.close()


async def test_an_hour_with_late_samples_is_right_before_and_after_it_is_made_again(database_url: str) -> None:
    rows: list[Row] = [(1, T0 + minute * MINUTE, 10.0, 0) for minute in range(180)]
    late: Row = (1, T0 + 30 * MINUTE + 30 * SECOND, 40.0, 0)
    async with history_on(database_url, clock_at(T0 + 3 * HOUR)) as history:
        await store_in_turns(history, in_batches(rows), 10)
        before = await rollup_rows(database_url)
        await history.store([logged(1000, [late], recorded_at=T0 + 3 * HOUR)])
        for _ in range(2):
            series = await history.intervals(1, Window(T0, T0 + 2 * HOUR), "1h", Aggregation.MEAN, "Asia/Taipei")
            assert series.value.tolist() == [10.25, 10.0]
            passes = await drained(history)
        assert passes == 0
    after = await rollup_rows(database_url)
    changed = [number for number, old in enumerate(before["1m"]) if old != after["1m"][number]]
    assert changed == [30, 31], "only its own minute, and the one that begins with its value, may change"


async def test_a_sample_from_a_clock_that_runs_ahead_waits_for_its_time(database_url: str) -> None:
    rows: list[Row] = [(1, T0 + minute * MINUTE, 10.0, 0) for minute in range(300)]
    early: Row = (1, T0 + 200 * MINUTE + 30 * SECOND, 70.0, 0)
    async with history_on(database_url, clock_at(T0 + 5 * HOUR)) as history:
        await history.store([logged(1, [early], source="ahead", recorded_at=T0)])
        await store_in_turns(history, in_batches(rows), 10)
        await drained(history)
        await assert_intervals(history, [*rows, early], Window(T0, T0 + 5 * HOUR), "Asia/Taipei")


async def test_a_collector_whose_clock_runs_ahead_closes_nothing_early(database_url: str) -> None:
    async with history_on(database_url, clock_at(T0 + 2 * MINUTE)) as history:
        await history.store([logged(1, [(1, T0, 1.0, 0)], recorded_at=T0 + 1000 * DAY)])
        await history.store([logged(2, [(1, T0 + MINUTE + 59 * SECOND, 3.0, 0)], recorded_at=T0 + 1000 * DAY)])
        series = await history.intervals(1, Window(T0, T0 + 2 * MINUTE), "1m", Aggregation.LAST, "Asia/Taipei")
    assert series.value.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
async def test_days_of_23_and_25_hours_are_summed_whole(database_url: str, day: str, hours: int) -> None:
    begin = int(np.datetime64(day, "us").astype(np.int64)) - (1 if hours == 23 else 2) * HOUR
    rows: list[Row] = [(1, begin + minute * 10 * MINUTE, float(minute), 0) for minute in range(-6, hours * 6 + 12)]
    async with history_on(database_url, clock_at(begin + 2 * DAY), "Europe/Berlin") as history:
        await store_in_turns(history, in_batches(rows), 6)
        window = Window(begin, begin + hours * HOUR)
        for aggregation, value in ((Aggregation.COUNT, hours * 6), (Aggregation.DELTA, hours * 6)):
            series = await history.intervals(1, window, "1d", aggregation, "Europe/Berlin")
            assert (series.at.tolist(), series.value.tolist()) == ([begin], [float(value)])
            assert series.coverage is not None
            assert series.coverage.tolist() == [1.0]
        by_hour = await history.intervals(1, window, "1h", Aggregation.COUNT, "Europe/Berlin")
        assert by_hour.value.tolist() == [6.0] * hours
        elsewhere = await history.intervals(1, window, "1d", Aggregation.COUNT, "Asia/Kathmandu")
        assert len(elsewhere.value) == 2
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT max(good_us[2]) FROM rollup_1d") == hours * HOUR
    finally:
        await connection.close()


async def test_a_changed_time_zone_makes_the_days_anew(database_url: str) -> None:
    rows: list[Row] = [(1, T0 + minute * 10 * MINUTE, 1.0, 0) for minute in range(6 * 80)]
    clock = clock_at(T0 + 4 * DAY)
    async with history_on(database_url, clock, "Asia/Taipei") as history:
        await store_in_turns(history, in_batches(rows), 60)
    async with history_on(database_url, clock, "Asia/Kathmandu") as history:
        await history.store([logged(1000, [(2, T0 + 80 * HOUR, 1.0, 0)])])
        begin = T0 + 18 * HOUR + 15 * MINUTE
        series = await history.intervals(1, Window(begin, begin + 2 * DAY), "1d", Aggregation.COUNT, "Asia/Kathmandu")
        assert (series.at.tolist(), series.value.tolist()) == ([begin, begin + DAY], [144.0, 144.0])
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM rollup_1d") == 3
    finally:
        await connection.close()


async def scanned_every(url: str, point: int, scan_s: float) -> None:
    """A point in the registry, as a site describes it."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO point (point_id, name, in_service, fingerprint, description) "
            "VALUES ($1, 'p' || $1::integer, true, '', jsonb_build_object('scan_s', $2::float8))",
            point,
            scan_s,
        )
    finally:
        await connection.close()


async def test_a_point_that_is_scanned_every_quarter_of_an_hour_is_covered_whole(database_url: str) -> None:
    # The scans of a slow point, each a little late, beside a fast one.
    late = [0, 20, 5, 40, 10]
    slow: list[Row] = [(1, T0 + n * 15 * MINUTE + late[n % 5] * SECOND, float(n), 0) for n in range(24)]
    fast: list[Row] = [(2, T0 + n * MINUTE, 1.0, 0) for n in range(6 * 60)]
    clock = clock_at(T0 + 6 * HOUR)
    async with history_on(database_url, clock) as history:
        await scanned_every(database_url, 1, 900.0)
        await scanned_every(database_url, 2, 60.0)
        batches = in_batches([*slow, *fast])
        for begin in range(0, len(batches), 50):
            await history.store(batches[begin : begin + 50])
            history._writer._memory = None  # as after a restart: what still stands is read back
        window = Window(T0 + HOUR, T0 + 5 * HOUR)
        for interval in ("10s", "1m", "15m", "1h"):
            for point in (1, 2):
                series = await history.intervals(point, window, interval, Aggregation.MEAN, "Asia/Taipei")
                assert series.coverage is not None
                assert series.coverage.min() == 1.0, (interval, point)
        hours = await history.intervals(1, window, "1h", Aggregation.DELTA, "Asia/Taipei")
        assert hours.value.tolist() == [4.0] * 4
        await drained(history)
    live = await rollup_rows(database_url)
    async with history_on(database_url, clock) as history:
        await mark_everything(database_url)
        await drained(history)
    assert await rollup_rows(database_url) == live


async def test_after_a_night_of_silence_the_first_samples_are_not_late(database_url: str) -> None:
    rows: list[Row] = [(1, T0 + hour * HOUR + s * SECOND, 1.0, 0) for hour in (0, 12) for s in range(0, 3600, 30)]
    async with history_on(database_url, clock_at(T0 + 13 * HOUR)) as history:
        await store_in_turns(history, in_batches(rows), 10)
        assert await drained(history) == 0
        await assert_intervals(history, rows, Window(T0, T0 + 13 * HOUR), "Asia/Taipei")
