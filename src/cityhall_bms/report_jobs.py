"""Commands about reports: making one, beside the service or for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from cityhall_bms import beside, bootstrap, site_reading
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.report_desk import fail, find
from cityhall_bms.adapters.report_files.making import require_formats
from cityhall_bms.adapters.report_files.pdf import PdfError
from cityhall_bms.domain.errors import MissingLibraryError, NotFoundError, RefusedError
from cityhall_bms.domain.reports import Language, ReportFormat, ReportKind, ReportRecord, ReportWish
from cityhall_bms.historian.intervals import local_time_us
from cityhall_bms.ports.clock import Clock
from cityhall_bms.reports.periods import asked_period
from cityhall_bms.roles.parts import pooled
from cityhall_bms.roles.reporting import ReportBasis, report_writer
from cityhall_bms.settings import Settings
from cityhall_bms.supervisor import until_stopped


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What the command line asks for; texts are as people wrote them."""

    kind: ReportKind
    period: str
    output: Path
    format: ReportFormat = ReportFormat.PDF
    language: Language = Language.ZH
    provisional: bool = False
    as_known_at: str = ""
    actor: str = "operator"


@dataclass(frozen=True, slots=True)
class ReportJob:
    """A request about a site; ``on_end`` hears of the file and its manifest."""

    site: Path
    settings: Settings
    asked: ReportRequest
    on_end: Callable[[Path, Path], None]


@asynccontextmanager
async def basis(folder: Path, settings: Settings, clock: Clock) -> AsyncIterator[ReportBasis]:
    """What reports of a site are made of, over a running database."""
    site = site_reading.read_site(folder)
    async with (
        PostgresEventLog(settings.database.url, clock) as events,
        pooled(settings) as pool,
        PostgresHistory.open(settings.database.url, clock, site.time_zone) as history,
    ):
        ids = await PostgresPointRegistry(pool, events).ids()
        yield ReportBasis(folder, settings, pool, events, clock, site, ids, history.queries)


async def make(folder: Path, report: str, settings: Settings, clock: Clock) -> None:
    """Make a report that was asked for; what no other try could mend is written down as failed."""
    async with basis(folder, settings, clock) as found:
        record = await find(found.events, report)
        try:
            await report_writer(found).write(record, found.events, clock)
        except (RefusedError, NotFoundError, MissingLibraryError, PdfError) as error:
            await fail(record, str(error), found.events, clock)


async def report(job: ReportJob, clock: Clock) -> None:
    """Make a file and its manifest beside a running service, or alone; nothing of it is recorded."""
    await until_stopped(_report(job, clock))


async def _report(job: ReportJob, clock: Clock) -> None:
    site, asked = site_reading.read_site(job.site), job.asked
    require_formats((asked.format,))
    period, now = asked_period(asked.period), clock.now()
    known_at = local_time_us(asked.as_known_at, ZoneInfo(site.time_zone)) if asked.as_known_at else now
    wish = ReportWish(
        asked.kind, period.first, period.until, known_at, (asked.format,), asked.language, asked.provisional
    )
    async with beside.database(job.settings, clock) as settings:
        await bootstrap.prepare(job.site, settings, clock)
        async with basis(job.site, settings, clock) as found:
            writer = report_writer(found)
            job.on_end(*await writer.hand_out(ReportRecord("command", wish, asked.actor, now), asked.output))
