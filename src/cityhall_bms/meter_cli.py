"""Commands about meters, beside the service or alone: one was exchanged; what all of them counted is judged anew."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
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
from cityhall_bms.historian.intervals import local_time_us
from cityhall_bms.historian.meter_desk import CounterDesk
from cityhall_bms.ports.clock import Clock
from cityhall_bms.roles.parts import pooled
from cityhall_bms.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command(name="exchange-meter")(exchange_meter)
    app.command()(recount)


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
