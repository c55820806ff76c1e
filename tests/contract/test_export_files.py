"""Files of export jobs, on PostgreSQL and on TimescaleDB: four forms of the same rows, the same bytes for ever."""

import asyncio
import hashlib
import json
import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.export_rig import CONTEXT, POINTS, ExportRig, exports_on, manifest_of, query, table
from tests.support.histories import HOUR, MINUTE, SECOND, T0, Row, logged, scan
from tests.support.manual_clock import ManualClock
from tests.support.told_exports import told_by_long, told_by_parquet, told_by_wide, told_by_xlsx, us

from cityhall_bms.adapters.export_desk import ExportRunner
from cityhall_bms.adapters.export_files import making
from cityhall_bms.adapters.export_files.counting import measured
from cityhall_bms.adapters.export_files.making import CancelledExportError, ExportMaker
from cityhall_bms.adapters.export_files.sink import ExportFileError
from cityhall_bms.adapters.postgres.cold_packing import ColdPacker
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.history_copy import day_of
from cityhall_bms.adapters.postgres.history_export import ExportReader
from cityhall_bms.adapters.signing import key_id_of
from cityhall_bms.adapters.signing import verify as check_signature
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.errors import HistoryUnavailableError, MissingLibraryError
from cityhall_bms.domain.events import SamplesRestated
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.domain.quality import Quality
from cityhall_bms.exports.verification import Seals, Verdict, verify
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.exports import ExportFormat, ExportKind, ExportPoint, ExportState
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

FORMS = list(ExportFormat)


class BusyClock(ManualClock):
    """Each look at it takes a second, so that progress is noted after every slice."""

    def monotonic(self) -> float:
        self._elapsed_s += 1.0
        return self._elapsed_s


def some_rows(chance: random.Random, count: int) -> list[Row]:
    values = [0.1, -3.0, 1e22, 1e-7, 123456789.25, 1234567890123456.0, -1e15, math.nan]
    codes = [0, 0, 0, Quality.UNCERTAIN, Quality.BAD_TIMEOUT, Quality.BAD_RANGE, 0xEE]
    times = [T0 + chance.randrange(100 * MINUTE) for _ in range(count // 2)]
    return [
        (chance.randint(1, 3), chance.choice(times), chance.choice(values), chance.choice(codes)) for _ in range(count)
    ]


async def store(rig: ExportRig, rows: Sequence[Row], first: int = 1, recorded_at: int | None = None) -> None:
    """Some batches of some rows each."""
    batches = [
        logged(first + number, rows[begin : begin + 7], recorded_at=recorded_at)
        for number, begin in enumerate(range(0, len(rows), 7))
    ]
    await rig.history.store(batches)


async def test_every_form_tells_the_same(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path) as rig:
        await store(rig, some_rows(random.Random(7), 300))
        files = {form: await rig.made(query(form=form)) for form in FORMS}
        streamed = await rig.streamed(query())
        exports = [await rig.office.get(export.id) for export in await rig.office.page(10, None)]
    long = told_by_long(files[ExportFormat.CSV_LONG].read_bytes())
    assert len(long) > 150
    assert files[ExportFormat.CSV_LONG].read_bytes() == streamed
    assert told_by_wide(files[ExportFormat.CSV_WIDE].read_bytes()) == sorted(long)
    assert told_by_parquet(files[ExportFormat.PARQUET]) == long
    # Excel's times have milliseconds.
    assert told_by_xlsx(files[ExportFormat.XLSX]) == [(round(at / 1e3), *rest) for at, *rest in long]
    assert {export.state for export in exports} == {ExportState.DONE}
    for export in exports:
        said = manifest_of(export)
        counted = sum(line["good"] + line["uncertain"] + line["bad"] for line in said["coverage"])
        assert counted == len(long)


async def test_an_export_is_the_same_to_the_byte_whatever_comes_to_be_known_later(
    database_url: str, tmp_path: Path
) -> None:
    chance = random.Random(3)
    async with exports_on(database_url, tmp_path) as rig:
        await store(rig, some_rows(chance, 60), recorded_at=T0 + 90 * MINUTE)
        known_at = T0 + 3 * HOUR
        asked = [query(form=form, known_at=known_at) for form in FORMS]
        asked += [query("15m", form=ExportFormat.CSV_LONG, known_at=known_at, aggregation=Aggregation.MEAN)]
        before = [(await rig.made(one)).read_bytes() for one in asked]
        # On its way when the export was made: an edge collector's batch, recorded before it.
        await store(rig, some_rows(chance, 30), first=100, recorded_at=T0 + 2 * HOUR)
        # A correction, recorded after it.
        await store(rig, some_rows(chance, 30), first=200, recorded_at=T0 + 4 * HOUR)
        while await rig.history.recompute():
            pass
        again = [(await rig.made(one)).read_bytes() for one in asked]
        later = (await rig.made(query(known_at=T0 + 5 * HOUR))).read_bytes()
    assert again == before
    assert later != before[0]


def break_down(*_progress: float) -> None:
    raise ZeroDivisionError


async def test_days_that_are_packed_give_the_same_bytes(database_url: str, tmp_path: Path) -> None:
    chance = random.Random(5)
    async with exports_on(database_url, tmp_path) as rig:
        await store(rig, some_rows(chance, 80))
        await rig.history.store([scan(100 + n, T0 + n * 7 * HOUR + 1, [n + 0.5, math.nan, 1.0 + n]) for n in range(12)])
        asked = [query(form=form, hours=84, known_at=T0 + 84 * HOUR) for form in FORMS]
        before = [(await rig.made(one)).read_bytes() for one in asked]
        pool = await open_pool(database_url)
        packer, now, packed = ColdPacker(pool), rig.clock.now(), 0
        while (day := await packer.next_day(day_of(now))) is not None:
            packed += await packer.pack(day, now)
        emptied = 0
        while await packer.empty_one(now + HOUR) is not None:
            emptied += 1
        hot = await pool.fetchval("SELECT count(*) FROM scan")
        again = [(await rig.made(one)).read_bytes() for one in asked]
        streamed = await rig.streamed(asked[0])
        pool.terminate()
    assert (packed, emptied, hot) == (4, 4, 0)
    assert [len(file) for file in again] == [len(file) for file in before]
    assert again == before
    assert streamed == before[0]


async def test_a_job_that_was_cut_off_goes_on_to_the_same_bytes(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path, BusyClock(T0 + 1_000 * 24 * HOUR)) as rig:
        times = [T0 + day * 24 * HOUR for day in range(6)]
        await rig.history.store([scan(n + 1, at, [n + 0.5, n + 0.25, 7.0]) for n, at in enumerate(times)])
        asked = [query(form=form, hours=6 * 24, known_at=rig.clock.now()) for form in FORMS]
        asked += [query("1h", hours=6 * 24, known_at=rig.clock.now())]
        for one in asked:
            whole = (await rig.made(one)).read_bytes()
            export = rig.new(one)
            await rig.office.ask(export)
            with pytest.raises(ZeroDivisionError):
                await rig.maker.make(export, break_down)
            cut_off = await rig.office.get(export.id)
            path = rig.office.file_of(export)
            with path.open("ab") as file:
                file.write(b"what was not safe on disk yet")
            assert (await rig.maker.make(cut_off)).read_bytes() == whole
            ended = await rig.office.get(export.id)
            assert (ended.state, ended.sha256) == (ExportState.DONE, hashlib.sha256(whole).hexdigest())
            events = await rig.events.read(stream=f"export/{export.id}")
            assert [event.type for event in events] == ["ExportMade"]


async def test_a_manifest_proves_its_file_and_tells_what_it_rests_on(database_url: str, tmp_path: Path) -> None:
    async with exports_on(database_url, tmp_path) as rig:
        await rig.history.store([scan(1, T0 + MINUTE, [21.5, 1.0, 7.0]), logged(2, [(1, T0 + HOUR, 0.0, 0x83)])])
        path = await rig.made(query("15m", hours=2))
        export = await rig.last()
        [event] = await rig.events.read(stream="export/")
    said = manifest_of(export)
    assert said["in_force"] == CONTEXT
    assert said["query"]["points"][2] == {"number": 3, "name": "TX, 1", "unit": "=kW", "device": "tx"}
    assert (said["query"]["from"], said["query"]["interval"]) == ("2026-07-01T00:00:00.000000Z", "15m")
    assert said["file"] == {
        "name": path.name,
        "rows": 24,
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    assert said["software"]["cityhall-bms"]
    assert said["coverage"][0]["covered_percent"] == pytest.approx(100 * 15 / 120, abs=0.01)
    assert event.type == "ExportMade"
    assert event.payload["sha256"] == said["file"]["sha256"]
    assert event.payload["manifest_sha256"] == hashlib.sha256((export.manifest or "").encode()).hexdigest()
    checks = verify(said, measured(path, said), Seals(check_signature, key_id_of), rig.signer.public_pem)
    assert [check.verdict for check in checks] == [Verdict.PROVEN] * 4


async def test_a_century_is_certified_as_a_whole(postgres_url: str, tmp_path: Path) -> None:
    century = Window(us("1970-01-02T00:00:00+00:00"), us("2199-12-31T00:00:00+00:00"))
    many = [*POINTS, *(ExportPoint(number, f"P{number}", "") for number in range(10, 60))]
    async with exports_on(postgres_url, tmp_path) as rig:
        await rig.history.store([scan(n + 1, T0 + n * MINUTE, [1.0, 2.0, 3.0]) for n in range(60)])
        await rig.made(query(points=many, window=century, known_at=T0 + HOUR))
        export = await rig.last()
    coverage = manifest_of(export)["coverage"]
    assert [line["good"] for line in coverage[:4]] == [60, 60, 60, 0]
    assert coverage[0]["covered_percent"] == pytest.approx(100 * HOUR / (century.end - century.start), abs=0.001)


async def test_hours_of_days_with_23_and_25_hours_have_their_own_times(postgres_url: str, tmp_path: Path) -> None:
    async with exports_on(postgres_url, tmp_path, time_zone="Europe/Berlin") as rig:
        for day, hours in ((datetime(2026, 3, 28, 23, tzinfo=UTC), 23), (datetime(2026, 10, 24, 22, tzinfo=UTC), 25)):
            begin = us(day.isoformat())
            window = Window(begin, begin + hours * HOUR)
            asked = {
                form: query(
                    "1h",
                    points=POINTS[:1],
                    window=window,
                    known_at=rig.clock.now(),
                    form=form,
                    time_zone="Europe/Berlin",
                )
                for form in (ExportFormat.CSV_LONG, ExportFormat.CSV_WIDE)
            }
            long, wide = [table((await rig.made(one)).read_bytes())[1:] for one in asked.values()]
            days = table(
                (
                    await rig.made(
                        query(
                            "1d", points=POINTS[:1], window=window, known_at=rig.clock.now(), time_zone="Europe/Berlin"
                        )
                    )
                ).read_bytes()
            )
            assert len({row[0] for row in long}) == len(long) == hours
            assert [row[:3] for row in wide] == [row[:3] for row in long]
            assert {row[2] for row in long} == {f"115-{'03-29' if hours == 23 else '10-25'}"}
            assert {row[0][-6:] for row in long} == {"+01:00", "+02:00"}
            assert len(days) == 2


async def test_a_cancelled_job_ends_and_a_full_disk_is_told(postgres_url: str, tmp_path: Path) -> None:
    async with exports_on(postgres_url, tmp_path, BusyClock(T0 + 24 * HOUR)) as rig:
        await rig.history.store([scan(1, T0, [1.0, 2.0, 3.0])])
        waiting = rig.new(query())
        await rig.office.ask(waiting)
        assert (await rig.office.withdraw(waiting.id)).state is ExportState.CANCELLED
        with pytest.raises(CancelledExportError):
            await rig.maker.make(waiting)
        greedy = rig.parts.maker(rig.folder, 2**62)
        export = rig.new(query())
        await rig.office.ask(export)
        with pytest.raises(ExportFileError, match="bytes are free"):
            await greedy.make(export)
        done = rig.new(query())
        await rig.office.ask(done)
        path = await rig.maker.make(done)
        assert (await rig.office.withdraw(done.id)).state is ExportState.REMOVED
    assert not path.exists()


async def test_old_files_go_and_what_was_cut_off_is_told(postgres_url: str, tmp_path: Path) -> None:
    async with exports_on(postgres_url, tmp_path) as rig:
        path = await rig.made(query())
        cut_off = rig.new(query(), ExportKind.STREAM)
        await rig.parts.store.begin(cut_off)
        runner = ExportRunner(rig.office, rig.parts.store, rig.parts.recorder, rig.clock)
        rig.clock.jump(29 * 86_400)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(runner.run(rig.folder, {}, 30))
            while (told := await rig.office.get(cut_off.id)).state is ExportState.WAITING:  # noqa: ASYNC110 - in its own time
                await asyncio.sleep(0.01)
            assert path.exists()
            rig.clock.jump(2 * 86_400)
            rig.office.asked.set()
            while path.exists():  # noqa: ASYNC110 - it goes in its own time
                await asyncio.sleep(0.01)
            running.cancel()
        made = [export for export in await rig.office.page(5, None) if export.kind is ExportKind.JOB]
    assert (told.state, told.reason) == (ExportState.FAILED, "the process that sent it ended")
    assert [(export.state, export.manifest) for export in made] == [(ExportState.REMOVED, "")]


async def test_a_workbook_of_too_many_rows_is_refused_and_one_of_many_has_several_sheets(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityhall_bms.adapters.export_files.xlsx_file.ROWS_PER_SHEET", 2)
    async with exports_on(postgres_url, tmp_path) as rig:
        await rig.history.store([scan(n + 1, T0 + n * SECOND, [1.0, 2.0, 3.0]) for n in range(4)])
        small = await rig.made(query(window=Window(T0, T0 + 3 * SECOND), form=ExportFormat.XLSX))
        with pytest.raises(ExportFileError, match="CSV or Parquet"):
            await rig.made(query(form=ExportFormat.XLSX))
    assert len(told_by_xlsx(small)) == 9
    assert measured(small, {"query": {"format": "xlsx"}}).rows == 9


async def test_what_needs_a_library_that_is_not_here_says_which(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "LIBRARIES", {ExportFormat.PARQUET: "no_such_library"})
    async with exports_on(postgres_url, tmp_path) as rig:
        with pytest.raises(MissingLibraryError, match=r"no_such_library.*cityhall-bms\[export\]"):
            rig.new(query(form=ExportFormat.PARQUET))
        assert rig.new(query(), ExportKind.JOB).id


async def test_gaps_and_corrections_of_the_period_stand_in_the_certificate(postgres_url: str, tmp_path: Path) -> None:
    gaps = [
        Gap("ahu01", GapCause.DEVICE_DOWN, T0 - HOUR, 60, until=T0 + 30 * MINUTE),
        Gap("tx", GapCause.REFUSED, T0 + MINUTE, 3, points=(3,), until=T0 + 2 * MINUTE),
        Gap("other", GapCause.TIMEOUT, T0, 9, until=T0 + MINUTE),
    ]
    corrected = SamplesRestated("ahu01", ["AHU01.SAT"], T0, T0 + HOUR, 4, {}, "word order")
    elsewhere = SamplesRestated("tx", ["TX, 9"], T0, T0 + HOUR, 4, {}, "scale")
    async with exports_on(postgres_url, tmp_path) as rig:
        batch = SampleBatch.gather("c1", 1, 1, T0 + HOUR, [], gaps=gaps)
        await rig.history.store([LoggedBatch(1, batch)])
        await rig.events.append([Append("restatement/ahu01", [corrected, elsewhere], "engineer")])
        pool = await open_pool(postgres_url)
        for point, restated_at in ((1, T0 + HOUR), (9, T0 + HOUR), (1, rig.clock.now() + HOUR)):
            await pool.execute(
                "INSERT INTO restatement (restated_at, why, level, bucket, bucket_end, point_id, old_count, new_count, "
                "old_good_us, new_good_us, old_mean, new_mean) VALUES ($1, 'late', '1h', $2, $3, $4, 1, 2, 0, 0, 'NaN', 21.5)",
                restated_at, T0, T0 + HOUR, point,
            )  # fmt: skip
        pool.terminate()
        await rig.made(query(known_at=rig.clock.now()))
        export = await rig.last()
    said = manifest_of(export)
    by_point = {line["point"]: line["gaps"] for line in said["coverage"]}
    assert by_point["AHU01.SAT"] == [{"cause": "device_down", "gaps": 1, "seconds": 1800.0, "polls": 60}]
    assert by_point["TX, 1"] == [{"cause": "refused", "gaps": 1, "seconds": 60.0, "polls": 3}]
    assert said["restatements"]["in_all"] == 2
    figure = said["restatements"]["listed"][1]
    assert (figure["type"], figure["payload"]["point"], figure["payload"]["why"]) == ("figure", "AHU01.SAT", "late")
    assert (figure["payload"]["old_mean"], figure["payload"]["new_mean"]) == (None, 21.5)
    assert said["restatements"]["listed"][0]["payload"]["reason"] == "word order"
    assert said["events"] == {"first": 1, "last": 2, "last_hash": said["events"]["last_hash"]}


async def test_a_database_that_is_away_leaves_the_job_for_another_try(postgres_url: str, tmp_path: Path) -> None:
    async with exports_on(postgres_url, tmp_path) as rig:
        export = rig.new(query())
        await rig.office.ask(export)
        nowhere = ExportMaker(
            rig.folder,
            ExportReader("postgresql://bms@127.0.0.1:1/none", rig.history),
            rig.parts.recorder,
            rig.clock,
            0,
        )
        with pytest.raises(HistoryUnavailableError):
            await nowhere.make(export)
        assert [job.id for job in await rig.parts.store.open_jobs()] == [export.id]
        assert (
            json.loads((await rig.office.get((await rig.maker.make(export)).parent.name)).manifest or "")["export"]
            == export.id
        )
