"""Reports as the record keeps them: what was asked for, what was made, and by which plan. Times are µs UTC."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored

REPORT_STREAMS: Final = "report/"
"""What the stream of every report starts with; reads them all."""


class ReportKind(StrEnum):
    """A kind of report."""

    HALF_YEAR = "half-year"
    MONTHLY_ENERGY = "monthly-energy"
    SHIFT = "shift"
    INDOOR_AIR = "indoor-air"
    WATER = "water"
    ALARMS = "alarms"
    TENANTS = "tenants"
    MAINTENANCE = "maintenance"


class ReportFormat(StrEnum):
    """Form of a file."""

    HTML = "html"
    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"


class Language(StrEnum):
    """Language of a report."""

    ZH = "zh"
    EN = "en"


class Every(StrEnum):
    """How often a schedule has a report made: of every day, month, half-year or year that is over."""

    DAY = "day"
    MONTH = "month"
    HALF_YEAR = "half-year"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class ReportSchedule:
    """One line of the plan: a report about every period, some days after its end, at a time of the day.

    ``after_days`` counts from the first day after the period (0); ``minutes`` since midnight, in the building's zone.
    ``groups`` are told by their channels of priority 4.
    """

    name: str
    kind: ReportKind
    every: Every
    after_days: int
    minutes: int
    formats: tuple[ReportFormat, ...]
    language: Language = Language.ZH
    provisional: bool = False
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """Everything that ``reports.toml`` says; ``address`` is where people reach the service, empty: no links."""

    address: str = ""
    schedules: tuple[ReportSchedule, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportWish:
    """What is asked for: a kind, the days from ``first`` to ``until`` (excluded), as known at a time."""

    kind: ReportKind
    first: date
    until: date
    known_at: int
    formats: tuple[ReportFormat, ...]
    language: Language = Language.ZH
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One file of a report; the digests are SHA-256 of it and of its manifest as it was signed."""

    format: ReportFormat
    name: str
    bytes: int
    rows: int
    sha256: str
    manifest_sha256: str


class ReportState(StrEnum):
    """Where a report is; the last two are final."""

    ASKED = "asked"
    MADE = "made"
    FAILED = "failed"


@stored
@dataclass(frozen=True, slots=True)
class ReportAsked(Event):
    """A report shall be made; ``schedule`` is empty where a person asked. Days are ISO dates, ``until`` excluded."""

    report: str
    kind: str
    first: str
    until: str
    known_at: int
    formats: list[str]
    language: str
    provisional: bool
    by: str
    at: int
    schedule: str = ""


@stored
@dataclass(frozen=True, slots=True)
class ReportMade(Event):
    """Its files are there; each with the fields of :class:`ReportFile`."""

    report: str
    files: list[dict[str, Any]]
    at: int


@stored
@dataclass(frozen=True, slots=True)
class ReportFailed(Event):
    """It was not made, and nobody tries again."""

    report: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """One report as it stands; the fold of its events."""

    report: str
    wish: ReportWish
    by: str
    asked_at: int
    schedule: str = ""
    state: ReportState = ReportState.ASKED
    files: Sequence[ReportFile] = field(default_factory=tuple)
    reason: str = ""
    ended_at: int | None = None
    version: int = 1
    position: int = 0
    """Position at which it was asked for."""


def stream_of(report: str) -> str:
    """Stream of one report."""
    return REPORT_STREAMS + report


def asked(report: str, wish: ReportWish, by: str, at: int, schedule: str = "") -> ReportAsked:
    """Event that somebody wants a report."""
    return ReportAsked(
        report,
        wish.kind.value,
        wish.first.isoformat(),
        wish.until.isoformat(),
        wish.known_at,
        [form.value for form in wish.formats],
        wish.language.value,
        wish.provisional,
        by,
        at,
        schedule,
    )


def fold_report(record: ReportRecord | None, entries: Iterable[StoredEvent]) -> ReportRecord | None:
    """Report after further entries of its stream; what cannot follow, or is of a newer version, changes nothing."""
    for entry in entries:
        event = entry.event() if entry.type in EVENT_TYPES else None
        match event:
            case ReportAsked() if record is None:
                record = _begun(event, entry)
            case ReportMade() if record is not None and record.state is ReportState.ASKED:
                files = tuple(file_of(values) for values in event.files)
                changed = replace(record, state=ReportState.MADE, files=files, ended_at=event.at)
                record = replace(changed, version=entry.version)
            case ReportFailed() if record is not None and record.state is ReportState.ASKED:
                changed = replace(record, state=ReportState.FAILED, reason=event.reason, ended_at=event.at)
                record = replace(changed, version=entry.version)
    return record


def file_of(values: dict[str, Any]) -> ReportFile:
    """File of the JSON values of an event."""
    return ReportFile(**(values | {"format": ReportFormat(values["format"])}))


def _begun(event: ReportAsked, entry: StoredEvent) -> ReportRecord:
    wish = ReportWish(
        ReportKind(event.kind),
        date.fromisoformat(event.first),
        date.fromisoformat(event.until),
        event.known_at,
        tuple(ReportFormat(form) for form in event.formats),
        Language(event.language),
        event.provisional,
    )
    return ReportRecord(
        event.report, wish, event.by, event.at, event.schedule, version=entry.version, position=entry.position
    )
