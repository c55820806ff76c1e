"""Commands about meters, beside the service or alone: exchanges, counters judged anew, readings from a file."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from cityhall_bms import beside, bootstrap, site_reading
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.recounting import PostgresRecount
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.command_frame import Config, DataDir, SiteFolder, run, settings_of
from cityhall_bms.day_bar import day_bar
from cityhall_bms.domain.counters import TIME_STAMP
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.site import PointKind, Site
from cityhall_bms.energy.reading_desk import MeterReadings
from cityhall_bms.historian.intervals import local_time_us
from cityhall_bms.historian.meter_desk import CounterDesk
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.energy_readings import ImportOutcome, RowOutcome
from cityhall_bms.roles.parts import pooled
from cityhall_bms.settings import Settings

FILE_BYTES_MAX: Final = 1_000_000

meter_app = typer.Typer(no_args_is_help=True, help="人工抄表 / Readings that people take off meters.")


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command(name="exchange-meter")(exchange_meter)
    app.command()(recount)
    app.add_typer(meter_app, name="meter")


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """Which meter was exchanged when; the time is ISO 8601, the building's if bare."""

    point: str
    at: str
    last_old: float
    first_new: float
    reason: str
    actor: str


def exchange_meter(  # noqa: PLR0913 - the options of a command are its arguments
    site: SiteFolder,
    *,
    point: Annotated[str, typer.Option("--point", help="點位名稱 / name of the counter")],
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="換表時間 / when, ISO 8601; local if bare")],
    last_old: Annotated[float, typer.Option("--last-old", help="舊表最後讀值 / last reading of the old meter")],
    first_new: Annotated[float, typer.Option("--first-new", help="新表最初讀值 / first reading of the new one")],
    reason: Annotated[str, typer.Option("--reason", help="為何更換 / why; kept in the event log")],
    actor: Annotated[str, typer.Option("--by", help="誰更換 / who; kept in the event log")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """記錄換表，用量隨之更正 / Record that a meter was exchanged; what it counted is corrected by it."""
    settings = settings_of(config, data_dir)
    asked = ExchangeRequest(point, at, last_old, first_new, reason, actor)
    run(lambda: record_exchange(site, asked, settings, SystemClock()))
    print(f"{point}: 已記錄 recorded")


def recount(site: SiteFolder, config: Config = None, data_dir: DataDir = None) -> None:
    """依現在的點位表重新判讀所有計數值 / Judge all that counters recorded anew, by the points as they are now."""
    settings = settings_of(config, data_dir)
    with day_bar() as on_day:
        changed = run(lambda: judge_anew(site, settings, SystemClock(), on_day))
    print(f"已更正 steps that changed: {changed:,}")


@meter_app.command(name="import")
def import_file(
    site: SiteFolder,
    file: Annotated[Path, typer.Argument(help="CSV: meter,first_day,last_day,amount,unit[,note]")],
    *,
    actor: Annotated[str, typer.Option("--by", help="誰輸入 / who enters it; somebody else approves")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只檢查，不寫入 / only check, and say what would change")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """輸入人工抄表檔，待他人核可 / Enter readings from a file; they wait for somebody else's approval."""
    settings = settings_of(config, data_dir)
    outcome = run(lambda: enter_file(site, file, settings, SystemClock(), (actor, dry_run)))
    for row in outcome.rows:
        reading, was = row.reading, "" if row.before is None else f" ({row.before:g})"
        print(f"{file.name}:{row.line}: {row.outcome} {reading.meter} #{reading.number} {reading.amount:g}{was}")
    for problem in outcome.problems:
        print(f"{file.name}:{problem.line}:{problem.column}: {problem.field}: {problem.message}", file=sys.stderr)
    if outcome.problems:
        print("未寫入 nothing was entered", file=sys.stderr)
        raise typer.Exit(1)
    new = sum(row.outcome is not RowOutcome.UNCHANGED for row in outcome.rows)
    print(f"{'將輸入 would enter' if dry_run else '已輸入 entered'}: {new}")


async def enter_file(
    folder: Path, file: Path, settings: Settings, clock: Clock, how: tuple[str, bool]
) -> ImportOutcome:
    """Enter a file (``how``: by whom, and whether only as a trial); ``RefusedError`` for one that cannot be read."""
    text = read_text(file)
    site = site_reading.read_site(folder)
    by, dry_run = how
    async with beside.database(settings, clock) as running:
        await migrate(running.database.url)
        async with PostgresEventLog(running.database.url, clock) as events:
            return await MeterReadings(site, events, clock).enter_file(text, by=by, dry_run=dry_run)


def read_text(file: Path) -> str:
    """Text of a file of readings; ``RefusedError`` when it cannot be read, is too large or is not UTF-8."""
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            msg = f"{file}: larger than {FILE_BYTES_MAX} bytes"
            raise RefusedError(msg)
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        msg = f"{file}: {error.strerror}"
        raise RefusedError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{file}: not UTF-8; save it as UTF-8 (in Excel: 'CSV UTF-8')"
        raise RefusedError(msg) from error


async def judge_anew(folder: Path, settings: Settings, clock: Clock, on_day: Callable[[int, int], None]) -> int:
    """Take the points of the site into service, find all steps anew, and give how many differ."""
    site = site_reading.read_site(folder)
    async with beside.database(settings, clock) as running:
        await bootstrap.prepare(folder, running, clock)
        async with PostgresRecount.open(running.database.url, clock, site.time_zone) as counters:
            return await counters.recount(on_day)


async def record_exchange(folder: Path, asked: ExchangeRequest, settings: Settings, clock: Clock) -> None:
    """Write the event; the historian takes it from there. ``RefusedError`` for what is no counter of the site."""
    site = site_reading.read_site(folder)
    check_counter(site, asked.point)
    async with beside.database(settings, clock) as running:
        url = running.database.url
        await migrate(url)
        async with PostgresEventLog(url, clock) as events, pooled(running) as pool:
            desk = CounterDesk(events, PostgresCounterView(pool, clock, site.time_zone), clock)
            await desk.exchange(
                asked.point,
                at=local_time_us(asked.at, ZoneInfo(site.time_zone)),
                last_old=asked.last_old,
                first_new=asked.first_new,
                reason=asked.reason,
                by=asked.actor,
            )


def check_counter(site: Site, name: str) -> None:
    """``RefusedError`` for a point that is not there, or does not count."""
    point = site.points.get(name)
    if point is None or point.kind is not PointKind.CI or point.unit == TIME_STAMP:
        msg = f"{name} is no counter of this site (a point of kind CI)"
        raise RefusedError(msg)
