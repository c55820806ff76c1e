"""What screens and reports ask, against the slow way to find it out."""

import math
import random

import numpy as np
import pytest
from tests.support.histories import HOUR, MINUTE, SECOND, T0, Row, history_on, logged
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres.cold_packing import SETTLED_US, ColdPacker
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.demand_days import DemandDays
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_copy import day_of
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import Condition
from cityhall_bms.ports.telemetry_log import LoggedBatch

DAY = 24 * HOUR
ZONE = "Asia/Taipei"
BEGIN = T0 - 8 * HOUR
"""Midnight in Taipei."""
SWITCH, METER, POWER, SILENT = 1, 33, 64, 90


def lived(days: int) -> list[LoggedBatch]:
    """A switch, a meter and a power on their way through some days, with a night of silence."""
    chance = random.Random(9)
    batches: list[LoggedBatch] = []
    counted, on = 1000.0, 0.0
    for number in range(days * 24 * 12):
        at = BEGIN + number * 5 * MINUTE + chance.randrange(MINUTE)
        counted += chance.uniform(0, 4)
        on = 1.0 - on if chance.random() < 0.03 else on
        power = 300.0 + 100 * math.sin(number / 40) + chance.uniform(-60, 60)
        quality = int(Quality.BAD_TIMEOUT) if chance.random() < 0.03 else 0
        if (number // 144) % 5 != 3:
            rows: list[Row] = [(SWITCH, at, on, 0), (METER, at, counted, 0), (POWER, at, power, quality)]
            batches.append(logged(number + 1, rows, recorded_at=at + SECOND))
    return batches


async def settled(history: PostgresHistory, batches: list[LoggedBatch]) -> None:
    for begin in range(0, len(batches), 200):
        await history.store(batches[begin : begin + 200])
    while await history.recompute():
        pass


async def test_many_points_at_once_are_told_as_each_by_itself(database_url: str) -> None:
    window = Window(BEGIN - DAY, BEGIN + 5 * DAY)
    asked = [POWER, SILENT, METER, SWITCH, POWER]
    async with history_on(database_url, ManualClock(BEGIN + 5 * DAY - 7 * HOUR)) as history:
        await settled(history, lived(5))
        for interval, aggregation in (
            ("1mo", Aggregation.DELTA), ("1d", Aggregation.MAX), ("1d", Aggregation.COUNT), ("1h", Aggregation.MEAN),
            ("5m", Aggregation.LAST),
        ):  # fmt: skip
            for known_at in (None, BEGIN + 3 * DAY + HOUR):
                table = await history.queries.intervals_of(asked, window, interval, aggregation, ZONE, known_at)
                for row, point in enumerate(asked):
                    alone = await history.intervals(point, window, interval, aggregation, ZONE, known_at)
                    assert table.at.tolist() == alone.at.tolist()
                    np.testing.assert_array_equal(table.value[row], alone.value)
                    np.testing.assert_array_equal(table.coverage[row], alone.coverage)
        with pytest.raises(RefusedError):
            await history.queries.intervals_of(asked, window, "10s", Aggregation.MEAN, ZONE)


async def test_demand_maxima_are_the_greatest_of_all_quarters(database_url: str) -> None:
    window = Window(BEGIN, BEGIN + 5 * DAY)
    async with history_on(database_url, ManualClock(BEGIN + 5 * DAY)) as history:
        await settled(history, lived(5))
        quarters = await history.intervals(POWER, window, "15m", Aggregation.MEAN, ZONE)
        for interval, begins in (("1d", [BEGIN + day * DAY for day in range(5)]), ("1mo", [BEGIN])):
            found = await history.queries.demand([SILENT, POWER], window, interval, ZONE)
            assert found.at.tolist() == begins
            assert np.isnan(found.value[0]).all()
            for column, (begin, end) in enumerate(zip(begins, [*begins[1:], window.end], strict=True)):
                inside = (quarters.at >= begin) & (quarters.at < end)
                assert found.value[1, column] == np.nanmax(quarters.value[inside])
                place = int(np.flatnonzero(quarters.at == found.when[1, column])[0])
                assert quarters.value[place] == found.value[1, column]
                assert quarters.coverage is not None
                assert found.coverage[1, column] == quarters.coverage[place]
        with pytest.raises(RefusedError):
            await history.queries.demand([POWER], window, "1h", ZONE)


async def test_demand_maxima_that_are_kept_are_those_that_are_searched(database_url: str) -> None:
    window, clock = Window(BEGIN, BEGIN + 5 * DAY), ManualClock(BEGIN + 5 * DAY - HOUR)

    async def maxima() -> list[list[list[list[float]]]]:
        """Of each day, and of all: value, time and coverage."""
        found = [await history.queries.demand([SILENT, POWER, SWITCH], window, each, ZONE) for each in ("1d", "1mo")]
        return [[part.value.tolist(), part.when.tolist(), part.coverage.tolist()] for part in found]

    async def kept() -> list[int]:
        return [row[0] for row in await pool.fetch("SELECT extract(day FROM day)::integer FROM demand_day ORDER BY 1")]

    async with history_on(database_url, clock) as history, await open_pool(database_url) as pool:
        await settled(history, lived(5))
        searched = await maxima()
        # The switch joins those that are kept of a day that comes to be known only later.
        few, more = (DemandDays(pool, clock, ZONE, points) for points in ([SILENT, POWER], [SILENT, POWER, SWITCH]))
        while await few.keep_one() is not None:
            pass
        assert len(await kept()) == 4, "today is not over"
        np.testing.assert_equal(await maxima(), searched)
        late = [logged(9000 + n, [(POWER, BEGIN + 30 * HOUR + n * MINUTE, 900.0, 0)]) for n in range(20)]
        await history.store(late)
        waiting = await maxima()
        [greatest] = waiting[1][0][1]
        assert greatest > 800.0
        await settled(history, [])
        assert len(await kept()) == 3, "what was found in other quarters went with them"
        np.testing.assert_equal(await maxima(), waiting)
        while await more.keep_one() is not None:
            pass
        assert len(await kept()) == 4
        np.testing.assert_equal(await maxima(), waiting)
        then = await history.queries.demand([POWER], window, "1mo", ZONE, known_at=BEGIN + 5 * DAY)
        assert then.value[0, 0] == greatest


async def test_time_in_state_is_that_of_the_samples_wherever_it_comes_from(database_url: str) -> None:
    window = Window(BEGIN, BEGIN + 5 * DAY)
    batches = lived(5)
    async with history_on(database_url, ManualClock(BEGIN + 5 * DAY)) as history:
        await settled(history, batches)
        states = await history.queries.durations(SWITCH, window, "1d", None, ZONE)
        assert states.values == (0.0, 1.0)
        finely = await history.queries.durations(SWITCH, window, "30s", None, ZONE)
        for row in range(2):
            assert states.seconds[row].tolist() == pytest.approx(
                finely.seconds[row].reshape(5, -1).sum(axis=1).tolist()
            )
        on = await history.queries.durations(SWITCH, window, "1d", Condition(states=(1.0,)), ZONE)
        assert on.seconds[0].tolist() == states.seconds[1].tolist()
        assert states.seconds.sum(axis=0).tolist() == pytest.approx((states.coverage * 86_400).tolist())
        high = await history.queries.durations(POWER, window, "1h", Condition(above=350.0), ZONE)
        exactly = await history.queries.durations(POWER, window, "30s", Condition(above=350.0), ZONE)
        with pytest.raises(RefusedError):
            await history.queries.durations(POWER, window, "10s", Condition(above=350.0), ZONE)
        assert high.seconds[0].tolist() == pytest.approx(exactly.seconds[0].reshape(120, -1).sum(axis=1).tolist())
        assert 0 < high.seconds.sum() < 3600 * 120
        with pytest.raises(RefusedError):
            await history.queries.durations(POWER, window, "1d", None, ZONE)


async def test_a_screen_keeps_every_spike(database_url: str) -> None:
    window = Window(BEGIN, BEGIN + 5 * DAY)
    async with history_on(database_url, ManualClock(BEGIN + 5 * DAY)) as history:
        await settled(history, [*lived(5), logged(9999, [(POWER, BEGIN + 30 * HOUR, 5000.0, 0)])])
        samples = await history.samples(POWER, window, 10_000)
        for buckets in (40, 150, 700):
            band = await history.queries.band(POWER, window, buckets, ZONE)
            assert len(band.at) <= buckets
            assert np.nanmax(band.high) == 5000.0
            assert np.nanmin(band.low) == samples.value[samples.quality == 0].min()
            assert np.isnan(band.mean).sum() == (band.coverage == 0.0).sum()
            line = await history.queries.line(POWER, window, buckets, ZONE)
            assert np.isfinite(line.value).sum() <= buckets
            assert np.isnan(line.value).any(), "a night of silence parts the line"
            assert (np.diff(line.at) >= 0).all()
            assert 5000.0 in line.value
        years = await history.queries.line(POWER, Window(BEGIN - 4000 * DAY, window.end), 500, ZONE)
        assert years.interval == "1d"
        assert 5000.0 in years.value
        short = await history.queries.line(METER, Window(BEGIN, BEGIN + HOUR), 500, ZONE)
        assert short.interval == ""
        assert len(short.at) == 12


async def test_the_newest_sample_of_every_point_by_a_time_as_known_then(database_url: str) -> None:
    batches = lived(5)
    late = logged(9999, [(METER, BEGIN + 30 * HOUR, -1.0, 0)], recorded_at=BEGIN + 40 * HOUR)
    chance = logged(10_000, [(SWITCH, BEGIN + 31 * HOUR, 5.0, 0), (70, BEGIN + 31 * HOUR, 8.0, 0)])
    every = [*batches, late, chance]
    rows = [(row[0], row[1], b.batch.recorded_at, row[2], row[3]) for b in every for row in _rows(b)]
    async with history_on(database_url, ManualClock(BEGIN + 5 * DAY)) as history:
        await settled(history, every)
        await assert_standing(history, rows)
        window = Window(BEGIN, BEGIN + 3 * DAY)
        known = [await history.intervals(METER, window, "1h", Aggregation.LAST, ZONE, BEGIN + 35 * HOUR)]
        await pack_all(database_url, BEGIN + 5 * DAY)
        await assert_standing(history, rows)
        known.append(await history.intervals(METER, window, "1h", Aggregation.LAST, ZONE, BEGIN + 35 * HOUR))
        now = await history.intervals(METER, window, "1h", Aggregation.LAST, ZONE)
        np.testing.assert_array_equal(known[0].value, known[1].value)
        assert not np.array_equal(known[1].value, now.value, equal_nan=True), "what came late is not hidden"


async def assert_standing(history: PostgresHistory, rows: list[tuple[int, int, int, float, int]]) -> None:
    for hours in (0.0, 1.0, 30.02, 31.0, 47.0, 90.0, 119.0):
        for known_at in (None, BEGIN + 35 * HOUR):
            at = BEGIN + round(hours * HOUR)
            found = await history.queries.standing(at, known_at)
            expected = {}
            for point, observed, recorded, value, quality in sorted(rows, key=lambda row: row[:3]):
                if at - 31 * DAY < observed <= at and recorded <= (known_at or 10**18):
                    expected[point] = (observed, value, quality)
            columns = (found.at.tolist(), found.value.tolist(), found.quality.tolist())
            assert dict(zip(found.point.tolist(), zip(*columns, strict=True), strict=True)) == expected


async def pack_all(url: str, now: int) -> None:
    """Put every day that is over into the cold form."""
    pool = await open_pool(url)
    try:
        packer = ColdPacker(pool)
        while (day := await packer.next_day(day_of(now))) is not None:
            assert await packer.pack(day, now)
        while await packer.empty_one(now + SETTLED_US + 1) is not None:
            pass
        assert await pool.fetchval("SELECT count(*) FROM cold_point") > 0
    finally:
        pool.terminate()


def _rows(logged_batch: LoggedBatch) -> list[Row]:
    batch = logged_batch.batch
    at = np.repeat(batch.scan_observed_at, batch.scan_length)
    return list(zip(batch.point.tolist(), at.tolist(), batch.value.tolist(), batch.quality.tolist(), strict=True))
