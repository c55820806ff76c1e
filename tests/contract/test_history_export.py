"""What an auditor's CSV looks like, on PostgreSQL and on TimescaleDB."""

import asyncio
import math
import random
import tracemalloc
from pathlib import Path

import asyncpg
import pytest
from tests.support.export_rig import POINTS, exports_on, query, table
from tests.support.histories import HOUR, MINUTE, SECOND, T0, logged, scan

from cityhall_bms.adapters.csv_cells import guarded, number, plain
from cityhall_bms.adapters.postgres.history_export import ExportReader, PostgresExporter
from cityhall_bms.domain.errors import HistoryUnavailableError, RefusedError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.exports import ExportKind, ExportPoint, ExportState
from cityhall_bms.ports.history import Window


async def test_samples_are_written_by_the_conventions(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path) as rig:
        await rig.history.store(
            [
                scan(1, T0 + 1, [21.5, 1.0, 1e-7]),
                logged(2, [(2, T0 + SECOND, math.nan, Quality.BAD_TIMEOUT), (1, T0 + SECOND, -3.0, 0)]),
                logged(
                    3, [(1, T0 + 2 * SECOND, 99.0, Quality.UNCERTAIN), (3, T0 + 3 * SECOND, 7.0, Quality.BAD_RANGE)]
                ),
                logged(4, [(4, T0 + SECOND, 5.0, 0)]),
            ]
        )
        data = await rig.streamed(query(language="zh"))
    head, *rows = table(data)
    assert head == [
        "時間（當地）",
        "時間（UTC）",
        "民國日期",
        "點位",
        "數值",
        "單位",
        "品質",
        "品質原因",
        "涵蓋率（%）",
    ]
    local, utc = "2026-07-01T08:00:00.000001+08:00", "2026-07-01T00:00:00.000001Z"
    assert rows == [
        [local, utc, "115-07-01", "AHU01.SAT", "21.5", "°C", "good", "", ""],
        [local, utc, "115-07-01", "AHU01.FAN", "1", "", "good", "", ""],
        [local, utc, "115-07-01", "TX, 1", "1e-07", "'=kW", "good", "", ""],
        [at("01"), at("01", "Z"), "115-07-01", "AHU01.SAT", "-3", "°C", "good", "", ""],
        [at("01"), at("01", "Z"), "115-07-01", "AHU01.FAN", "", "", "bad", "timeout", ""],
        [at("02"), at("02", "Z"), "115-07-01", "AHU01.SAT", "99", "°C", "uncertain", "", ""],
        [at("03"), at("03", "Z"), "115-07-01", "TX, 1", "", "'=kW", "bad", "range", ""],
    ]


def at(seconds: str, zone: str = "+08:00") -> str:
    return f"2026-07-01T{'00' if zone == 'Z' else '08'}:00:{seconds}.000000{zone}"


async def test_intervals_carry_their_coverage(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path) as rig:
        await rig.history.store([scan(1, T0 + 3 * MINUTE + 45 * SECOND, [21.5, 1.0, 0.25])])
        data = await rig.streamed(query("15m", hours=1))
    head, *rows = table(data)
    assert head == [
        "Local time",
        "UTC time",
        "ROC date",
        "Point",
        "Value",
        "Unit",
        "Quality",
        "Quality reason",
        "Coverage (%)",
    ]
    assert [row[3] for row in rows] == ["AHU01.SAT", "AHU01.FAN", "TX, 1"] * 4
    local, utc = "2026-07-01T08:00:00.000000+08:00", "2026-07-01T00:00:00.000000Z"
    assert rows[2] == [local, utc, "115-07-01", "TX, 1", "0.25", "'=kW", "good", "", "75.0"]
    assert rows[3][4:] == ["21.5", "°C", "good", "", "25.0"]
    assert rows[6][4:] == ["", "°C", "bad", "no_data", "0.0"]


async def test_the_same_question_gives_samples_and_intervals_alike_in_form(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path) as rig:
        await rig.history.store([scan(1, T0, [0.1, 123456789.25, -1e22])])
        samples = table(await rig.streamed(query()))[1:4]
        intervals = table(await rig.streamed(query("1m")))[1:4]
    assert [row[:7] for row in samples] == [row[:7] for row in intervals]


async def test_an_empty_window_is_a_heading(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path) as rig:
        assert len(table(await rig.streamed(query()))) == 1
        with pytest.raises(RefusedError, match="no point"):
            rig.new(query(points=[]))


async def test_every_sample_of_long_times_is_there_once_and_in_order(database_url: str, tmp_path: Path) -> None:
    chance = random.Random(1)
    moments = sorted({T0 + chance.randrange(40 * 24 * HOUR) for _ in range(300)} | {T0, T0 + 10 * MINUTE})
    async with exports_on(database_url, tmp_path) as rig:
        await rig.history.store([scan(n + 1, moment, [float(n)] * 3) for n, moment in enumerate(moments)])
        data = await rig.streamed(query(hours=40 * 24))
    rows = table(data)[1:]
    assert [row[4] for row in rows] == [str(n) for n in range(len(moments)) for _ in range(3)]


async def test_a_failing_question_fails_before_the_first_chunk(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path) as rig:
        nowhere = ExportReader("postgresql://bms@127.0.0.1:1/none", rig.history)
        away, wrong = rig.new(query(), ExportKind.STREAM), rig.new(query("7m"), ExportKind.STREAM)
        with pytest.raises(HistoryUnavailableError):
            await anext(PostgresExporter(nowhere, rig.parts.recorder).csv(away))
        with pytest.raises(RefusedError):
            await anext(rig.parts.exporter.csv(wrong))
        states = [(await rig.office.get(export.id)).state for export in (away, wrong)]
        told = [event.type for event in await rig.events.read(stream="export/")]
    assert states == [ExportState.FAILED] * 2
    assert told == ["ExportFailed"] * 2


async def test_a_reader_that_goes_away_leaves_no_connection(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path) as rig:
        await rig.history.store([scan(n + 1, T0 + n * SECOND, [float(n)] * 500) for n in range(300)])
        points = [ExportPoint(number, f"P{number}", "") for number in range(1, 501)]
        export = rig.new(query(points=points), ExportKind.STREAM)
        chunks = rig.parts.exporter.csv(export)
        assert (await anext(chunks)).startswith(b"\xef\xbb\xbf")
        await chunks.aclose()  # type: ignore[attr-defined]
        left = await rig.office.get(export.id)
    assert (left.state, left.manifest) == (ExportState.FAILED, None)
    connection = await asyncpg.connect(database_url)
    try:
        while await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        ):
            pass
    finally:
        await connection.close()


async def test_an_export_of_any_size_needs_little_memory(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path) as rig:
        await rig.history.store([scan(n + 1, T0 + n * SECOND, [n + 0.125] * 400) for n in range(600)])
        points = [ExportPoint(number, f"P{number}", "kW") for number in range(1, 401)]
        tracemalloc.start()
        try:
            size, lines = 0, 0
            async for chunk in rig.parts.exporter.csv(rig.new(query(points=points), ExportKind.STREAM)):
                size, lines = size + len(chunk), lines + chunk.count(b"\r\n")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert lines == 240_001
    assert size > 20_000_000
    assert peak < 12_000_000


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "' x"),
        ("a=b", "a=b"),
        ("", ""),
        ("two\r\nlines", "two lines"),
    ],
)
def test_text_is_no_formula_and_one_line(text: str, cell: str) -> None:
    assert plain(text) == cell


def test_cells_are_quoted_where_they_must_be() -> None:
    assert guarded('a "b", c') == '"a ""b"", c"'
    assert guarded("a b") == "a b"


def test_numbers_are_the_shortest_that_read_back() -> None:
    values = [0.1, -3.0, 1e22, 1e-7, 123456789.25, math.nan]
    assert [number(value) for value in values] == ["0.1", "-3", "1e+22", "1e-07", "123456789.25", ""]


async def test_years_without_samples_are_passed_over_and_every_sample_is_there(
    database_url: str, tmp_path: Path
) -> None:
    times = [T0, T0 + 300 * 24 * HOUR, T0 + 300 * 24 * HOUR + SECOND, T0 + 700 * 24 * HOUR]
    century = Window(T0 - 20 * 365 * 24 * HOUR, T0 + 70 * 365 * 24 * HOUR)
    async with exports_on(database_url, tmp_path) as rig:
        await rig.history.store([scan(n, at_us, [float(n), 1.0, 0.0]) for n, at_us in enumerate(times[:3], 1)])
        await rig.history.store([logged(4, [(1, times[3], 4.0, 0)])])
        async with asyncio.timeout(60):
            data = await rig.streamed(query(points=POINTS[:1], window=century, known_at=rig.clock.now()))

    assert [row[4] for row in table(data)[1:]] == ["1", "2", "3", "4"]
