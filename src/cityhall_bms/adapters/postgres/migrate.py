"""Brings a database to the present schema, once, in order, and refuses to guess.

``migrations/NNNN_what.sql`` is applied in a transaction of its own and recorded with its checksum. Where
``NNNN_what.timescale.sql`` exists it is applied in its place on a server with TimescaleDB. The choice between the two
profiles is made at the first migration and kept, because their tables differ.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import CONNECT_TIMEOUT_S, connect, translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import CityHallError, EventLogUnavailableError

QUERIES: Final = load("migrate.sql")
FILE_NAME: Final = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)(?P<timescale>\.timescale)?\.sql")
MIGRATION_LOCK: Final = 7302
POSTGRES: Final = "postgres"
TIMESCALE: Final = "timescale"


class MigrationError(CityHallError):
    """The database and the migration files do not fit; trying again will not help."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    script: str

    @property
    def sha256(self) -> str:
        """Checksum by which a later change of the file is noticed."""
        return hashlib.sha256(self.script.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """A step that the database says it has taken."""

    number: int
    name: str
    sha256: str


def migrations_folder() -> Path:
    """Folder of the migrations: in the wheel, else in the checkout."""
    installed = Path(str(files("cityhall_bms"))) / "_migrations"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[4] / "migrations"


def read_migrations(folder: Path, profile: str) -> list[Migration]:
    """Steps of one profile, in order; :class:`MigrationError` for a misnamed file or a number used twice."""
    chosen: dict[int, tuple[bool, Migration]] = {}
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            msg = f"{path.name} is no name of a migration: use NNNN_what.sql or NNNN_what.timescale.sql"
            raise MigrationError(msg)
        special = match["timescale"] is not None
        if special and profile != TIMESCALE:
            continue
        step = Migration(int(match["number"]), match["name"], path.read_text(encoding="utf-8"))
        before = chosen.get(step.number)
        if before is not None and (before[1].name != step.name or before[0] == special):
            msg = f"two migrations have the number {step.number:04}: {before[1].name} and {step.name}"
            raise MigrationError(msg)
        if before is None or special:
            chosen[step.number] = (special, step)
    if not chosen:
        msg = f"there are no migrations in {folder}"
        raise MigrationError(msg)
    return [chosen[number][1] for number in sorted(chosen)]


def pending(migrations: Sequence[Migration], applied: Iterable[Applied]) -> list[Migration]:
    """Steps still to take; :class:`MigrationError` when a step that was taken is gone or reads differently now."""
    by_number = {step.number: step for step in migrations}
    done: set[int] = set()
    for record in applied:
        step = by_number.get(record.number)
        if step is None:
            msg = (
                f"the database has migration {record.number:04}_{record.name}, which this version does not know: "
                "it was migrated by a newer version; use that one"
            )
            raise MigrationError(msg)
        if step.sha256 != record.sha256:
            msg = (
                f"migration {record.number:04}_{step.name} was changed after it had been applied: "
                "restore the file and put the change into a new migration"
            )
            raise MigrationError(msg)
        done.add(record.number)
    return [step for step in migrations if step.number not in done]


async def migrate(dsn: str, folder: Path | None = None, *, keep: bool = True) -> list[int]:
    """Apply what is missing and give its numbers. Safe when several processes start at once.

    Without ``keep`` every step is tried and all is taken back. ``EventLogUnavailableError`` when the server is away,
    :class:`MigrationError` when files and database do not fit.
    """
    async with _alone(dsn) as connection:
        if keep:
            return await _migrate(connection, folder or migrations_folder())
        async with _taken_back(connection):
            return await _migrate(connection, folder or migrations_folder())


async def plan(dsn: str, folder: Path | None = None) -> tuple[list[str], bool]:
    """Names of the steps that are missing, and whether the database was in use before."""
    async with _alone(dsn) as connection, _taken_back(connection):
        steps, applied = await _pending(connection, folder or migrations_folder())
    return [f"{step.number:04}_{step.name}" for step in steps], bool(applied)


@asynccontextmanager
async def _alone(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    with translated(EventLogUnavailableError):
        # A migration of a large table may take its time; so may waiting for another process that migrates.
        connection = await connect(dsn, command_timeout_s=None)
        try:
            await connection.execute(QUERIES["lock"], MIGRATION_LOCK)
            yield connection
            await connection.close(timeout=CONNECT_TIMEOUT_S)
        finally:
            connection.terminate()


@asynccontextmanager
async def _taken_back(connection: asyncpg.Connection) -> AsyncIterator[None]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def profile_of(connection: asyncpg.Connection) -> str:
    """Profile of a migrated database: ``postgres`` or ``timescale``."""
    profile: str | None = await connection.fetchval(QUERIES["profile"])
    if profile is None:
        msg = "the database was never migrated"
        raise MigrationError(msg)
    return profile


async def _migrate(connection: asyncpg.Connection, folder: Path) -> list[int]:
    steps, _ = await _pending(connection, folder)
    for step in steps:
        async with connection.transaction():
            await _apply(connection, step)
    return [step.number for step in steps]


async def _pending(connection: asyncpg.Connection, folder: Path) -> tuple[list[Migration], list[Applied]]:
    await connection.execute(QUERIES["create_tables"])
    migrations = read_migrations(folder, await _profile(connection))
    applied = [Applied(*row) for row in await connection.fetch(QUERIES["applied"])]
    return pending(migrations, applied), applied


async def _apply(connection: asyncpg.Connection, step: Migration) -> None:
    try:
        await connection.execute(step.script)
    except (asyncpg.SyntaxOrAccessError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        msg = f"migration {step.number:04}_{step.name} failed and changed nothing: {error}"
        raise MigrationError(msg) from error
    await connection.execute(QUERIES["record"], step.number, step.name, step.sha256)


async def _profile(connection: asyncpg.Connection) -> str:
    timescale = await connection.fetchrow(QUERIES["timescale"])
    kept: str | None = await connection.fetchval(QUERIES["profile"])
    if kept == TIMESCALE and not timescale["created"]:
        msg = "this database was made with TimescaleDB, and the server does not have it: install the extension"
        raise MigrationError(msg)
    if kept is not None:
        return kept
    if timescale["offered"] and not timescale["created"]:
        await connection.execute(QUERIES["create_timescale"])
    profile = TIMESCALE if timescale["offered"] or timescale["created"] else POSTGRES
    await connection.execute(QUERIES["choose_profile"], profile)
    return profile
