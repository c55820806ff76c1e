"""Backups of a running database, and migrations that make one first."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

import asyncpg

from cityhall_bms.adapters.backup_folder import Backup, Heads, copy_folder, open_backup, seal
from cityhall_bms.adapters.postgres import dumping
from cityhall_bms.adapters.postgres.connection import connect, translated
from cityhall_bms.adapters.postgres.migrate import migrate, plan
from cityhall_bms.adapters.seal_files import FOLDER as SEALS
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.historian.intervals import EPOCH
from cityhall_bms.ports.clock import Clock
from cityhall_bms.settings import Settings

KEYS: Final = "keys"
DOCUMENTS: Final = "documents"
REPORTS: Final = "reports"
PUBLIC_KEYS: Final = "public-*.pem"
OnTable = dumping.OnTable


def nobody_watches(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


async def back_up_database(settings: Settings, target: Path, clock: Clock, on_table: OnTable, name: str = "") -> Backup:
    """Write a backup of a running database into ``target``, named after its time unless it has a ``name``; checked.

    Everything is of one moment; whoever works there goes on.
    """
    made_at = time_of(clock)
    final = target / (name or f"cityhall-{made_at:%Y%m%dT%H%M%SZ}")
    fresh = final.with_name(f"{final.name}.partial")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "database").mkdir(parents=True, mode=0o700)
    async with _moment(settings.database.url) as (connection, snapshot):
        row = await connection.fetchrow(dumping.QUERIES["heads"])
        heads = Heads(row["position"] or 0, row["hash"] or "", row["telemetry"], row["steps"], row["profile"])
        count = await dumping.tables(settings.database.url)
        (fresh / "database" / "tables").write_text(str(count), encoding="utf-8")
        if heads.profile == "timescale":
            (fresh / "database" / "timescale").touch()
        await dumping.dump(settings.database.url, snapshot, fresh / "database" / "dump", on_table)
    copy_folder(settings.data_dir / SEALS, fresh / SEALS)
    copy_folder(settings.document_folder, fresh / DOCUMENTS)
    copy_folder(settings.report_folder, fresh / REPORTS)
    copy_folder(settings.key_folder, fresh / KEYS, PUBLIC_KEYS)
    signer = Signer.load_or_create(settings.key_folder)
    await asyncio.to_thread(seal, fresh, made_at.isoformat(), version("cityhall-bms"), heads, signer)
    fresh.rename(final)
    return await asyncio.to_thread(open_backup, final)


def time_of(clock: Clock) -> datetime:
    """Present time, for names of folders."""
    return EPOCH + timedelta(microseconds=clock.now())


@asynccontextmanager
async def _moment(dsn: str) -> AsyncIterator[tuple[asyncpg.Connection, str]]:
    """One moment of a database, and its name for others."""
    with translated(EventLogUnavailableError):
        connection = await connect(dsn, command_timeout_s=None)
        try:
            # A dump of years takes longer than a transaction may idle.
            await connection.execute("SET idle_in_transaction_session_timeout = 0")
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                yield connection, await connection.fetchval(dumping.QUERIES["snapshot"])
        finally:
            connection.terminate()


@dataclass(frozen=True, slots=True)
class Migrated:
    """Steps that were taken, or would be, and the backup that was made before."""

    steps: list[str]
    backup: Path | None


async def migrate_safely(
    settings: Settings,
    clock: Clock,
    *,
    dry_run: bool = False,
    backup: bool = True,
    on_backup: Callable[[Path], None] = lambda _folder: None,
) -> Migrated:
    """Bring a running database to the present schema; one that holds data is backed up first.

    ``dry_run`` tries every step and takes all of it back. ``RefusedError`` where no backup can be made.
    """
    steps, used = await plan(settings.database.url)
    if dry_run:
        await migrate(settings.database.url, keep=False)
        return Migrated(steps, None)
    made: Path | None = None
    if steps and used and backup:
        folder = settings.data_dir / "backups"
        on_backup(folder)
        name = f"before-{steps[0]}-{time_of(clock):%Y%m%dT%H%M%SZ}"
        made = (await back_up_database(settings, folder, clock, nobody_watches, name)).folder
    await migrate(settings.database.url)
    return Migrated(steps, made)
