"""A backup holds everything of one moment, says so, and can be loaded again; nothing is half done."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from tests.support.alarm_events import of_alarm, raised
from tests.support.histories import HOUR, MINUTE, T0, history_on, scan
from tests.support.manual_clock import ManualClock

from cityhall_bms import backing_up, backup_jobs
from cityhall_bms.adapters.backup_folder import Backup, BackupError, open_backup
from cityhall_bms.adapters.document_folder import DocumentFolder
from cityhall_bms.adapters.embedded.errors import FolderInUseError
from cityhall_bms.adapters.embedded.postgres import EmbeddedPostgres
from cityhall_bms.adapters.postgres import migrate as migrations
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import MigrationError, migrate, migrations_folder
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.settings import DatabaseSettings, Settings

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
EVERYTHING = {
    "event": "SELECT position, type, encode(hash, 'hex') FROM event ORDER BY 1",
    "scan": 'SELECT observed_at, set_id, "values"::text FROM scan ORDER BY 1, 2',
    "rollup_1m": "SELECT bucket, block, count FROM rollup_1m ORDER BY 1, 2",
    "latest": "SELECT block, value::text FROM latest ORDER BY 1",
}


async def contents(dsn: str) -> dict[str, list[asyncpg.Record]]:
    connection = await asyncpg.connect(dsn)
    try:
        return {name: await connection.fetch(query) for name, query in EVERYTHING.items()}
    finally:
        await connection.close()


async def fill(dsn: str) -> None:
    async with history_on(dsn, ManualClock(T0 + HOUR)) as history:
        await history.store([scan(number, T0 + number * MINUTE, [1.0 * number, 2.0]) for number in range(1, 20)])
    async with PostgresEventLog(dsn, SystemClock()) as log:
        await log.append([of_alarm("x", raised()), of_alarm("y", raised())])


@pytest_asyncio.fixture(loop_scope="session")
async def settings(database_url: str, tmp_path: Path) -> AsyncIterator[Settings]:
    await fill(database_url)
    yield Settings(data_dir=tmp_path / "data", database=DatabaseSettings(url=database_url))


async def test_a_backup_of_a_running_database_comes_back_as_it_was(
    settings: Settings, tmp_path: Path, database_servers: object, request: pytest.FixtureRequest
) -> None:
    before = await contents(settings.database.url)
    proof = await DocumentFolder(settings.document_folder).keep("bill.pdf", b"%PDF-1.7 of a fuel card")
    report = Path("20260701T000000-0a1b2c3d", "shift-TCH-115-06-30.pdf")
    (settings.report_folder / report).parent.mkdir(parents=True)
    (settings.report_folder / report).write_bytes(b"%PDF-1.7 of a shift")
    seen: list[tuple[int, int]] = []
    backup = await backup_jobs.back_up(settings, tmp_path, SystemClock(), lambda *done: seen.append(done))
    assert seen[-1][0] == seen[-1][1] > 10
    assert backup.heads.position == 2
    profile = request.node.callspec.params["database_url"]
    async with database_servers.bare_database(profile) as url:  # type: ignore[attr-defined]
        changed = {"database": DatabaseSettings(url=url), "data_dir": tmp_path / "other"}
        empty = settings.model_copy(update=changed)
        restored = await backup_jobs.restore(empty, backup.folder, SystemClock())
        assert restored == backup
        assert await contents(url) == before
        assert (await DocumentFolder(empty.document_folder).read(proof.sha256))[0] == "application/pdf"
        assert (empty.report_folder / report).read_bytes() == b"%PDF-1.7 of a shift"
        async with history_on(url, ManualClock(T0 + HOUR)) as history:  # it is at work again
            await history.store([scan(20, T0 + 20 * MINUTE, [9.0, 9.0])])
        with pytest.raises(RefusedError, match="not empty"):
            await backup_jobs.restore(empty, backup.folder, SystemClock())


@pytest.fixture
def made(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)  # an embedded server may run as another account
    return tmp_path / "backups"


async def one(settings: Settings, made: Path) -> Backup:
    return await backup_jobs.back_up(settings, made, SystemClock())


async def test_what_was_changed_in_a_backup_is_found_and_nothing_is_loaded(
    postgres_url: str, tmp_path: Path, made: Path
) -> None:
    await fill(postgres_url)
    settings = Settings(data_dir=tmp_path / "data", database=DatabaseSettings(url=postgres_url))
    backup = await one(settings, made)
    names = {path.name for path in backup.folder.rglob("*") if path.is_file()}
    assert "signing-key.pem" not in names
    data = max((backup.database / "dump").iterdir(), key=lambda path: path.stat().st_size)
    right = data.read_bytes()
    for wrong, words in ((right[:-1] + b"?", "not as it was written"), (None, "missing")):
        data.unlink() if wrong is None else data.write_bytes(wrong)
        with pytest.raises(BackupError, match=words):
            await backup_jobs.restore(settings, backup.folder, SystemClock())
    data.write_bytes(right)
    (backup.folder / "more").touch()
    with pytest.raises(BackupError, match="does not belong"):
        open_backup(backup.folder)
    (backup.folder / "more").unlink()
    manifest = json.loads((backup.folder / "backup.json").read_text())
    manifest["heads"]["position"] = 3
    (backup.folder / "backup.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match="not as it was signed"):
        open_backup(backup.folder)


async def test_an_unfinished_backup_is_none(tmp_path: Path) -> None:
    (tmp_path / "cityhall-1.partial").mkdir()
    with pytest.raises(BackupError, match="not finished"):
        open_backup(tmp_path / "cityhall-1.partial")


async def test_an_embedded_database_is_restored_beside_and_then_takes_the_place(tmp_path: Path, made: Path) -> None:
    old, new = Settings(data_dir=tmp_path / "old"), Settings(data_dir=tmp_path / "new")
    with pytest.raises(RefusedError, match="no database"):
        await one(old, made)
    async with EmbeddedPostgres(old.data_dir, SystemClock()) as server:
        await migrate(server.dsn)
        await fill(server.dsn)
        before = await contents(server.dsn)
    backup = await one(old, made)
    (new.data_dir / "restore.new").mkdir(parents=True)  # of one that was killed
    await backup_jobs.restore(new, backup.folder, SystemClock())
    with pytest.raises(RefusedError, match="--replace"):
        await backup_jobs.restore(new, backup.folder, SystemClock())
    await backup_jobs.restore(new, backup.folder, SystemClock(), replace=True)
    assert [path.name for path in new.data_dir.glob("postgres.replaced-*")]
    assert not (new.data_dir / "restore.new").exists()
    async with EmbeddedPostgres(new.data_dir, SystemClock()) as server:
        assert await contents(server.dsn) == before


async def test_the_place_of_a_running_service_is_not_touched(tmp_path: Path) -> None:
    from cityhall_bms.supervisor import claimed

    settings = Settings(data_dir=tmp_path / "data")
    backup = Backup(tmp_path, "", "", backing_up.Heads(0, "", 0, [], "postgres"), "", 0)
    with claimed(settings.data_dir, "service.lock"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup_jobs, "open_backup", lambda _folder: backup)
        with pytest.raises(FolderInUseError):
            await backup_jobs.restore(settings, tmp_path, SystemClock())


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations without the last one."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    numbers = sorted({path.name[:4] for path in migrations_folder().glob("*.sql")})
    for path in migrations_folder().glob("*.sql"):
        if path.name[:4] != numbers[-1]:
            (folder / path.name).write_text(path.read_text())
    monkeypatch.setattr(migrations, "migrations_folder", lambda: folder)
    return folder


async def test_a_database_in_use_is_backed_up_before_it_is_migrated(
    bare_database_url: str, tmp_path: Path, earlier: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database=DatabaseSettings(url=bare_database_url))
    fresh = await backing_up.migrate_safely(settings, SystemClock())
    assert (len(fresh.steps), fresh.backup) == (steps_in(earlier), None)
    (earlier / "0999_more.sql").write_text("CREATE TABLE more (n integer)")
    tried = await backing_up.migrate_safely(settings, SystemClock(), dry_run=True)
    assert tried == backing_up.Migrated(["0999_more"], None)
    done = await backing_up.migrate_safely(settings, SystemClock())
    assert done.steps == ["0999_more"]
    assert done.backup is not None
    assert 999 not in open_backup(done.backup).heads.steps
    assert (await backing_up.migrate_safely(settings, SystemClock())).steps == []


def steps_in(folder: Path) -> int:
    return len({path.name[:4] for path in folder.iterdir()})


async def test_a_dry_run_tells_what_would_fail_and_changes_nothing(
    bare_database_url: str, tmp_path: Path, earlier: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database=DatabaseSettings(url=bare_database_url))
    await migrate(bare_database_url, earlier)
    (earlier / "0998_good.sql").write_text("CREATE TABLE good (n integer)")
    (earlier / "0999_bad.sql").write_text("CREATE TABLE bad (n integr)")
    with pytest.raises(MigrationError, match="0999_bad"):
        await backing_up.migrate_safely(settings, SystemClock(), dry_run=True)
    connection = await asyncpg.connect(bare_database_url)
    assert await connection.fetchval("SELECT to_regclass('good')") is None
    await connection.close()
