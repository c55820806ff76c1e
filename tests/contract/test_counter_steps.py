"""Counters, late data and restatements on both databases; pains 22 to 24 of those we answer."""

import json
import math
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import numpy as np
import pytest
from tests.support.histories import HOUR, MINUTE, T0, Row, history_on, logged
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.counter_record import PostgresCounterRecord
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.counters_projection import CountersProjection
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.adapters.postgres.recounting import PostgresRecount
from cityhall_bms.domain.counters import StepState
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.site import Encoding, Point, PointKind, Site, Text
from cityhall_bms.historian.counter_teller import CounterTeller
from cityhall_bms.historian.importing import import_history
from cityhall_bms.historian.meter_desk import CounterDesk
from cityhall_bms.ports.counters import Estimate, RestatementExport, RestatementFilter
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan

pytestmark = pytest.mark.asyncio(loop_scope="session")

METER, POWER, WATER, ROOM = 1, 2, 3, 40
"""The room's temperature lies in a block of its own."""
NAMES = {METER: "TCH.B2.CN.EM01.kWh", POWER: "TCH.B2.CN.EM01.kW", WATER: "TCH.B2.CN.WM01.Vol", ROOM: "TCH.01.N.IAQ01.T"}
DAY_BEGIN = T0 + 16 * HOUR
"""Midnight in Taipei."""
FLOAT = {"type": "float32", "scale": 1.0}
POINTS: dict[int, dict[str, object]] = {
    METER: {"equipment": "EM01", "kind": "CI", "unit": "kWh", "encoding": FLOAT, "rollover": 1000.0},
    POWER: {"equipment": "EM01", "kind": "AI", "unit": "kW", "low": 0.0, "high": 60.0, "encoding": FLOAT},
    WATER: {"equipment": "WM01", "kind": "CI", "unit": "m³", "encoding": FLOAT},
    ROOM: {"equipment": "IAQ01", "kind": "AI", "unit": "°C", "encoding": FLOAT},
}

STANDING = (
    "SELECT point_id, at, before, kind, state, correction FROM counter_step WHERE known_until IS NULL ORDER BY at"
)


async def describe_points(url: str) -> None:
    connection = await asyncpg.connect(url)
    rows = [(number, NAMES[number], "-", json.dumps(point | {"scan_s": 60.0})) for number, point in POINTS.items()]
    await connection.executemany("INSERT INTO point VALUES ($1, $2, true, $3, $4)", rows)
    await connection.close()


@asynccontextmanager
async def meters_on(url: str, clock: ManualClock) -> AsyncIterator[PostgresHistory]:
    async with history_on(url, clock) as history:
        await describe_points(url)
        yield history


class Plant:
    """Polls a minute apart; the clock goes with them, so that buckets close behind them."""

    def __init__(self, history: PostgresHistory, clock: ManualClock) -> None:
        self._history, self._clock = history, clock
        self._sequence = 0

    async def poll(self, *rows: Row) -> None:
        await self.deliver(rows, rows[0][1])

    async def deliver(self, rows: Sequence[Row], at: int) -> None:
        """Samples that come at a time, whenever they were measured."""
        self._sequence += 1
        if at > self._clock.now():
            await self._clock.advance((at - self._clock.now()) / 1e6)
        await self._history.store([logged(self._sequence, rows, recorded_at=at)])

    async def settle(self) -> None:
        while await self._history.recompute():
            pass


async def delta(history: PostgresHistory, point: int, window: Window, interval: str = "1h") -> list[float]:
    series = await history.intervals(point, window, interval, Aggregation.DELTA, "Asia/Taipei")
    return [round(value, 6) for value in series.value.tolist()]


async def fetch(url: str, query: str, *arguments: object) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def test_pain_24_no_rollover_reset_or_glitch_gives_a_negative_or_huge_figure(database_url: str) -> None:
    clock = ManualClock(T0)
    async with meters_on(database_url, clock) as history:
        plant = Plant(history, clock)
        consumed = 0.0
        for minute in range(181):
            consumed += 0.5
            reading = (990.0 + consumed) % 1000.0  # rolls over in the first hour
            if minute > 100:
                reading = consumed - 50.5  # was reset in the second
            water = 0.0 if minute in {70, 71} else 300.0 + minute
            await plant.poll((METER, T0 + minute * MINUTE, reading, 0), (WATER, T0 + minute * MINUTE, water, 0))

        hours = Window(T0, T0 + 3 * HOUR)
        assert await delta(history, METER, hours) == [29.5, 30.0, 30.0]
        assert await delta(history, WATER, hours) == [59.0, 60.0, 60.0]
        assert await delta(history, METER, Window(T0 + 3 * HOUR - MINUTE, T0 + 3 * HOUR + MINUTE), "1m") == [0.5, 0.5]
        kinds = await fetch(
            database_url, "SELECT point_id, kind, state FROM counter_step ORDER BY point_id, at, known_from"
        )
        standing = await fetch(
            database_url, "SELECT kind FROM counter_step WHERE known_until IS NULL ORDER BY point_id, at"
        )
    assert [row["kind"] for row in standing] == ["rollover", "reset", "glitch", "glitch", "return"]
    assert {row["state"] for row in kinds} == {"pending", "settled"}


async def everything_but(url: str, block: int, hour: int) -> list[dict[str, Any]]:
    """Rows of all rollups of the first day, except those of one block and hour, and of the day of that block."""
    rows: list[dict[str, Any]] = []
    for level in ("1m", "15m", "1h", "1d"):
        rows += await fetch(
            url,
            f"SELECT '{level}' AS level, md5(r::text) AS digest FROM rollup_{level} r "  # noqa: S608 - of four names
            "WHERE NOT (block = $1 AND ($2 = '1d' OR bucket >= to_timestamp($3) AND bucket < to_timestamp($3 + 3600))) "
            "AND bucket < to_timestamp($4) ORDER BY block, bucket",
            block,
            level,
            float(hour // 1_000_000),
            float(DAY_BEGIN // 1_000_000),
        )
    return rows


async def test_pain_22_late_data_recompute_what_they_touch_and_are_told_old_new_and_why(database_url: str) -> None:
    clock = ManualClock(T0)
    async with meters_on(database_url, clock) as history:
        plant = Plant(history, clock)
        late: list[Row] = []
        for minute in range(120):
            meter: Row = (METER, T0 + minute * MINUTE, 100.0 + minute / 2, 0)
            if 20 <= minute < 50:
                late.append(meter)
                await plant.poll((ROOM, T0 + minute * MINUTE, 20.0 + minute % 3, 0))
            else:
                await plant.poll(meter, (ROOM, T0 + minute * MINUTE, 20.0 + minute % 3, 0))
        await plant.deliver([(ROOM, DAY_BEGIN + HOUR, 21.0, 0)], DAY_BEGIN + HOUR)  # the first day is over
        await plant.settle()
        before = await everything_but(database_url, METER // 32, T0)
        assert await fetch(database_url, "SELECT FROM restatement") == []

        await plant.deliver(late, DAY_BEGIN + 2 * HOUR)
        await plant.settle()

        assert await everything_but(database_url, METER // 32, T0) == before
        told = await fetch(database_url, "SELECT * FROM restatement ORDER BY level DESC, id")
        assert [(row["level"], row["point_id"], row["why"]) for row in told] == [
            ("1h", METER, "late_data"),
            ("1d", METER, "late_data"),
        ]
        hour, day = told
        assert (hour["bucket"], hour["bucket_end"]) == (T0, T0 + HOUR)
        assert (hour["old_count"], hour["new_count"]) == (30, 60)
        assert (hour["old_delta"], hour["new_delta"]) == (29.5, 29.5)
        assert hour["new_good_us"] == HOUR > hour["old_good_us"]
        assert (day["bucket"], day["bucket_end"]) == (DAY_BEGIN - 24 * HOUR, DAY_BEGIN)
        assert (day["old_count"], day["new_count"]) == (90, 120)

        # The same samples once more change nothing, and nothing is told.
        await plant.deliver(late, DAY_BEGIN + 3 * HOUR)
        await plant.settle()
        assert len(await fetch(database_url, "SELECT FROM restatement")) == 2


async def test_pain_22_a_rollover_in_late_data_is_told_once_and_never_as_what_stood_before(postgres_url: str) -> None:
    """One batch brings what was late for a day that is over, rollover and all, and what is new."""
    clock = ManualClock(T0)
    async with meters_on(postgres_url, clock) as history:
        plant = Plant(history, clock)

        def reading(minute: int) -> Row:
            register = 0.0 if minute == 1 else (990.0 + (minute + 52) / 5) % 1000.0  # a glitch, so that it is looked at
            return METER, DAY_BEGIN + minute * MINUTE, register, 0

        for minute in range(-60, -12):
            await plant.poll(reading(minute), (ROOM, DAY_BEGIN + minute * MINUTE, 20.0, 0))
        # The collector's line is cut; the day ends with what others say.
        for minute in range(-12, 2):
            await plant.poll((ROOM, DAY_BEGIN + minute * MINUTE, 20.0, 0))
        late = [reading(minute) for minute in range(-12, 2)]
        assert late[10][2] < late[9][2], "it rolls over two minutes before midnight"
        await plant.deliver(late, DAY_BEGIN + MINUTE + MINUTE // 2)
        for minute in range(2, 8):
            await plant.poll(reading(minute))
        await plant.settle()

        told = await fetch(postgres_url, "SELECT * FROM restatement ORDER BY id")
        shown = [(row["why"], row["level"], row["old_delta"], row["new_delta"]) for row in told]
        hour = await delta(history, METER, Window(DAY_BEGIN - HOUR, DAY_BEGIN))
    assert hour == [11.8]
    assert shown == [("late_data", "1h", pytest.approx(9.4), pytest.approx(11.8)),
                     ("late_data", "1d", pytest.approx(9.4), pytest.approx(11.8))]  # fmt: skip


async def test_what_is_late_for_an_hour_that_is_open_is_no_restatement(postgres_url: str) -> None:
    clock = ManualClock(T0)
    async with meters_on(postgres_url, clock) as history:
        plant = Plant(history, clock)
        for minute in (0, 1, 2, 3, 30):
            await plant.poll((METER, T0 + minute * MINUTE, 100.0 + minute, 0))
        await plant.deliver([(METER, T0 + 10 * MINUTE, 110.0, 0)], T0 + 31 * MINUTE)
        for minute in (59, 62, 65):
            await plant.poll((METER, T0 + minute * MINUTE, 100.0 + minute, 0))
        await plant.settle()

        assert await fetch(postgres_url, "SELECT FROM restatement") == []
        counts = await history.intervals(METER, Window(T0, T0 + HOUR), "1h", Aggregation.COUNT, "Asia/Taipei")
        assert counts.value.tolist() == [7.0]


def small_site() -> Site:
    point = Point(
        name=NAMES[METER], text=Text("用電量", "Energy"), equipment="TCH.B2.CN.EM01", role="kWh", kind=PointKind.CI,
        unit="kWh", device="em-1", address="holding:1", encoding=Encoding("float32"), low=None, high=None, scan_s=60.0,
    )  # fmt: skip
    return Site("TCH", Text("市府", "City hall"), "Asia/Taipei", True, (), (), {}, {}, {point.name: point})


async def test_pain_24_quarantine_rings_waits_for_a_decision_and_restates_by_it(database_url: str) -> None:
    clock = ManualClock(T0)
    async with meters_on(database_url, clock) as history, PostgresEventLog(database_url, clock) as events:
        pool = await open_pool(database_url)
        plant, view = Plant(history, clock), PostgresCounterView(pool, clock, "Asia/Taipei")
        desk = CounterDesk(events, view, clock)
        teller = CounterTeller(PostgresCounterRecord(pool), small_site(), events, clock)

        async def said() -> None:
            """What the projector does, and the historian after it."""
            async with pool.acquire() as connection, connection.transaction():
                await CountersProjection().apply(connection, await events.read(0))
            await plant.settle()

        for minute in range(130):
            await plant.poll((METER, T0 + minute * MINUTE, minute / 2 + (400.0 if minute > 10 else 0.0), 0))
        first = Window(T0, T0 + HOUR)
        assert await delta(history, METER, first) == [29.0]
        [step] = await view.waiting(10)
        assert (step.state, step.at, step.counted) == (StepState.QUARANTINED, T0 + 11 * MINUTE, 0.0)

        await clock.advance(60)
        await teller.tell()
        await teller.tell()
        notices = [entry.payload for entry in await events.read(0, stream="device/em-1")]
        assert [(notice["to_state"], notice["address"]) for notice in notices] == [("quarantined", "holding:1")]

        with pytest.raises(NotFoundError):
            await desk.decide(NAMES[METER], METER, at=T0, decision="accept", reason="", by="王小明")
        await desk.decide(NAMES[METER], METER, at=step.at, decision="accept", reason="夜間加班", by="王小明")
        await said()
        assert await delta(history, METER, first) == [429.5]
        await desk.decide(NAMES[METER], METER, at=step.at, decision="reject", reason="誤按", by="王小明")
        await said()
        assert await delta(history, METER, first) == [29.0]
        await desk.exchange(NAMES[METER], at=step.at, last_old=5.5, first_new=405.0, reason="換表", by="李小華")
        await said()
        assert await delta(history, METER, first) == [29.5 + 0.5]
        known = clock.now() - 1  # before anything was said
        then = await history.intervals(METER, first, "1h", Aggregation.DELTA, "Asia/Taipei", known)
        assert then.value.tolist() == [29.0]

        await teller.tell()
        await teller.tell()
        restated = [entry.payload for entry in await events.read(0, stream="restatements")]
        assert [(one["why"], one["hours"], one["names"]) for one in restated] == [("decision", 3, [NAMES[METER]])]
        assert await events.read(0, stream="device/em-1")
        rows = await view.restatements(RestatementFilter(METER), 10, None)
        assert [(row.old.delta, row.new.delta) for row in rows] == [(29.0, 30.0), (429.5, 29.0), (29.0, 429.5)]
        text = b"".join([chunk async for chunk in view.restatements_csv(_export())]).decode("utf-8-sig")
        assert text.splitlines()[1].split(",")[2:6] == ["人員決定", NAMES[METER], "kWh", "1h"]
        pool.terminate()


def _export() -> RestatementExport:
    return RestatementExport(RestatementFilter(METER), NAMES, {METER: "kWh"}, "Asia/Taipei")


async def test_pain_23_a_silence_is_missing_and_its_catch_up_is_spread_only_on_request(database_url: str) -> None:
    clock = ManualClock(T0)
    async with meters_on(database_url, clock) as history:
        pool = await open_pool(database_url)
        plant, view = Plant(history, clock), PostgresCounterView(pool, clock, "Asia/Taipei")
        for minute in [*range(91), *range(270, 301)]:  # silent from 01:30 to 04:30
            await plant.poll((METER, T0 + minute * MINUTE, 100.0 + minute / 2, 0))
        hours = Window(T0, T0 + 5 * HOUR)

        measured = await view.consumption(METER, hours, "1h", Estimate.NONE, "Asia/Taipei")
        spread = await view.consumption(METER, hours, "1h", Estimate.LINEAR, "Asia/Taipei")
        shaped = await view.consumption(METER, hours, "1h", Estimate.WEEK_BEFORE, "Asia/Taipei")
        pool.terminate()

    assert measured.value.tolist() == pytest.approx([29.5, 15.5, math.nan, math.nan, 14.5], nan_ok=True)
    assert np.isnan(measured.estimated).all()
    assert spread.estimated.tolist() == pytest.approx([math.nan, 15.0, 30.0, 30.0, 15.0], nan_ok=True)
    assert spread.value.sum() == pytest.approx(100.0 + 299 / 2 - 100.0)
    assert spread.coverage.tolist() == measured.coverage.tolist()
    assert spread.coverage[2:4].tolist() == [0.0, 0.0]
    assert shaped.value.tolist() == spread.value.tolist(), "nothing is known of the week before"


@pytest.mark.parametrize("seed", [1, 2])
async def test_pain_24_steps_kept_as_samples_come_are_those_of_the_whole_record(postgres_url: str, seed: int) -> None:
    """Random readings with everything that happens to meters, some late, some twice; then all is looked at anew."""
    chance = random.Random(seed)
    clock = ManualClock(T0)
    async with meters_on(postgres_url, clock) as history:
        plant = Plant(history, clock)
        register, consumed, kept = 985.0, 0.0, [0.0]
        held_back: list[Row] = []
        for minute in range(240):
            amount = chance.choice([0.0, 0.25, 0.5, 1.0])
            happens = chance.random() if minute % 12 == 6 else 1.0
            if happens < 0.3 and register > 10:
                register = 0.0
            register = (register + amount) % 1000.0
            consumed += amount if minute else 0.0
            glitch = 0.3 < happens < 0.6 and 20 < register < 900
            row: Row = (METER, T0 + minute * MINUTE, 0.0 if glitch else register, 0)
            if 0.6 < happens < 0.9:
                held_back.append(row)
                continue
            await plant.poll(row)
            if held_back and chance.random() < 0.1:
                await plant.deliver([*held_back, row], T0 + minute * MINUTE + 1)
                held_back = []
            kept.append(consumed)
        await plant.deliver([*held_back, (ROOM, T0 + 242 * MINUTE, 20.0, 0)], T0 + 242 * MINUTE)
        await plant.settle()

        hours = await delta(history, METER, Window(T0, T0 + 4 * HOUR))
        minutes = await delta(history, METER, Window(T0, T0 + 4 * HOUR), "1m")
        assert sum(hours) == sum(value for value in minutes if not math.isnan(value)) == consumed
        assert min(hours) >= 0

        standing = await fetch(postgres_url, STANDING)
        async with PostgresRecount.open(postgres_url, clock, "Asia/Taipei") as counters:
            assert await counters.recount(lambda *_: None) == 0
        await fetch(postgres_url, "DELETE FROM counter_step")
        async with PostgresRecount.open(postgres_url, clock, "Asia/Taipei") as counters:
            assert await counters.recount(lambda *_: None) == len(standing)
        assert await fetch(postgres_url, STANDING) == standing
    assert len(standing) > 3


class CountingFile:
    """Two days of a meter, every five minutes; it rolls over with the last sample of the first day."""

    def __init__(self) -> None:
        edges = tuple(DAY_BEGIN + number * 24 * HOUR for number in range(3))
        self.plan = ImportPlan("c" * 64, "simulated", 5 * MINUTE, edges, (np.array([METER], np.uint32),))

    def read_day(self, number: int) -> DayOfSamples:
        window = self.plan.day(number)
        at = np.arange(window.start, window.end, self.plan.interval_us)
        value = (25.0 + 3.4 * (at - DAY_BEGIN) / self.plan.interval_us) % 1000.0
        return DayOfSamples(np.array([METER], np.uint32), at, value[np.newaxis], np.zeros((1, len(at)), np.uint8))


async def test_pain_24_imported_years_roll_over_too_also_at_the_edge_of_a_day(database_url: str) -> None:
    clock, file = ManualClock(DAY_BEGIN + 72 * HOUR), CountingFile()
    async with meters_on(database_url, clock) as history:
        async with PostgresImport.open(database_url, clock, "Asia/Taipei") as store:
            await import_history(file, store, MemoryEventLog(clock))
        days = await delta(history, METER, file.plan.window, "1d")

    assert days == [pytest.approx(287 * 3.4), pytest.approx(288 * 3.4)]
    assert await fetch(database_url, "SELECT FROM restatement") == []
