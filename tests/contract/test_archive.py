"""Packed days are written as Parquet with a signed manifest, and only then the database says that they are archived."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.contract.test_cold_form import DAY, FIRST, everything, packer_on, store_a_day
from tests.support.histories import T0, history_on, scan
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.parquet_archive import ParquetArchive, check_archive
from cityhall_bms.adapters.postgres.cold_packing import SETTLED_US
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.historian.keeper import HistoryKeeper
from cityhall_bms.ports.keeping import Retention


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.load_or_create(tmp_path / "keys")


async def test_an_archived_day_holds_every_sample_and_proves_it(
    database_url: str, tmp_path: Path, signer: Signer
) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    folder = tmp_path / "archive"
    async with history_on(database_url, clock) as history, packer_on(database_url) as (packer, pool):
        archive = ParquetArchive(pool, folder, signer, "TCH")
        await store_a_day(history)
        assert await archive.next_day() is None  # it is not packed yet
        before = await everything(pool)
        await packer.pack(FIRST, clock.now())
        assert await archive.next_day() == FIRST
        done = await archive.write(FIRST, clock.now())
        assert await archive.next_day() is None
    table = pq.read_table(done.file)
    assert table.num_rows == done.samples == len(before) + 1  # one sample was recorded twice
    assert check_archive(folder) == [done]
    values = np.array(table.column("value").to_pylist(), np.float64)
    points = [int(name) for name in table.column("point").to_pylist()]
    at = table.column("observed_at").cast("int64").to_pylist()
    found = set(zip(points, at, values.view(np.uint64).tolist(), table.column("quality").to_pylist(), strict=True))
    bits = {(row[0], row[1], row[3], row[4]) for row in before if np.isfinite(np.uint64(row[3]).view(np.float64))}
    assert bits <= found


async def test_a_day_that_late_samples_came_to_is_archived_again(
    postgres_url: str, tmp_path: Path, signer: Signer
) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        archive = ParquetArchive(pool, tmp_path / "archive", signer, "TCH")
        await history.store([scan(1, T0, [1.0, 2.0])])
        await packer.pack(FIRST, clock.now())
        first = await archive.write(FIRST, clock.now())
        await history.store([scan(2, T0 + 1, [3.0, 4.0])])
        await packer.pack(FIRST, clock.now())
        assert await archive.next_day() == FIRST
        again = await archive.write(FIRST, clock.now())
        assert (first.samples, again.samples) == (2, 4)
        assert check_archive(tmp_path / "archive") == [again]


async def test_a_day_that_is_packed_anew_while_it_is_archived_is_archived_again(
    postgres_url: str, tmp_path: Path, signer: Signer
) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        archive = ParquetArchive(pool, tmp_path / "archive", signer, "TCH")
        await history.store([scan(1, T0, [1.0, 2.0])])
        await packer.pack(FIRST, clock.now())
        await pool.execute("UPDATE cold_day SET packed_at = NULL")  # as packing does, before it begins
        await archive.write(FIRST, clock.now())
        await packer.pack(FIRST, clock.now())
        assert await archive.next_day() == FIRST


async def test_the_keeper_lets_nothing_go_before_it_is_archived(
    postgres_url: str, tmp_path: Path, signer: Signer
) -> None:
    clock = ManualClock(T0 + 10 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        await history.store([scan(1, T0, [1.0, 2.0])])
        await history.store([scan(2, T0 + 9 * DAY, [5.0, 6.0])])
        archive = ParquetArchive(pool, tmp_path / "archive", signer, "TCH")
        events = MemoryEventLog(clock)
        keeper = HistoryKeeper(packer, events, Retention(scans=2, samples=5, archived=True), clock, archive)
        await keeper.tidy()
        assert (keeper.days_archived, keeper.rows_expired) == (1, 0)  # its scans are still there for readers
        clock.jump(SETTLED_US / 1e6 + 4000)
        await clock.advance(4000)
        await keeper.tidy()
        assert keeper.rows_expired == 2
        (told,) = await events.read()
        assert (told.type, told.payload["before"], told.payload["archived"]) == ("SamplesLetGo", "2026-07-06", True)
        assert [day.day for day in check_archive(tmp_path / "archive")] == [FIRST]
        assert await everything(pool) == []
        assert await pool.fetchval("SELECT count(*) FROM scan") == 1  # what is younger


@pytest.mark.parametrize("lost", ["file", "manifest", "half of the file", "the whole folder"])
async def test_the_keeper_writes_again_what_its_archive_lost_before_it_lets_go(
    postgres_url: str, tmp_path: Path, signer: Signer, lost: str
) -> None:
    clock = ManualClock(T0 + 10 * DAY)
    folder = tmp_path / "archive"
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        await history.store([scan(1, T0, [1.0, 2.0])])
        await history.store([scan(2, T0 + 9 * DAY, [5.0, 6.0])])
        archive = ParquetArchive(pool, folder, signer, "TCH")
        retention = Retention(scans=2, samples=5, archived=True)
        keeper = HistoryKeeper(packer, MemoryEventLog(clock), retention, clock, archive)
        await keeper.tidy()
        file = folder / f"samples-{FIRST}.parquet"
        if lost == "file":
            file.unlink()
        elif lost == "manifest":
            file.with_suffix(".json").unlink()
        elif lost == "half of the file":
            file.write_bytes(file.read_bytes()[:100])
        else:
            shutil.rmtree(folder)
        clock.jump(SETTLED_US / 1e6 + 4000)
        await clock.advance(4000)
        await keeper.tidy()
        assert (keeper.days_archived, keeper.rows_expired) == (2, 2)
        assert [day.samples for day in check_archive(folder)] == [2]


async def test_a_day_in_one_archive_is_not_thought_to_be_in_another(
    postgres_url: str, tmp_path: Path, signer: Signer
) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        await history.store([scan(1, T0, [1.0, 2.0])])
        await packer.pack(FIRST, clock.now())
        here, there = (ParquetArchive(pool, tmp_path / name, signer, "TCH") for name in ("here", "there"))
        await here.write(FIRST, clock.now())
        assert await there.next_day() == FIRST
        await there.write(FIRST, clock.now())
        assert (await here.next_day(), await there.next_day()) == (None, None)


@pytest.mark.parametrize("wrong", ["file", "manifest", "gone"])
async def test_what_was_changed_in_an_archive_is_found(
    postgres_url: str, tmp_path: Path, signer: Signer, wrong: str
) -> None:
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(postgres_url, clock) as history, packer_on(postgres_url) as (packer, pool):
        await history.store([scan(1, T0, [1.0, 2.0])])
        await packer.pack(FIRST, clock.now())
        done = await ParquetArchive(pool, tmp_path / "archive", signer, "TCH").write(FIRST, clock.now())
    manifest = done.file.with_suffix(".json")
    if wrong == "file":
        done.file.write_bytes(done.file.read_bytes() + b"x")
    elif wrong == "manifest":
        manifest.write_text(manifest.read_text().replace('"samples": 2', '"samples": 3'))
    else:
        done.file.unlink()
    with pytest.raises(RefusedError, match=str(date(2026, 7, 1))):
        check_archive(tmp_path / "archive")
