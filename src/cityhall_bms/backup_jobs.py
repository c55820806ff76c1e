"""``cityhall-bms backup``, ``restore`` and ``migrate``: beside the service, or alone. All may be interrupted."""

import asyncio
import shutil
from pathlib import Path

from cityhall_bms import beside
from cityhall_bms.adapters.backup_folder import Backup, BackupError, copy_folder, open_backup
from cityhall_bms.adapters.embedded.postgres import EmbeddedPostgres
from cityhall_bms.adapters.postgres import dumping
from cityhall_bms.adapters.postgres.connection import connect, translated
from cityhall_bms.adapters.seal_files import FOLDER as SEALS
from cityhall_bms.backing_up import DOCUMENTS, KEYS, REPORTS, OnTable, back_up_database, nobody_watches, time_of
from cityhall_bms.domain.errors import EventLogUnavailableError, RefusedError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.settings import Settings
from cityhall_bms.supervisor import claimed


async def back_up(settings: Settings, target: Path, clock: Clock, on_table: OnTable = nobody_watches) -> Backup:
    """Write a backup into ``target``, named after its time; gives it, checked."""
    beside.require_database(settings)
    async with beside.database(settings, clock) as running:
        return await back_up_database(running, target, clock, on_table)


async def restore(
    settings: Settings, folder: Path, clock: Clock, on_table: OnTable = nobody_watches, *, replace: bool = False
) -> Backup:
    """Load a backup: into an empty database of one's own, or as the embedded one, beside and then in its place.

    ``replace`` moves an embedded database that is there out of the way; it is kept.
    """
    backup = await asyncio.to_thread(open_backup, folder)
    if settings.database.url:
        await _load(settings.database.url, backup, on_table)
    else:
        with claimed(settings.data_dir, beside.LOCK):
            await _restore_embedded(settings, backup, clock, on_table, replace=replace)
    copy_folder(folder / SEALS, settings.data_dir / SEALS)
    copy_folder(folder / DOCUMENTS, settings.document_folder)
    copy_folder(folder / REPORTS, settings.report_folder)
    copy_folder(folder / KEYS, settings.key_folder)
    return backup


async def _restore_embedded(
    settings: Settings, backup: Backup, clock: Clock, on_table: OnTable, *, replace: bool
) -> None:
    place = settings.data_dir / EmbeddedPostgres.name
    if place.exists() and not replace:
        msg = f"{place} is there already: say --replace to move it out of the way, or name another --data-dir"
        raise RefusedError(msg)
    beside_it = settings.data_dir / "restore.new"
    shutil.rmtree(beside_it, ignore_errors=True)
    server = EmbeddedPostgres(beside_it, clock)
    async with server:
        await _load(server.dsn, backup, on_table)
    if place.exists():
        place.rename(settings.data_dir / f"{place.name}.replaced-{time_of(clock):%Y%m%dT%H%M%SZ}")
    server.folder.rename(place)
    shutil.rmtree(beside_it, ignore_errors=True)


async def _load(dsn: str, backup: Backup, on_table: OnTable) -> None:
    await dumping.restore(dsn, backup.database, on_table)
    with translated(EventLogUnavailableError):
        connection = await connect(dsn)
        try:
            row = await connection.fetchrow(dumping.QUERIES["heads"])
        finally:
            connection.terminate()
    if (row["position"] or 0, row["hash"] or "") != (backup.heads.position, backup.heads.hash):
        msg = f"the database has event {row['position']} after loading, the backup says {backup.heads.position}"
        raise BackupError(msg)
