"""Samples read scan by scan for long windows are those that are read sample by sample, to the bit."""

from datetime import date

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.histories import HOUR, MINUTE, T0, Row, history_on, logged
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.cold_packing import SETTLED_US, ColdPacker
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.rule_history import PostgresRuleHistory
from cityhall_bms.historian.columns import Samples
from cityhall_bms.ports.history import Window

DAY = 24 * HOUR
DAYS = (date(2026, 7, 1), date(2026, 7, 2))
SELECTIONS = ((1, 2, 3, 4, 5, 6, 7), (2, 3), (5, 40, 41), (40,), (7, 90))
"""Sets that share points, and chance selections."""
values = st.sampled_from([0.0, -0.0, 1.5, 21.25, float("nan"), float("inf")])


def bits(samples: Samples) -> list[list[int]]:
    columns = (samples.point, samples.at, samples.recorded_at, samples.value.view(np.uint64), samples.quality)
    return [column.tolist() for column in columns]


@st.composite
def batches(draw: st.DrawFn) -> list[list[Row]]:
    found: list[list[Row]] = []
    for _ in range(draw(st.integers(1, 12))):
        at = T0 + draw(st.integers(0, 40)) * HOUR
        points = draw(st.sampled_from(SELECTIONS))
        marks = draw(st.sampled_from([(0,), (0, 64), (128, 0, 0)]))
        found.append([(point, at, draw(values), marks[place % len(marks)]) for place, point in enumerate(points)])
    return found


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(stored=batches(), data=st.data())
async def test_what_is_read_at_length_is_what_is_read_otherwise(
    postgres_url: str, stored: list[list[Row]], data: st.DataObject
) -> None:
    clock = ManualClock(T0 + 4 * DAY)
    async with history_on(postgres_url, clock) as history, await open_pool(postgres_url) as pool:
        await pool.execute("TRUNCATE scan, cold_scan, cold_point, cold_day, ingest_progress, latest, rollup_dirty")
        packer = ColdPacker(pool)
        for step, rows in enumerate(stored, 1):
            await history.store([logged(step, rows, recorded_at=T0 + 3 * DAY + step)])
            if data.draw(st.booleans()):
                await packer.pack(data.draw(st.sampled_from(DAYS)), clock.now())
                await packer.empty_one(clock.now() + SETTLED_US + 1)
        points = data.draw(st.lists(st.sampled_from([1, 2, 3, 5, 7, 40, 41, 90, 99]), unique=True))
        start = T0 + data.draw(st.integers(0, 30)) * HOUR
        window = Window(start, start + data.draw(st.integers(1, 48)) * HOUR)
        known_at = T0 + 3 * DAY + data.draw(st.integers(0, len(stored)))
        async with pool.acquire() as connection:
            expected = await reading.of_points(connection, points, window, known_at)
            assert bits(await reading.of_points_at_length(connection, points, window, known_at)) == bits(expected)


async def test_rules_are_fed_the_values_that_stand_of_a_few_points_of_a_wide_scan(postgres_url: str) -> None:
    wide = range(100, 900)  # so wide that its values lie out of line
    async with history_on(postgres_url, ManualClock(T0 + DAY)) as history, await open_pool(postgres_url) as pool:
        for minute in range(5):
            rows: list[Row] = [(point, T0 + minute * MINUTE, point + minute / 8, 0) for point in wide]
            rows[700] = (800, T0 + minute * MINUTE, -1.0, 128 * (minute == 3))
            await history.store([logged(minute + 1, rows)])
        found = await PostgresRuleHistory(pool).samples_of([800, 101, 450], Window(T0 + MINUTE, T0 + 4 * MINUTE))
    assert found.point.tolist() == [101] * 3 + [450] * 3 + [800] * 3
    assert found.at.tolist() == [T0 + MINUTE, T0 + 2 * MINUTE, T0 + 3 * MINUTE] * 3
    assert found.value.tolist() == [101.125, 101.25, 101.375, 450.125, 450.25, 450.375, -1.0, -1.0, -1.0]
    assert found.quality.tolist() == [0] * 8 + [128]
