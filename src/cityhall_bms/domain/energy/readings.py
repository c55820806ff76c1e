"""What people enter of meters that nothing samples: an amount per period, entered by one and approved by another.

Nothing is overwritten. A correction is a new entry for an approved one; the old one counts until somebody else approves
the correction, and what was known before stays the answer of before.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored

READING_STREAMS: Final = "meter_reading/"
"""What the stream of every meter's readings starts with; reads them all."""
AMOUNT_MAX: Final = 1e12


class ReadingState(StrEnum):
    """What became of an entry; only approved ones count."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    """A correction of it was approved."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that proves an amount, named by its SHA-256."""

    sha256: str
    name: str
    media_type: str
    size: int
    """Bytes."""


@stored
@dataclass(frozen=True, slots=True)
class ReadingEntered(Event):
    """Somebody entered an amount of a period (µs UTC, ``until`` excluded), in the unit of the meter's commodity.

    ``corrects`` is the number of the entry that it is to replace, 0 for none; ``source`` the SHA-256 of the file that
    it was read from, empty when it was typed.
    """

    meter: str
    number: int
    begin: int
    until: int
    amount: float
    by: str
    at: int
    note: str = ""
    corrects: int = 0
    source: str = ""
    document_sha256: str = ""
    document_name: str = ""
    document_type: str = ""
    document_bytes: int = 0


@stored
@dataclass(frozen=True, slots=True)
class ReadingApproved(Event):
    """Somebody else approved an entry: it counts from now on, and what it corrects does not."""

    meter: str
    number: int
    by: str
    at: int
    comment: str = ""


@stored
@dataclass(frozen=True, slots=True)
class ReadingRejected(Event):
    """An entry will never count."""

    meter: str
    number: int
    by: str
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One entry as it stands. Times are µs UTC."""

    meter: str
    number: int
    begin: int
    until: int
    amount: float
    state: ReadingState
    entered_by: str
    entered_at: int
    note: str = ""
    corrects: int = 0
    source: str = ""
    document: Document | None = None
    decided_by: str = ""
    decided_at: int | None = None
    comment: str = ""
    """Of who approved it, or the reason of who rejected it."""

    @property
    def stands(self) -> bool:
        """Whether it counts, or may come to."""
        return self.state in {ReadingState.PENDING, ReadingState.APPROVED}


@dataclass(frozen=True, slots=True)
class Ledger:
    """All entries of one meter, by number; the fold of its stream."""

    meter: str
    readings: Mapping[int, Reading] = field(default_factory=dict)
    version: int = 0

    @property
    def next_number(self) -> int:
        """Number of the next entry."""
        return len(self.readings) + 1

    def get(self, number: int) -> Reading:
        """Give one entry; ``NotFoundError`` when there is none of that number."""
        if number not in self.readings:
            msg = f"{self.meter} 沒有第 {number} 筆抄表 / {self.meter} has no reading number {number}"
            raise NotFoundError(msg)
        return self.readings[number]

    def overlapping(self, begin: int, until: int) -> list[Reading]:
        """Entries that stand and share time with a period."""
        return [r for r in self.readings.values() if r.stands and r.begin < until and begin < r.until]


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody wants to enter; see :class:`ReadingEntered`."""

    meter: str
    begin: int
    until: int
    amount: float
    note: str = ""
    corrects: int = 0
    source: str = ""
    document: Document | None = None


def reading_stream(meter: str) -> str:
    """Event stream of a meter's readings."""
    return f"{READING_STREAMS}{meter}"


def enter(ledger: Ledger, entry: Entry, *, at: int, by: str) -> ReadingEntered:
    """Decide an entry; refused for an amount that is none, a period to come, and one that shares time with another."""
    if not (math.isfinite(entry.amount) and 0.0 <= entry.amount <= AMOUNT_MAX):
        msg = f"用量須為不小於零之數 / an amount is a number from 0 to {AMOUNT_MAX:g}"
        raise RefusedError(msg)
    if not entry.begin < entry.until <= at:
        msg = "期間須已結束 / a period is over before its amount is entered, and ends after it begins"
        raise RefusedError(msg)
    if entry.corrects:
        _check_correction(ledger, entry)
    for other in ledger.overlapping(entry.begin, entry.until):
        if other.number != entry.corrects:
            whose = f"{entry.meter} #{other.number}"
            msg = f"期間與 {whose} 重疊 / the period shares time with {whose}; correct that one instead"
            raise RefusedError(msg)
    document = entry.document
    return ReadingEntered(
        meter=entry.meter,
        number=ledger.next_number,
        begin=entry.begin,
        until=entry.until,
        amount=entry.amount,
        by=by,
        at=at,
        note=entry.note,
        corrects=entry.corrects,
        source=entry.source,
        document_sha256=document.sha256 if document else "",
        document_name=document.name if document else "",
        document_type=document.media_type if document else "",
        document_bytes=document.size if document else 0,
    )


def _check_correction(ledger: Ledger, entry: Entry) -> None:
    old = ledger.get(entry.corrects)
    if old.state is not ReadingState.APPROVED:
        msg = (
            f"第 {old.number} 筆未核可，不能更正 / number {old.number} is {old.state}: only approved ones are corrected"
        )
        raise RefusedError(msg)
    waiting = [r for r in ledger.readings.values() if r.corrects == old.number and r.state is ReadingState.PENDING]
    if waiting:
        other = waiting[0].number
        msg = f"第 {other} 筆更正待核可 / correction number {other} waits already: decide about it first"
        raise RefusedError(msg)


def approve(ledger: Ledger, number: int, *, at: int, by: str, comment: str = "") -> ReadingApproved:
    """Decide an approval; refused to who entered it, and for what is decided already."""
    reading = _pending(ledger, number)
    if by.strip().casefold() == reading.entered_by.strip().casefold():
        msg = f"{by} 不能核可自己輸入之資料 / {by} entered it: somebody else approves"
        raise RefusedError(msg)
    return ReadingApproved(meter=ledger.meter, number=number, by=by, at=at, comment=comment)


def reject(ledger: Ledger, number: int, *, at: int, by: str, reason: str) -> ReadingRejected:
    """Decide a rejection; refused without a reason, and for what is decided already. One may withdraw one's own."""
    _pending(ledger, number)
    if not reason.strip():
        msg = "退回需填事由 / a rejection needs a reason"
        raise RefusedError(msg)
    return ReadingRejected(meter=ledger.meter, number=number, by=by, at=at, reason=reason)


def _pending(ledger: Ledger, number: int) -> Reading:
    reading = ledger.get(number)
    if reading.state is not ReadingState.PENDING:
        msg = f"第 {number} 筆已決定 / number {number} is {reading.state} already"
        raise RefusedError(msg)
    return reading


def fold(ledger: Ledger, entries: Iterable[StoredEvent]) -> Ledger:
    """Ledger after entries of its stream; what is of a newer version changes nothing."""
    for entry in entries:
        event = entry.event() if entry.type in EVENT_TYPES else None
        ledger = replace(applied(ledger, event), version=entry.version)
    return ledger


def applied(ledger: Ledger, event: Event | None) -> Ledger:
    """Ledger after one event."""
    readings = dict(ledger.readings)
    match event:
        case ReadingEntered():
            readings[event.number] = reading_of(event)
        case ReadingApproved():
            approved = readings[event.number]
            readings[event.number] = _decided(approved, ReadingState.APPROVED, event.by, event.at, event.comment)
            if approved.corrects:
                readings[approved.corrects] = replace(readings[approved.corrects], state=ReadingState.SUPERSEDED)
        case ReadingRejected():
            rejected = readings[event.number]
            readings[event.number] = _decided(rejected, ReadingState.REJECTED, event.by, event.at, event.reason)
    return replace(ledger, readings=readings)


def reading_of(event: ReadingEntered) -> Reading:
    """Entry as it stands when it was just entered."""
    document = None
    if event.document_sha256:
        document = Document(event.document_sha256, event.document_name, event.document_type, event.document_bytes)
    return Reading(
        meter=event.meter,
        number=event.number,
        begin=event.begin,
        until=event.until,
        amount=event.amount,
        state=ReadingState.PENDING,
        entered_by=event.by,
        entered_at=event.at,
        note=event.note,
        corrects=event.corrects,
        source=event.source,
        document=document,
    )


def _decided(reading: Reading, state: ReadingState, by: str, at: int, comment: str) -> Reading:
    return replace(reading, state=state, decided_by=by, decided_at=at, comment=comment)
