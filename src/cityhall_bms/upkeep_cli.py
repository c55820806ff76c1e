"""Commands with which a record is kept safe: backup, restore, migrate, rebuild, archive."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cityhall_bms import backing_up, backup_jobs, beside, site_reading, upkeep_jobs
from cityhall_bms.adapters.parquet_archive import check_archive
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.command_frame import Config, DataDir, SiteFolder, ending_well, run, settings_of
from cityhall_bms.settings import Settings

Folder = Annotated[Path, typer.Argument(help="資料夾 / a folder")]


def register(app: typer.Typer) -> None:
    """Add the commands to the others."""
    for command in (backup, restore, migrate, rebuild, archive):
        app.command()(command)


def backup(folder: Folder, config: Config = None, data_dir: DataDir = None) -> None:
    """備份整份紀錄，服務可繼續運轉 / Back up the whole record; the service may run on."""
    settings = settings_of(config, data_dir)
    with _bar("表 tables") as on_table:
        made = run(lambda: backup_jobs.back_up(settings, folder, SystemClock(), on_table))
    print(f"{made.folder}: {made.bytes:,} bytes, 事件 events to {made.heads.position}")


def restore(
    folder: Folder,
    replace: Annotated[bool, typer.Option("--replace", help="原資料庫改名保留 / move one that is there")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """由備份還原；先全部檢查、另處載入，最後才換上 / Load a backup: checked, loaded beside, then put in place."""
    settings = settings_of(config, data_dir)
    with _bar("表 tables") as on_table:
        loaded = run(lambda: backup_jobs.restore(settings, folder, SystemClock(), on_table, replace=replace))
    print(f"已還原 restored: {loaded.made_at}, 事件 events to {loaded.heads.position}")


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="試做後全部收回 / try, and take all back")] = False,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="不先備份 / without a backup before")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """更新資料庫結構，先自動備份 / Bring the database to this version's schema, backed up before."""
    settings = settings_of(config, data_dir)

    async def work() -> backing_up.Migrated:
        beside.require_database(settings)
        async with beside.database(settings, SystemClock()) as running:
            return await _migrated(running, dry_run=dry_run, backup=not no_backup)

    done = run(work)
    if done.backup is not None:
        print(f"備份 backup: {done.backup}")
    words = "可行 would do" if dry_run else "完成 done"
    print(f"{words}: {', '.join(done.steps) or '無 nothing'}")


async def _migrated(settings: Settings, *, dry_run: bool, backup: bool) -> backing_up.Migrated:
    return await backing_up.migrate_safely(settings, SystemClock(), dry_run=dry_run, backup=backup)


def rebuild(
    name: Annotated[str, typer.Argument(metavar="PROJECTION", help="alarms, counters, devices")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """由事件重建投影：另處建立、比對、有異才換上 / Build a projection anew, compare, switch if it differs."""
    settings = settings_of(config, data_dir)
    with _bar("事件 events") as on_event:
        found = run(lambda: upkeep_jobs.rebuild(settings, name, SystemClock(), on_event))
    rows = ", ".join(f"{table} {count:,}" for table, count in found.rows.items())
    if found.differed:
        wrong = ", ".join(f"{table} {count:,}" for table, count in found.wrong.items())
        print(f"{name}: 已換上 replaced; 不同的列 rows that differed: {wrong}; 現有 now: {rows}")
    else:
        print(f"{name}: 相同 equal at event {found.position}: {rows}")


def archive(
    site: SiteFolder,
    folder: Annotated[Path | None, typer.Option("--folder", help="存放處 / where to; else the settings'")] = None,
    check: Annotated[bool, typer.Option("--check", help="只檢查檔案 / only check the files")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """把已封存的日子寫成 Parquet / Write packed days as Parquet files with signed manifests."""
    settings = settings_of(config, data_dir)
    place = folder or Path(settings.retention.archive or "archive")
    if check:
        print(f"{place}: {len(ending_well(lambda: check_archive(place)))} 天無誤 days are as they were written")
        return
    code = ending_well(lambda: site_reading.read_site(site)).code
    done = run(lambda: upkeep_jobs.archive(settings, code, place, SystemClock(), lambda day: typer.echo(day, err=True)))
    print(f"{place}: {len(done)} 天 days, {sum(day.samples for day in done):,} samples")


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr; nothing where no person looks."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(what), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
