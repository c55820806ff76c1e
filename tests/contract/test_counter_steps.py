"""Counters, late data and restatements on both databases; pains 22 to 24 of those we answer."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.support.histories import HOUR, MINUTE, T0, Row, history_on, logged
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.ports.history import Aggregation, Window

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
