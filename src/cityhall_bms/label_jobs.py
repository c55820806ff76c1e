"""The evidence pack for the Intelligent Building label: made beside the service, signed and recorded like an export."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg

from cityhall_bms import beside, site_reading
from cityhall_bms.adapters.export_files.sink import ExportFileError
from cityhall_bms.adapters.label_pack import PackPart, write_pack
from cityhall_bms.adapters.postgres.alarm_search import PostgresAlarmRecord
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.export_evidence import PostgresExportEvidence
from cityhall_bms.adapters.postgres.export_store import PostgresExportStore
from cityhall_bms.adapters.postgres.hand_overs_view import PostgresHandOverView
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.maintenance_view import PostgresMaintenanceView
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.permits_view import PostgresPermitView
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import ExportMade
from cityhall_bms.domain.site import Site
from cityhall_bms.exports.manifest import signed
from cityhall_bms.exports.query import EPOCH
from cityhall_bms.exports.recording import software, stream_of
from cityhall_bms.historian.intervals import local_time_us
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.exports import ExportQuery, LogRange
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.label import LabelQuestion
from cityhall_bms.reports.label import tables_of
from cityhall_bms.reports.label_manifest import FORMAT, PackFindings, PackRecord, describe
from cityhall_bms.reports.label_sources import LabelSources
from cityhall_bms.roles.energy import EnergyBasis, EnergyParts
from cityhall_bms.roles.environment import environment_services
from cityhall_bms.roles.parts import pooled
from cityhall_bms.rules.book import read_records, taking_effect, worded
from cityhall_bms.rules.legal_means import legal_means
from cityhall_bms.settings import Settings
from cityhall_bms.supervisor import until_stopped

MANIFEST_SUFFIX: Final = ".manifest.json"
LONGEST: Final = timedelta(days=732)


@dataclass(frozen=True, slots=True)
class PackRequest:
    """What the command line asks for; times are as people wrote them."""

    begin: str
    end: str
    out: Path
    language: str = "zh"
    as_known_at: str = ""
    actor: str = "operator"


@dataclass(frozen=True, slots=True)
class PackJob:
    """A request about a site; ``on_end`` hears of the pack and its manifest."""

    folder: Path
    settings: Settings
    asked: PackRequest
    on_end: Callable[[Path, Path], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """What a pack is made with."""

    site: Site
    settings: Settings
    clock: Clock
    pool: asyncpg.Pool
    events: PostgresEventLog
    history: PostgresHistory


async def make(job: PackJob, clock: Clock) -> None:
    """Make a pack until done, SIGTERM or Ctrl-C; a running service may work on meanwhile."""
    await until_stopped(_make(job, clock))


def question_of(asked: PackRequest, site: Site, now: int) -> LabelQuestion:
    """Question of a command line; ``RefusedError`` for what makes no sense."""
    zone = ZoneInfo(site.time_zone)
    window = Window(local_time_us(asked.begin, zone), local_time_us(asked.end, zone))
    known_at = local_time_us(asked.as_known_at, zone) if asked.as_known_at else now
    if window.end <= window.start or window.end - window.start > LONGEST // timedelta(microseconds=1):
        msg = f"--until must be later than --from, by {LONGEST.days} days at most"
        raise RefusedError(msg)
    if known_at > now:
        msg = "--as-known-at is in the future: nobody knows yet what the record will say then"
        raise RefusedError(msg)
    if asked.language not in {"zh", "en"}:
        msg = f"language '{asked.language}' is not one of zh, en"
        raise RefusedError(msg)
    return LabelQuestion(window, known_at, asked.language)


async def _make(job: PackJob, clock: Clock) -> None:
    site = site_reading.read_site(job.folder)
    question = question_of(job.asked, site, clock.now())
    signer = Signer.load_or_create(job.settings.key_folder)
    async with beside.database(job.settings, clock) as settings, _bench(site, settings, clock) as bench:
        # From here on nothing comes to be known of the time that the pack is about.
        await PostgresExportStore(bench.pool).settle(question.known_at)
        await Projector(bench.events, bench.pool, PROJECTIONS, clock).catch_up()
        sources = await _sources(job.folder, bench, question)
        parts = [PackPart(indicator, tables_of(indicator, sources, question)) for indicator in sources.plan.indicators]
        pack = await write_pack(job.asked.out, parts, job.folder, site.time_zone, question.language)
        record = _record(site, job.asked.actor, clock.now())
        in_force = site_reading.in_force(job.folder, site)
        events = await _events(bench, question)
        found = PackFindings(pack.facts, pack.files, events, software(), in_force)
        manifest = signed(describe(record, question, sources.plan, found), signer)
        beside_it = _write_manifest(job.asked.out, manifest)
        event = _made(record, question, found, manifest)
        await bench.events.append([Append(stream_of(record.pack), [event], record.by, 0)])
    job.on_end(job.asked.out, beside_it)


@asynccontextmanager
async def _bench(site: Site, settings: Settings, clock: Clock) -> AsyncIterator[Bench]:
    url = settings.database.url
    await migrate(url)
    async with (
        PostgresEventLog(url, clock) as events,
        pooled(settings) as pool,
        PostgresHistory.open(url, clock, site.time_zone) as history,
    ):
        yield Bench(site, settings, clock, pool, events, history)


async def _sources(folder: Path, bench: Bench, question: LabelQuestion) -> LabelSources:
    site, pool, events, queries = bench.site, bench.pool, bench.events, bench.history.queries
    ids = await PostgresPointRegistry(pool, events).ids()
    counters = PostgresCounterView(pool, bench.clock, site.time_zone)
    settings = bench.settings
    basis = EnergyBasis(
        pool, events, bench.clock, site, ids, queries, counters, settings.energy, settings.document_folder
    )
    reader = EnergyParts.of(basis).services.reader
    parts = environment_services(site, ids, queries, reader, pool=pool, events=events, clock=bench.clock)
    described = site_reading.described_rules(folder)
    records = await read_records(events, question.known_at)
    return LabelSources(
        site=site,
        ids=ids,
        plan=site_reading.read_site_label(folder),
        rules=taking_effect(described, records),
        limits=legal_means(worded(described, records).values(), parts.air.plan.brick_class),
        queries=queries,
        reader=reader,
        air=parts.air,
        comfort=parts.comfort,
        air_record=parts.air_record,
        alarms=PostgresAlarmRecord(pool),
        permits=PostgresPermitView(pool),
        hand_overs=PostgresHandOverView(pool),
        maintenance=PostgresMaintenanceView(pool),
        events=events,
    )


async def _events(bench: Bench, question: LabelQuestion) -> LogRange:
    """Events that the pack rests on, as exports tell them."""
    query = ExportQuery(bench.site.code, [], question.window, question.known_at, bench.site.time_zone)
    return await PostgresExportEvidence(bench.pool, bench.history).events(query)


def _record(site: Site, actor: str, now: int) -> PackRecord:
    identity = f"{EPOCH + timedelta(microseconds=now):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    return PackRecord(identity, actor, now, site.code, site.time_zone)


def _write_manifest(out: Path, manifest: str) -> Path:
    path = out.with_name(out.name + MANIFEST_SUFFIX)
    try:
        path.write_text(manifest, encoding="utf-8")
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise ExportFileError(msg) from error
    return path


def _made(record: PackRecord, question: LabelQuestion, found: PackFindings, manifest: str) -> ExportMade:
    return ExportMade(
        export=record.pack,
        format=FORMAT,
        points=0,
        first=question.window.start,
        until=question.window.end,
        interval="",
        known_at=question.known_at,
        rows=found.file.rows,
        bytes=found.file.bytes,
        sha256=found.file.sha256,
        manifest_sha256=hashlib.sha256(manifest.encode()).hexdigest(),
    )
