"""Patrol rounds: stops that were walked, and what was found there in the city's four categories."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored
from cityhall_bms.domain.maintenance.book import WorkRules
from cityhall_bms.domain.maintenance.documents import Attached, attached_of

ROUND_STREAMS: Final = "patrol-round/"
FINDING_STREAMS: Final = "patrol-finding/"


class Category(StrEnum):
    """The city's four: 淨空走道, 設施正常, 環境整潔, 天地無虞."""

    CLEAR_CORRIDORS = "clear_corridors"
    WORKING_FACILITIES = "working_facilities"
    CLEAN_SURROUNDINGS = "clean_surroundings"
    CEILING_AND_FLOOR = "ceiling_and_floor"


class Severity(StrEnum):
    """How soon a finding has to be closed: one about safety within a day, another within a week."""

    SAFETY = "safety"
    OTHER = "other"


@stored
@dataclass(frozen=True, slots=True)
class RoundWalked(Event):
    """Somebody walked a route; ``stops`` has stop, ok, note and at each. ``round`` is given by the phone, once."""

    round: str
    route: str
    begun: int
    by: str
    at: int
    stops: list[dict[str, Any]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


@stored
@dataclass(frozen=True, slots=True)
class FindingMade(Event):
    """Something was found; ``round`` is empty where it was reported by itself. Times are µs UTC."""

    finding: str
    round: str
    place: str
    equipment: str
    category: str
    severity: str
    text: str
    due_at: int
    by: str
    at: int
    documents: list[dict[str, Any]] = field(default_factory=list)


@stored
@dataclass(frozen=True, slots=True)
class FindingClosed(Event):
    """It is right again; ``order`` names the work order that did it, if any."""

    by: str
    at: int
    comment: str = ""
    order: str = ""
    documents: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StopVisit:
    """One stop of a round."""

    stop: str
    ok: bool
    note: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """One round as it was walked."""

    round: str
    route: str
    begun: int
    by: str
    at: int
    stops: tuple[StopVisit, ...]
    findings: tuple[str, ...]
    version: int = 1
    position: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding as it stands."""

    finding: str
    round: str
    place: str
    equipment: str
    category: Category
    severity: Severity
    text: str
    due_at: int
    by: str
    at: int
    documents: tuple[Attached, ...] = ()
    closed_at: int | None = None
    closed_by: str = ""
    comment: str = ""
    order: str = ""
    version: int = 1
    position: int = 0

    def overdue(self, now: int) -> bool:
        """Whether it was not closed in time."""
        return (now if self.closed_at is None else self.closed_at) > self.due_at


def round_stream(name: str) -> str:
    """Event stream of one round."""
    return f"{ROUND_STREAMS}{name}"


def finding_stream(finding: str) -> str:
    """Event stream of one finding."""
    return f"{FINDING_STREAMS}{finding}"


def due_at(severity: Severity, at: int, rules: WorkRules) -> int:
    """By when a finding has to be closed, µs UTC."""
    seconds = rules.safety_due_s if severity is Severity.SAFETY else rules.other_due_s
    return at + round(seconds * 1e6)


def fold_round(before: Round | None, entry: StoredEvent) -> Round | None:
    """Round after one entry of its stream."""
    event = entry.event() if entry.type in EVENT_TYPES else None
    if before is not None or not isinstance(event, RoundWalked):
        return before
    stops = tuple(StopVisit(**stop) for stop in event.stops)
    findings = tuple(event.findings)
    return Round(
        event.round, event.route, event.begun, event.by, event.at, stops, findings, entry.version, entry.position
    )  # fmt: skip


def fold_finding(finding: Finding | None, entry: StoredEvent) -> Finding | None:
    """Finding after one entry of its stream; what cannot follow changes nothing."""
    event = entry.event() if entry.type in EVENT_TYPES else None
    match event:
        case FindingMade() if finding is None:
            return Finding(
                finding=event.finding,
                round=event.round,
                place=event.place,
                equipment=event.equipment,
                category=Category(event.category),
                severity=Severity(event.severity),
                text=event.text,
                due_at=event.due_at,
                by=event.by,
                at=event.at,
                documents=attached_of(event.documents),
                version=entry.version,
                position=entry.position,
            )
        case FindingClosed() if finding is not None and finding.closed_at is None:
            closed = replace(finding, closed_at=event.at, closed_by=event.by, comment=event.comment, order=event.order)
            documents = (*finding.documents, *attached_of(event.documents))
            return replace(closed, documents=documents, version=entry.version, position=entry.position)
    return finding


def close_finding(finding: Finding, event: FindingClosed) -> FindingClosed:
    """Decide that it is right again; refused twice, without a word, and without a photo or an order that shows it."""
    if finding.closed_at is not None:
        msg = f"缺失已由 {finding.closed_by} 結案 / the finding was closed by {finding.closed_by}"
        raise RefusedError(msg)
    if not event.comment.strip():
        msg = "請填改善情形 / say what was done"
        raise RefusedError(msg)
    if not (event.documents or event.order):
        msg = "請附改善後照片 / attach a photo of how it is now"
        raise RefusedError(msg)
    return event
