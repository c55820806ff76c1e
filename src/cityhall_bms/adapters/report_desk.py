"""Where reports are asked for and collected, what makes them, and who has the scheduled ones made."""

import asyncio
import hashlib
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from signal import SIGTERM
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from cityhall_bms.adapters.embedded.child import ChildPlan, StopStep, start_child
from cityhall_bms.adapters.export_files.sink import ExportFileError
from cityhall_bms.adapters.report_files.making import make_file, require_formats
from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.domain.notifications import stream_of as notification_stream
from cityhall_bms.domain.reports import (
    ReportFailed,
    ReportFile,
    ReportFormat,
    ReportMade,
    ReportRecord,
    ReportWish,
    asked,
    fold_report,
    stream_of,
)
from cityhall_bms.domain.site import Site
from cityhall_bms.exports.manifest import Signing, signed
from cityhall_bms.exports.query import EPOCH
from cityhall_bms.exports.recording import software
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.exports import FileFacts
from cityhall_bms.ports.reports import ReportView
from cityhall_bms.reports.document import Report
from cityhall_bms.reports.gathering import ReportMaker
from cityhall_bms.reports.kinds import checked_period
from cityhall_bms.reports.mailing import messages
from cityhall_bms.reports.manifest import describe
from cityhall_bms.reports.schedule import due

ACTOR: Final = "reports"
MANIFEST_SUFFIX: Final = ".manifest.json"
TRIES_MAX: Final = 3
AGAIN_AFTER_US: Final = 60_000_000
"""Pause before another try, longer each time: a database that is away comes back."""
STOP_STEPS: Final = (StopStep(SIGTERM, 5.0),)
EVENTS_MAX: Final = 10

log = structlog.get_logger(__name__)


class ReportOffice:
    """See :class:`~cityhall_bms.ports.reports.ReportDesk`."""

    def __init__(self, folder: Path, events: EventLog, clock: Clock) -> None:
        self._folder = folder
        self._events = events
        self._clock = clock

    async def ask(self, wish: ReportWish, *, by: str) -> ReportRecord:
        """Have a report made; ``RefusedError`` for what none is made of, ``MissingLibraryError`` for its forms."""
        now = self._clock.now()
        checked_period(wish.kind, Period(wish.first, wish.until))
        require_formats(wish.formats)
        if wish.known_at > now:
            msg = "as_known_at is in the future: nobody knows yet what the record will say then"
            raise RefusedError(msg)
        report = f"{EPOCH + timedelta(microseconds=now):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        event = asked(report, wish, by, now)
        record = fold_report(None, await self._events.append([Append(stream_of(report), [event], by, 0)]))
        assert record is not None  # noqa: S101 - it was just asked for
        return record

    async def get(self, report: str) -> ReportRecord:
        """One report; ``NotFoundError``."""
        return await find(self._events, report)

    def file_of(self, report: ReportRecord, file: ReportFile) -> Path:
        """Where a file of a report lies."""
        return self._folder / report.report / file.name


async def find(events: EventLog, report: str) -> ReportRecord:
    """One report, from the log; ``NotFoundError``."""
    record = fold_report(None, await events.read(limit=EVENTS_MAX, stream=stream_of(report)))
    if record is None:
        msg = f"沒有報表 {report} / there is no report {report}; GET /api/v1/reports lists them"
        raise NotFoundError(msg)
    return record


class ReportWriter:
    """Makes the files of a report, with their manifests, and tells the record and whoever shall get them."""

    def __init__(
        self,
        folder: Path,
        maker: ReportMaker,
        site: Site,
        signer: Signing,
        in_force: Mapping[str, Any],
        settle: Callable[[int], Awaitable[None]],
    ) -> None:
        """``settle`` has whatever is stored from now on count as recorded after a time (µs UTC): answers stay."""
        self._settle = settle
        self._folder = folder
        self._maker = maker
        self._site = site
        self._signer = signer
        self._in_force = in_force

    async def write(self, record: ReportRecord, events: EventLog, clock: Clock) -> None:
        """Make a report that was asked for; raises what the parts raise."""
        report = await self._made(record.wish)
        files = await asyncio.to_thread(self.files, record, report, self._folder / record.report)
        now = clock.now()
        values = [_payload(file) for file in files]
        appends = [Append(stream_of(record.report), [ReportMade(record.report, values, now)], ACTOR, record.version)]
        appends += [
            Append(notification_stream(message.notification), [message], ACTOR, 0)
            for message in messages(record, report, files, self._site, now)
        ]
        try:
            await events.append(appends)
        except ConcurrencyError:
            log.warning("a report was made twice at once", report=record.report)

    async def hand_out(self, record: ReportRecord, out: Path) -> tuple[Path, Path]:
        """Make a report that nobody recorded into a file of any name; gives it and its manifest.

        :class:`ExportFileError` when it cannot be written, and what the parts raise.
        """
        report = await self._made(record.wish)
        try:
            await asyncio.to_thread(self._file, record, report, record.wish.formats[0], out)
        except OSError as error:
            msg = f"{out} cannot be written: {error.strerror or error}"
            raise ExportFileError(msg) from error
        return out, out.with_name(out.name + MANIFEST_SUFFIX)

    async def _made(self, wish: ReportWish) -> Report:
        await self._settle(wish.known_at)
        return await self._maker.make(wish)

    def files(self, record: ReportRecord, report: Report, folder: Path) -> list[ReportFile]:
        """Write all files of a report into a folder; ``OSError``, ``MissingLibraryError``."""
        folder.mkdir(parents=True, exist_ok=True)
        return [self._file(record, report, form, folder / file_name(report, form)) for form in record.wish.formats]

    def _file(self, record: ReportRecord, report: Report, form: ReportFormat, path: Path) -> ReportFile:
        made = make_file(report, form, record.wish.language, self._site.reports.address)
        digest = hashlib.sha256(made.data).hexdigest()
        facts = FileFacts(path.name, made.rows, len(made.data), digest, dict(software()) | dict(made.made_by))
        manifest = signed(describe(record, report, form, facts, self._in_force), self._signer).encode()
        _replace(path, made.data)
        _replace(path.with_name(path.name + MANIFEST_SUFFIX), manifest)
        return ReportFile(form, path.name, facts.bytes, facts.rows, digest, hashlib.sha256(manifest).hexdigest())


class ReportKeeper:
    """Has scheduled reports made, each once, and makes what is asked for, one at a time in a process of its own.

    One per site, by the lease of its role. The name of a scheduled report is that of its schedule and period: the log
    takes it once, whoever asks and however often.
    """

    def __init__(self, site: Site, view: ReportView, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._zone = ZoneInfo(site.time_zone)
        self._view = view
        self._events = events
        self._clock = clock
        self._asked: set[str] = set()
        self._tries: dict[str, int] = {}
        self._not_before: dict[str, int] = {}

    async def step(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Ask for what is due, and make what was asked for; ``arguments`` start the maker, before the report's name."""
        await self.ask_due()
        for record in await self._view.waiting():
            if self._not_before.get(record.report, 0) <= self._clock.now():
                await self._make(record, arguments, environment)

    async def ask_due(self) -> None:
        """Ask for the scheduled reports that are due and that nobody asked for."""
        for report, schedule, wish in due(self._site.reports.schedules, self._clock.now(), self._zone):
            if report in self._asked:
                continue
            event = asked(report, wish, ACTOR, self._clock.now(), schedule.name)
            try:
                await self._events.append([Append(stream_of(report), [event], ACTOR, 0)])
            except ConcurrencyError:
                log.debug("a scheduled report was asked for before", report=report)
            self._asked.add(report)

    async def _make(self, record: ReportRecord, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        tries = self._tries[record.report] = self._tries.get(record.report, 0) + 1
        code = await _run([*arguments, record.report], environment)
        self._not_before[record.report] = self._clock.now() + tries * AGAIN_AFTER_US
        if code and tries >= TRIES_MAX:
            reason = f"it could not be made in {TRIES_MAX} tries; the service's log says why"
            await fail(record, reason, self._events, self._clock)


async def fail(record: ReportRecord, reason: str, events: EventLog, clock: Clock) -> None:
    """Say that a report is not made, unless somebody said more of it meanwhile."""
    event = ReportFailed(record.report, reason, clock.now())
    try:
        await events.append([Append(stream_of(record.report), [event], ACTOR, record.version)])
    except ConcurrencyError:
        log.info("a report ended another way", report=record.report)


def file_name(report: Report, form: ReportFormat) -> str:
    """Name of a file: kind, site and period."""
    return f"{report.kind}-{report.site}-{report.period.name}.{form.value}"


async def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Exit status of a process that makes a report: a mistake in one must not end who rings the alarms."""
    plan = ChildPlan(
        arguments=(sys.executable, "-m", "cityhall_bms", *arguments),
        cwd=Path.cwd(),
        log=None,
        death_signal=SIGTERM,
        environment=environment,
    )
    child = await start_child(plan)
    try:
        return await child.wait()
    finally:
        await child.stop(STOP_STEPS)


def _payload(file: ReportFile) -> dict[str, Any]:
    return {
        "format": file.format.value,
        "name": file.name,
        "bytes": file.bytes,
        "rows": file.rows,
        "sha256": file.sha256,
        "manifest_sha256": file.manifest_sha256,
    }


def _replace(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(data)
    fresh.replace(path)
