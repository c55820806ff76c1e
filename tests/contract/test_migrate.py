"""Migrations on real servers."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from cityhall_bms.adapters.postgres.migrate import MigrationError, migrate, migrations_folder, profile_of
from cityhall_bms.domain.errors import EventLogUnavailableError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (a integer); INSERT INTO first VALUES (1)")
    (tmp_path / "0003_third.sql").write_text("CREATE TABLE third (profile text DEFAULT 'postgres')")
    (tmp_path / "0003_third.timescale.sql").write_text("CREATE TABLE third (profile text DEFAULT 'timescale')")
    return tmp_path


async def fetchval(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_our_own_migrations_apply_once(bare_database_url: str) -> None:
    applied = await migrate(bare_database_url)

    assert applied == sorted({int(path.name[:4]) for path in migrations_folder().glob("*.sql")})
    assert await migrate(bare_database_url) == []


async def test_the_profile_is_that_of_the_server_and_is_kept(bare_database_url: str, folder: Path) -> None:
    connection = await asyncpg.connect(bare_database_url)
    await connection.execute("DROP EXTENSION IF EXISTS timescaledb")
    offered = await connection.fetchval("SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'")
    expected = "timescale" if offered else "postgres"

    assert await migrate(bare_database_url, folder) == [1, 3]

    assert await profile_of(connection) == expected
    await connection.execute("INSERT INTO third DEFAULT VALUES")
    assert await connection.fetchval("SELECT profile FROM third") == expected
    await connection.close()


async def test_a_database_of_another_profile_is_refused(bare_database_url: str, folder: Path) -> None:
    await migrate(bare_database_url, folder)
    connection = await asyncpg.connect(bare_database_url)
    await connection.execute("UPDATE migration_profile SET profile = 'timescale'")
    await connection.execute("DROP EXTENSION IF EXISTS timescaledb")
    await connection.close()

    with pytest.raises(MigrationError, match="TimescaleDB"):
        await migrate(bare_database_url, folder)


async def test_processes_that_start_at_once_migrate_once(bare_database_url: str, folder: Path) -> None:
    results = await asyncio.gather(*(migrate(bare_database_url, folder) for _ in range(5)))

    assert sorted(results) == [[], [], [], [], [1, 3]]


async def test_a_later_migration_is_added_also_with_a_lower_number(bare_database_url: str, folder: Path) -> None:
    await migrate(bare_database_url, folder)
    (folder / "0002_second.sql").write_text("CREATE TABLE second ()")

    assert await migrate(bare_database_url, folder) == [2]


async def test_a_changed_file_is_refused(bare_database_url: str, folder: Path) -> None:
    await migrate(bare_database_url, folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE first (b integer)")

    with pytest.raises(MigrationError, match="0001_first was changed"):
        await migrate(bare_database_url, folder)


async def test_a_missing_file_is_refused(bare_database_url: str, folder: Path) -> None:
    await migrate(bare_database_url, folder)
    (folder / "0001_first.sql").unlink()

    with pytest.raises(MigrationError, match="newer version"):
        await migrate(bare_database_url, folder)


async def test_a_failing_migration_changes_nothing_and_can_be_repeated(bare_database_url: str, folder: Path) -> None:
    broken = folder / "0002_second.sql"
    broken.write_text("CREATE TABLE second (); INSERT INTO first VALUES (2); SELECT nonsense")
    with pytest.raises(MigrationError, match="0002_second failed and changed nothing"):
        await migrate(bare_database_url, folder)

    assert await fetchval(bare_database_url, "SELECT count(*) FROM first") == 1
    broken.write_text("CREATE TABLE second ()")
    assert await migrate(bare_database_url, folder) == [2, 3]


async def test_a_server_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(EventLogUnavailableError):
        await migrate("postgresql://x@127.0.0.1:1/x")
