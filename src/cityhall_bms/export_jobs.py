"""Commands about exports: making one, beside the service or for it, and proving one off line."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms import beside, site_reading
from cityhall_bms.adapters.export_desk import BUSY, ExportOffice, discard, make_folder
from cityhall_bms.adapters.export_files.counting import measured
from cityhall_bms.adapters.export_files.making import CancelledExportError, ExportMaker, OnProgress
from cityhall_bms.adapters.export_files.sink import ExportFileError
from cityhall_bms.adapters.export_parts import Database, ExportParts
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.export_store import PostgresExportStore, only_maker
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.signing import Signer, key_id_of
from cityhall_bms.adapters.signing import verify as check_signature
from cityhall_bms.domain.errors import CityHallError, MissingLibraryError, RefusedError
from cityhall_bms.domain.site import Site
from cityhall_bms.exports.manifest import ManifestError, parse
from cityhall_bms.exports.query import choose
from cityhall_bms.exports.verification import Check, Seals, verify
from cityhall_bms.historian.intervals import local_time_us
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.exports import Export, ExportFormat, ExportKind, ExportPoint, ExportQuery
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.roles.parts import pooled
from cityhall_bms.settings import Settings
from cityhall_bms.supervisor import until_stopped

MANIFEST_SUFFIX: Final = ".manifest.json"
MANIFEST_BYTES_MAX: Final = 256 * 2**20


@asynccontextmanager
async def making(settings: Settings, clock: Clock, time_zone: str) -> AsyncIterator[tuple[ExportParts, ExportMaker]]:
    """Have what makes exports of a building whose days follow a zone."""
    folder, url = settings.export_folder, settings.database.url
    make_folder(folder)
    signer = Signer.load_or_create(settings.key_folder)
    async with (
        PostgresEventLog(url, clock) as events,
        pooled(settings) as pool,
        PostgresHistory.open(url, clock, time_zone) as history,
    ):
        parts = ExportParts.on(Database(url, pool, history), events, signer, clock)
        yield parts, parts.maker(folder, settings.exports.free_bytes_min)


async def make(identity: str, settings: Settings, clock: Clock, on_status: Callable[[int], None]) -> None:
    """Make a job that was asked for; ``on_status`` hears :data:`BUSY` when somebody else makes one now."""
    await until_stopped(_make(identity, settings, clock, on_status))


async def _make(identity: str, settings: Settings, clock: Clock, on_status: Callable[[int], None]) -> None:
    async with only_maker(settings.database.url) as alone:
        if not alone:
            on_status(BUSY)
            return
        export = await _find(identity, settings)
        async with making(settings, clock, export.query.time_zone) as (parts, maker):
            try:
                await maker.make(export)
            except CancelledExportError:
                await discard(settings.export_folder, export)
            except (ExportFileError, RefusedError, MissingLibraryError) as error:
                # No other try could mend these.
                await parts.recorder.fail(export, str(error))
                await discard(settings.export_folder, export)


async def _find(identity: str, settings: Settings) -> Export:
    pool = await open_pool(settings.database.url)
    try:
        return await PostgresExportStore(pool).get(identity)
    finally:
        pool.terminate()


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What the command line asks for; texts are as people wrote them."""

    points: Sequence[str]
    begin: str
    end: str
    out: Path
    format: ExportFormat = ExportFormat.CSV_LONG
    interval: str = ""
    aggregation: Aggregation = Aggregation.MEAN
    language: str = "zh"
    as_known_at: str = ""
    actor: str = "operator"


@dataclass(frozen=True, slots=True)
class ExportJob:
    """A request about a site; ``on_end`` hears of the file and its manifest."""

    site: Path
    settings: Settings
    asked: ExportRequest
    on_progress: OnProgress
    on_end: Callable[[Path, Path], None]


async def export(job: ExportJob, clock: Clock) -> None:
    """Make a file and its manifest until done, SIGTERM or Ctrl-C; a running service may work on meanwhile."""
    await until_stopped(_export(job, clock))


async def _export(job: ExportJob, clock: Clock) -> None:
    site = site_reading.read_site(job.site)
    async with beside.database(job.settings, clock) as settings:
        await migrate(settings.database.url)
        async with making(settings, clock, site.time_zone) as (parts, maker):
            async with PostgresEventLog(settings.database.url, clock) as events, pooled(settings) as pool:
                ids = await PostgresPointRegistry(pool, events).ids()
            query = query_of(job.asked, site, ids, clock.now())
            context = site_reading.in_force(job.site, site)
            office = ExportOffice(parts.store, settings.export_folder, clock, context)
            asked = office.new(query, ExportKind.COMMAND, job.asked.actor)
            await parts.store.begin(asked)
            try:
                path = await maker.make(asked, job.on_progress)
                manifest = (await parts.store.get(asked.id)).manifest
                job.on_end(*_hand_out(path, manifest or "", job.asked.out))
            except (CityHallError, asyncio.CancelledError) as error:
                await parts.recorder.fail(asked, str(error) or "it was interrupted")
                raise
            finally:
                await discard(settings.export_folder, asked)


def _hand_out(path: Path, manifest: str, out: Path) -> tuple[Path, Path]:
    beside_it = out.with_name(out.name + MANIFEST_SUFFIX)
    try:
        shutil.move(path, out)
        beside_it.write_text(manifest, encoding="utf-8")
    except OSError as error:
        msg = f"{out} cannot be written: {error.strerror or error}"
        raise ExportFileError(msg) from error
    return out, beside_it


def query_of(asked: ExportRequest, site: Site, ids: Mapping[str, int], now: int) -> ExportQuery:
    """Query of a command line; ``RefusedError`` for what makes no sense."""
    zone = ZoneInfo(site.time_zone)
    names = choose(asked.points, site.points)
    return ExportQuery(
        site=site.code,
        points=[
            ExportPoint(ids[name], name, site.points[name].unit, site.points[name].device)
            for name in names
            if name in ids
        ],
        window=Window(local_time_us(asked.begin, zone), local_time_us(asked.end, zone)),
        known_at=local_time_us(asked.as_known_at, zone) if asked.as_known_at else now,
        time_zone=site.time_zone,
        interval=asked.interval,
        aggregation=asked.aggregation,
        format=asked.format,
        language=asked.language,
    )


def prove(file: Path, manifest: Path | None, key: Path | None) -> list[Check]:
    """What a file, its manifest and perhaps a trusted key prove; no network and no database is asked.

    :class:`ExportFileError` when one of them cannot be read or is not what it should be.
    """
    beside_it = manifest or file.with_name(file.name + MANIFEST_SUFFIX)
    try:
        found = parse(_text(beside_it))
    except ManifestError as error:
        msg = f"{beside_it} is no manifest of an export: {error}"
        raise ExportFileError(msg) from error
    trusted = None if key is None else _text(key)
    return verify(found, measured(file, found), Seals(check_signature, key_id_of), trusted)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MANIFEST_BYTES_MAX:
            msg = f"{path} is too large for a manifest"
            raise ExportFileError(msg)
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read: {error}"
        raise ExportFileError(msg) from error
