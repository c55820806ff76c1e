"""A sample that is recorded again stands in place of the earlier one, wherever history is asked."""

import csv
import io

import asyncpg
import pytest
from tests.support.export_rig import query
from tests.support.histories import HOUR, MINUTE, SECOND, T0, Row, history_on, logged
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_export import ExportReader
from cityhall_bms.ports.exports import ExportPoint
from cityhall_bms.ports.history import Aggregation, Window

WINDOW = Window(T0, T0 + HOUR)
WRONG: list[Row] = [(7, T0 + number * MINUTE, 1e9 + number, 0) for number in range(60)]
RIGHT: list[Row] = [(7, T0 + number * MINUTE, 20.0 + number, 0) for number in range(60)]


async def figures(history: PostgresHistory, interval: str) -> dict[Aggregation, list[float]]:
    found = {}
    for aggregation in Aggregation:
        series = await history.intervals(7, WINDOW, interval, aggregation, "Asia/Taipei")
        found[aggregation] = series.value.tolist()
    return found


async def rows_of_the_file(url: str, history: PostgresHistory) -> list[str]:
    lines: list[bytes] = []

    async def keep(chunk: bytes) -> None:
        lines.append(chunk)

    asked = query(points=[ExportPoint(7, "P", "kW")], window=WINDOW, known_at=T0 + 2 * HOUR)
    async for _ in ExportReader(url, history).lines(asked, WINDOW.start, keep):
        pass
    return [row[4] for row in csv.reader(io.StringIO(b"".join(lines).decode()))]


@pytest.mark.parametrize("settled", [False, True], ids=["at once", "after recomputing"])
async def test_answers_files_figures_and_newest_values_are_those_recorded_last(
    database_url: str, *, settled: bool
) -> None:
    clock = ManualClock(T0 + 2 * HOUR)
    async with history_on(database_url, clock) as history:
        await history.store([logged(1, WRONG, recorded_at=T0 + HOUR), logged(2, [], recorded_at=T0 + 2 * HOUR)])
        await history.store([logged(3, RIGHT, source="again", recorded_at=T0 + 2 * HOUR)])
        while settled and await history.recompute():
            pass
        samples = await history.samples(7, WINDOW, 1000)
        assert list(zip(samples.at.tolist(), samples.value.tolist(), strict=True)) == [row[1:3] for row in RIGHT]
        first = await history.samples(7, WINDOW, 10)
        assert first.value.tolist() == [20.0 + number for number in range(10)]
        assert [float(value) for value in await rows_of_the_file(database_url, history)] == [row[2] for row in RIGHT]
        assert (await history.latest()).value.tolist() == [79.0]
        hour = await figures(history, "1h")
        minutes = await figures(history, "1m")
    assert {name: values[0] for name, values in hour.items()} == {
        Aggregation.MEAN: pytest.approx(49.5),
        Aggregation.MIN: 20.0,
        Aggregation.MAX: 79.0,
        Aggregation.FIRST: 20.0,
        Aggregation.LAST: 79.0,
        Aggregation.DELTA: 59.0,
        Aggregation.COUNT: 60.0,
    }
    assert minutes[Aggregation.MEAN] == [row[2] for row in RIGHT]
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM sample WHERE point_id = 7") == 120, "nothing is thrown away"
    await connection.close()


async def test_minutes_that_are_still_open_take_the_sample_recorded_last(database_url: str) -> None:
    clock = ManualClock(T0 + 30 * SECOND)
    async with history_on(database_url, clock) as history:
        await history.store([logged(1, [(7, T0 + 20 * SECOND, 1e9, 0)], recorded_at=T0 + 21 * SECOND)])
        await history.store([logged(2, [(7, T0 + 20 * SECOND, 5.0, 0)], recorded_at=T0 + 29 * SECOND)])
        await clock.advance(3600)
        await history.store([logged(3, [], recorded_at=clock.now()), logged(4, [(8, clock.now(), 1.0, 0)])])
        series = await history.intervals(7, Window(T0, T0 + MINUTE), "1m", Aggregation.MAX, "Asia/Taipei")
    assert series.value.tolist() == [5.0]
