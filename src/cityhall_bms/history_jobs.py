"""Work on history that a command does, beside the service or alone: loading the past, and decoding it again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from cityhall_bms import beside, bootstrap, site_reading
from cityhall_bms.adapters.history_folder import check_history, open_history
from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.postgres.restating import PostgresRestatement
from cityhall_bms.adapters.restatement_text import render_findings
from cityhall_bms.collector.second_reading import CollectorsReading
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import HistoryImported
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.importing import import_history
from cityhall_bms.historian.intervals import local_time_us
from cityhall_bms.historian.restating import Restatement, restate, survey
from cityhall_bms.ports.capabilities import RedecodableFactory
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_bms.ports.history import Window
from cityhall_bms.roles.parts import pooled
from cityhall_bms.settings import Settings
from cityhall_bms.supervisor import until_stopped


@dataclass(frozen=True, slots=True)
class ImportJob:
    """A folder of history to load into the history of a site; ``on_day`` hears of days stored and of all days."""

    folder: Path
    site: Path
    settings: Settings
    on_day: Callable[[int, int], None]
    on_end: Callable[[HistoryImported], None]


async def load_history(job: ImportJob, clock: Clock) -> None:
    """Import until all is loaded, SIGTERM or Ctrl-C.

    With the embedded database :class:`FolderInUseError` while a service has the data folder; with a server of one's own
    both may work at once.
    """
    await until_stopped(_load_history(job, clock))


async def _load_history(job: ImportJob, clock: Clock) -> None:
    check_history(job.folder, site_reading.read_site(job.site))
    async with beside.database(job.settings, clock, alone=True) as settings:
        job.on_end(await _load(job.folder, job.site, settings, clock, job.on_day))


async def _load(
    folder: Path, site_folder: Path, settings: Settings, clock: Clock, on_day: Callable[[int, int], None]
) -> HistoryImported:
    """Import a folder of history on a running database; ``on_day`` hears how many days of how many are stored."""
    site = site_reading.read_site(site_folder)
    await bootstrap.prepare(site_folder, settings, clock)
    async with (
        PostgresEventLog(settings.database.url, clock) as events,
        pooled(settings) as pool,
        PostgresImport.open(settings.database.url, clock, site.time_zone) as store,
    ):
        file = open_history(folder, site, await PostgresPointRegistry(pool, events).ids())
        return await import_history(file, store, events, lambda done: on_day(done, file.plan.days))


@dataclass(frozen=True, slots=True)
class RedecodeRequest:
    """Which device's past is to be decoded again, and who says why. Times are ISO 8601, the building's if bare."""

    device: str
    begin: str
    end: str
    reason: str
    actor: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class RedecodePlan:
    """A request that makes sense for a site."""

    asked: RedecodeRequest
    site: Site
    factory: RedecodableFactory
    window: Window


def plan_redecode(folder: Path, asked: RedecodeRequest) -> RedecodePlan:
    """Check a request before anything runs; :class:`SiteError`, or ``RefusedError`` that says what to do."""
    site = site_reading.read_site(folder)
    window = Window(*(local_time_us(text, ZoneInfo(site.time_zone)) for text in (asked.begin, asked.end)))
    if window.end <= window.start:
        msg = f"--until {asked.end} is not later than --from {asked.begin}"
        raise RefusedError(msg)
    return RedecodePlan(asked, site, _redecoding(site, asked.device), window)


async def carry_out(plan: RedecodePlan, settings: Settings, clock: Clock) -> str:
    """Decode again what a device sent, on a running database; gives what changes, for people."""
    asked, site, window = plan.asked, plan.site, plan.window
    await migrate(settings.database.url)
    async with (
        PostgresEventLog(settings.database.url, clock) as events,
        pooled(settings) as pool,
        PostgresRestatement.open(settings.database.url, clock, site.time_zone) as store,
    ):
        ids = await PostgresPointRegistry(pool, events).ids()
        if not site.points.keys() <= ids.keys():
            msg = (
                "the site folder has points that were never in service: take it into service first (cityhall-bms apply)"
            )
            raise RefusedError(msg)
        points = [BoundPoint(ids[point.name], point) for point in site.points_of(asked.device)]
        request = Restatement(asked.device, points, window, asked.reason, asked.actor)

        def anew() -> CollectorsReading:
            return CollectorsReading(plan.factory, points, site, ids, window.start)

        found = await (survey(store, request, anew) if asked.dry_run else restate(store, request, anew, events, clock))
    return render_findings(found, request, site.time_zone, dry_run=asked.dry_run)


def _redecoding(site: Site, device: str) -> RedecodableFactory:
    if device not in site.devices:
        msg = f"there is no device '{device}'; there are {', '.join(sorted(site.devices))}"
        raise RefusedError(msg)
    protocol = site.devices[device].protocol
    factory = find_factories()[protocol]
    if not isinstance(factory, RedecodableFactory):
        msg = f"{device}: the driver '{protocol}' keeps nothing that could be decoded again"
        raise RefusedError(msg)
    return factory


@dataclass(frozen=True, slots=True)
class RedecodeJob:
    """What a device of a site sent is to be decoded again; ``on_end`` hears what changed, for people."""

    site: Path
    settings: Settings
    asked: RedecodeRequest
    on_end: Callable[[str], None]


async def redecode(job: RedecodeJob, clock: Clock) -> None:
    """Correct the past until done, SIGTERM or Ctrl-C; a running service may work on meanwhile."""
    await until_stopped(_redecode(job, clock))


async def _redecode(job: RedecodeJob, clock: Clock) -> None:
    plan = plan_redecode(job.site, job.asked)
    async with beside.database(job.settings, clock) as settings:
        job.on_end(await carry_out(plan, settings, clock))
