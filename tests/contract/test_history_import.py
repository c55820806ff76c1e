"""A file of past samples in history: the figures of live data, once, and beside live data."""

from itertools import pairwise

import asyncpg
import numpy as np
import pytest
from tests.support.histories import HOUR, MINUTE, T0, Row, history_on, logged
from tests.support.manual_clock import ManualClock
from tests.support.reference_rollup import Heard, figure, reference

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import HistoryImported
from cityhall_bms.historian.importing import import_history
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan

DAY = 24 * HOUR
MIDNIGHT = T0 + 16 * HOUR
"""Local midnight in Taipei, UTC+8."""
POINTS = (2, 31, 70)
SETS = (np.array([70, 2], np.uint32), np.array([31], np.uint32))


class PlayedFailureError(Exception):
    """What ends an import in a test."""


class MadeUpFile:
    """Days of three points that wander, a tenth of their values bad; it can fail after some days."""

    def __init__(self, interval: int, days: int = 2, *, begin: int = MIDNIGHT, digest: str = "a") -> None:
        edges = tuple(begin + DAY * day for day in range(days + 1))
        self.plan = ImportPlan(digest * 64, "simulated", interval, edges, SETS)
        self.fails_at = 0

    def read_day(self, number: int) -> DayOfSamples:
        if number == self.fails_at:
            raise PlayedFailureError
        chance = np.random.default_rng(number)
        window = self.plan.day(number)
        at = np.arange(window.start, window.end, self.plan.interval_us)
        value = chance.normal(20.0, 5.0, (3, len(at)))
        bad = chance.random(value.shape) < 0.1
        value[bad] = np.nan
        return DayOfSamples(np.array(POINTS, np.uint32), at, value, np.where(bad, 0x88, 0).astype(np.uint8))

    def rows(self) -> list[Row]:
        """Every sample by itself."""
        days = [self.read_day(number) for number in range(1, self.plan.days + 1)]
        return [
            (point, int(at), float(day.value[row, column]), int(day.quality[row, column]))
            for day in days
            for column, at in enumerate(day.at)
            for row, point in enumerate(POINTS)
        ]

    def heard(self, live: list[Row] | None = None) -> dict[int, list[Heard]]:
        """All samples as the reference takes them: in the time of the file they hold three intervals, else 15 minutes."""
        window, samples = self.plan.window, sorted([*self.rows(), *(live or [])], key=lambda sample: sample[1])
        long = max(15 * MINUTE, 3 * self.plan.interval_us)
        return {
            point: [
                Heard(at, value, quality == 0, long if window.start <= at < window.end else 15 * MINUTE)
                for each, at, value, quality in samples
                if each == point
            ]
            for point in POINTS
        }


async def load(url: str, file: MadeUpFile, clock: ManualClock, events: MemoryEventLog | None = None) -> HistoryImported:
    async with PostgresImport.open(url, clock, "Asia/Taipei") as store:
        return await import_history(file, store, events or MemoryEventLog(clock))


def clock_after(file: MadeUpFile, later: int = DAY) -> ManualClock:
    return ManualClock(file.plan.window.end + later)


async def assert_figures(
    history: PostgresHistory, heard: dict[int, list[Heard]], window: Window, zone: str = "Asia/Taipei"
) -> None:
    """Intervals of every length have the figures of the slow reference."""
    lengths = {"5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR, "1d": DAY}
    for point, samples in heard.items():
        for interval, length in lengths.items():
            aggregations = (Aggregation.MEAN, Aggregation.DELTA) if length < HOUR else tuple(Aggregation)
            for aggregation in aggregations:
                series = await history.intervals(point, window, interval, aggregation, zone)
                edges = [*series.at.tolist(), int(series.at[-1]) + length]
                figures = [reference(samples, *pair) for pair in pairwise(edges)]
                expected = [figure(each, aggregation) for each in figures]
                assert series.value.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-7, nan_ok=True), interval
                assert series.coverage is not None
                assert series.coverage.tolist() == pytest.approx([each.good_us / length for each in figures])


async def fetch(url: str) -> dict[str, list[asyncpg.Record]]:
    """Every row of the tables of history."""
    queries = {
        "sample": "SELECT observed_at, point_id, value, quality FROM sample ORDER BY 1, 2",
        "latest": "SELECT * FROM latest ORDER BY block",
        "imports": "SELECT * FROM history_import",
        "progress": "SELECT * FROM ingest_progress",
        "dirty": "SELECT * FROM rollup_dirty",
    }
    for level in ("1m", "15m", "1h", "1d"):
        queries[f"rollup_{level}"] = f"SELECT * FROM rollup_{level} ORDER BY bucket, block"  # noqa: S608
    connection = await asyncpg.connect(url)
    try:
        return {name: await connection.fetch(query) for name, query in queries.items()}
    finally:
        await connection.close()


async def dump(url: str) -> dict[str, list[tuple[str, ...]]]:
    """The same as text: NaN is not equal to itself."""
    return {name: [tuple(repr(value) for value in row) for row in rows] for name, rows in (await fetch(url)).items()}


def assert_same_figures(one: list[asyncpg.Record], other: list[asyncpg.Record]) -> None:
    """Counts and values to the bit, means to the rounding: live ones are summed from minutes."""
    assert [(row["bucket"], row["block"]) for row in one] == [(row["bucket"], row["block"]) for row in other]
    for name in ("count", "good_us", "low", "high", "start", "first", "last"):
        assert repr([row[name] for row in one]) == repr([row[name] for row in other]), name
    for name in ("mean", "fall"):
        pair = ([row[name] for row in rows] for rows in (one, other))
        np.testing.assert_allclose(*pair, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("interval", [5 * MINUTE, 15 * MINUTE, HOUR])
async def test_figures_of_imported_days_are_those_of_the_reference_and_nothing_waits(
    database_url: str, interval: int
) -> None:
    file = MadeUpFile(interval)
    clock = clock_after(file)
    await load(database_url, file, clock)

    async with history_on(database_url, clock) as history:
        window = Window(MIDNIGHT - DAY, MIDNIGHT + 3 * DAY)
        await assert_figures(history, file.heard(), window)
        await assert_figures(history, file.heard(), Window(MIDNIGHT, MIDNIGHT + DAY), "Asia/Kolkata")
    rows = await dump(database_url)
    assert rows["dirty"] == []
    assert len(rows["sample"]) == 2 * DAY // interval * 3


async def test_an_import_is_what_live_data_would_have_been(database_url: str) -> None:
    file = MadeUpFile(5 * MINUTE, days=1)
    clock = clock_after(file)
    await load(database_url, file, clock)
    imported = await fetch(database_url)
    connection = await asyncpg.connect(database_url)
    tables = "scan, latest, rollup_1m, rollup_15m, rollup_1h, rollup_1d, rollup_state, ingest_progress, history_import"
    await connection.execute(f"TRUNCATE {tables}")
    await connection.execute("UPDATE ingest_position SET version = version + 1")
    await connection.close()

    rows = file.rows()
    moments = sorted({row[1] for row in rows})
    async with history_on(database_url, clock) as history:
        for number in range(0, len(moments), 24):
            chosen = moments[number : number + 24]
            await history.store(
                [
                    logged(number + place + 1, [row for row in rows if row[1] == at], recorded_at=at)
                    for place, at in enumerate(chosen)
                ]
            )
        # Time goes on for the historian when somebody else is measured, after all.
        await history.store([logged(1000, [(300, clock.now(), 1.0, 0)])])
        while await history.recompute():
            pass
    live = await fetch(database_url)

    assert repr(imported["sample"]) == repr(live["sample"][:-1])
    assert repr(imported["latest"]) == repr(live["latest"][:1])
    for level in ("15m", "1h", "1d"):
        assert_same_figures(imported[f"rollup_{level}"], live[f"rollup_{level}"])
    assert len(live["rollup_1h"]) > 24
    assert live["rollup_1m"]
    # The minutes after the end, into which its last values hold, are computed again in whole hours.
    assert len(imported["rollup_1m"]) <= 2 * 60


async def test_values_every_quarter_of_an_hour_cover_the_whole_time_and_deltas_add_up(postgres_url: str) -> None:
    file = MadeUpFile(15 * MINUTE)
    day = file.read_day(1)
    meter = DayOfSamples(day.point, day.at, np.tile(np.arange(96.0), (3, 1)), np.zeros_like(day.quality))
    file.read_day = lambda number: DayOfSamples(  # type: ignore[method-assign]
        meter.point, meter.at + (number - 1) * DAY, meter.value + 96.0 * (number - 1), meter.quality
    )
    clock = clock_after(file)
    await load(postgres_url, file, clock)

    async with history_on(postgres_url, clock) as history:
        window = Window(MIDNIGHT + HOUR, MIDNIGHT + 2 * DAY)
        for interval, delta in (("15m", 1.0), ("1h", 4.0)):
            series = await history.intervals(31, window, interval, Aggregation.DELTA, "Asia/Taipei")
            assert set(series.value.tolist()) == {delta}
            assert series.coverage is not None
            assert set(series.coverage.tolist()) == {1.0}
        days = await history.intervals(31, Window(MIDNIGHT, MIDNIGHT + 2 * DAY), "1d", Aggregation.DELTA, "Asia/Taipei")
        assert days.value.tolist() == [95.0, 96.0]


async def test_an_interrupted_import_goes_on_and_a_repeated_one_changes_nothing(postgres_url: str) -> None:
    file = MadeUpFile(15 * MINUTE, days=3)
    clock = clock_after(file)
    events = MemoryEventLog(clock)
    file.fails_at = 3
    with pytest.raises(PlayedFailureError):
        await load(postgres_url, file, clock, events)
    assert await events.end() == 0

    file.fails_at = 0
    first = await load(postgres_url, file, clock, events)
    whole = await dump(postgres_url)
    again = await load(postgres_url, file, clock, events)

    assert await dump(postgres_url) == whole
    assert first == again == HistoryImported("a" * 64, "simulated", MIDNIGHT, MIDNIGHT + 3 * DAY, 900, 3, 3 * 96 * 3)
    assert [(entry.stream, entry.event()) for entry in await events.read()] == [(f"history/import:{'a' * 16}", first)]
    async with history_on(postgres_url, clock) as history:
        await assert_figures(history, file.heard(), Window(MIDNIGHT, MIDNIGHT + 3 * DAY))


async def test_a_transaction_that_fails_leaves_nothing_of_its_day(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = MadeUpFile(15 * MINUTE)
    clock = clock_after(file)
    broken = True
    marked = PostgresImport._write_rollups

    async def fail(self: PostgresImport, *arguments: object) -> None:
        await marked(self, *arguments)  # type: ignore[arg-type]
        if broken:
            raise PlayedFailureError

    monkeypatch.setattr(PostgresImport, "_write_rollups", fail)
    with pytest.raises(PlayedFailureError):
        await load(postgres_url, file, clock)
    rows = await dump(postgres_url)
    assert (rows["sample"], rows["rollup_1h"], rows["progress"], rows["latest"]) == ([], [], [], [])

    broken = False
    await load(postgres_url, file, clock)
    async with history_on(postgres_url, clock) as history:
        await assert_figures(history, file.heard(), Window(MIDNIGHT, MIDNIGHT + 2 * DAY))


async def refused(url: str, file: MadeUpFile, clock: ManualClock) -> str:
    before = await dump(url)
    with pytest.raises(RefusedError) as error:
        await load(url, file, clock)
    assert await dump(url) == before
    return str(error.value)


async def test_a_time_that_is_not_over_or_that_history_has_already_is_refused(postgres_url: str) -> None:
    clock = ManualClock(MIDNIGHT + 10 * DAY)
    await load(postgres_url, MadeUpFile(HOUR), clock)

    overlapping = MadeUpFile(HOUR, begin=MIDNIGHT + DAY, digest="b")
    assert "was imported already" in await refused(postgres_url, overlapping, clock)
    coming = MadeUpFile(HOUR, begin=MIDNIGHT + 9 * DAY, digest="c")
    assert "history takes what is over only" in await refused(postgres_url, coming, clock)
    async with history_on(postgres_url, clock) as history:
        await history.store([logged(1, [(2, MIDNIGHT + 5 * DAY, 1.0, 0)])])
    lived = MadeUpFile(HOUR, begin=MIDNIGHT + 4 * DAY, digest="d")
    assert "they would mix" in await refused(postgres_url, lived, clock)

    await load(postgres_url, MadeUpFile(HOUR, begin=MIDNIGHT + 2 * DAY, digest="e"), clock)


@pytest.mark.parametrize("interval", [15 * MINUTE, HOUR])
async def test_live_data_before_after_and_late_in_between_give_right_figures_together(
    database_url: str, interval: int
) -> None:
    file = MadeUpFile(interval)
    begin, end = file.plan.window.start, file.plan.window.end
    before: list[Row] = [(31, begin - 20 * MINUTE + n * MINUTE, float(n), 0) for n in range(20)]
    after: list[Row] = [(31, end + HOUR + n * MINUTE, 50.0 + n, 0) for n in range(30)]
    late: list[Row] = [(31, begin + DAY - 10 * MINUTE, 99.0, 0), (2, begin + 10 * HOUR + MINUTE, -7.0, 0)]
    clock = clock_after(file)
    async with history_on(database_url, clock) as history:
        # A historian that is at work all the while: it knows of the import only by the database.
        await history.store([logged(n, [row], recorded_at=row[1]) for n, row in enumerate(before, 1)])
        await load(database_url, file, clock)
        await history.store([logged(100, late, source="late", recorded_at=end)])
        await history.store([logged(n, [row], recorded_at=row[1]) for n, row in enumerate(after, 101)])
        heard = file.heard([*before, *late, *after])
        for _ in range(2):
            await assert_figures(history, heard, Window(begin - HOUR, end + 3 * HOUR))
            while await history.recompute():
                pass
        assert (await history.progress()).position == 130


async def test_late_samples_that_come_while_a_file_is_loaded_are_in_its_figures(postgres_url: str) -> None:
    file = MadeUpFile(15 * MINUTE, days=3)
    clock = clock_after(file)
    late: list[Row] = [(2, MIDNIGHT + DAY + HOUR + n * MINUTE, 77.0, 0) for n in range(3)]
    file.fails_at = 2
    with pytest.raises(PlayedFailureError):
        await load(postgres_url, file, clock)
    file.fails_at = 0
    async with history_on(postgres_url, clock) as history:
        await history.store([logged(1, late, source="late", recorded_at=clock.now())])
        while await history.recompute():
            pass
        await load(postgres_url, file, clock)
        await assert_figures(history, file.heard(late), Window(MIDNIGHT, MIDNIGHT + 3 * DAY))


async def test_newest_values_are_those_of_the_file_until_live_ones_come_and_the_log_position_stays(
    postgres_url: str,
) -> None:
    file = MadeUpFile(HOUR)
    clock = clock_after(file)
    file.fails_at = 2
    async with history_on(postgres_url, clock) as history:
        with pytest.raises(PlayedFailureError):
            await load(postgres_url, file, clock)
        # A historian that is at work, and remembers the newest values, before the second day comes.
        await history.store([logged(1, [(31, MIDNIGHT - DAY, 1.0, 0)])])
        file.fails_at = 0
        await load(postgres_url, file, clock)
        assert (await history.progress()).position == 1
        await history.store([logged(2, [(2, clock.now(), 5.0, 0)])])

        latest, last = await history.latest(), file.read_day(2)
    assert latest.point.tolist() == list(POINTS)
    assert latest.at.tolist() == [clock.now(), int(last.at[-1]), int(last.at[-1])]
    assert latest.value.tolist() == pytest.approx([5.0, *last.value[1:, -1].tolist()], nan_ok=True)


async def test_the_zone_may_change_to_one_off_the_hour(postgres_url: str) -> None:
    file = MadeUpFile(15 * MINUTE)
    clock = clock_after(file)
    await load(postgres_url, file, clock)

    async with history_on(postgres_url, clock, "Asia/Kolkata") as history:
        await history.store([logged(1, [(2, clock.now() - MINUTE, 5.0, 0)])])
        begin = MIDNIGHT + 2 * HOUR + 30 * MINUTE
        await assert_figures(history, file.heard(), Window(begin, begin + DAY), "Asia/Kolkata")


@pytest.mark.parametrize(
    ("zone", "midnight"), [("Asia/Kolkata", 18 * HOUR + 30 * MINUTE), ("Europe/London", 23 * HOUR)]
)
async def test_days_that_begin_off_the_hour_or_late_in_the_day_of_utc_are_summed_up_whole(
    postgres_url: str, zone: str, midnight: int
) -> None:
    begin = T0 + midnight
    file = MadeUpFile(HOUR, begin=begin)
    clock = clock_after(file)
    async with PostgresImport.open(postgres_url, clock, zone) as store:
        await import_history(file, store, MemoryEventLog(clock))

    async with history_on(postgres_url, clock, zone) as history:
        await assert_figures(history, file.heard(), Window(begin - HOUR, begin + 2 * DAY + 4 * HOUR), zone)
    assert (await dump(postgres_url))["dirty"] == []
