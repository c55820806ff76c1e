"""Searching the whole event log, as auditors do: who did what, to what, when."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.events import StoredEvent


@dataclass(frozen=True, slots=True)
class EventSearch:
    """What to look for; whatever is none or empty does not matter. Times are µs UTC of the log, ``end`` excluded."""

    start: int | None = None
    end: int | None = None
    types: Sequence[str] = ()
    """Kinds of events, of which one is enough."""
    actor: str | None = None
    people: bool = False
    """Only what somebody did, not what the service did by itself."""
    stream: str | None = None
    """One stream; ending in ``/``, all below it."""
    text: str | None = None
    """Part of the stream's name or of anything that the event says; large and small letters alike."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, the newest first; ``next_place`` is where the search goes on, none when all was looked through.

    A search for words looks through a part of the log at a time: a page may be empty and yet have a next one.
    """

    events: Sequence[StoredEvent]
    next_place: int | None


class AuditRecord(Protocol):
    """The event log, searched. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def search(self, what: EventSearch, limit: int, before: int | None) -> EventPage:
        """One page; ``before`` is the place that the page before gave."""
        ...

    def csv(self, what: EventSearch) -> AsyncIterator[bytes]:
        """Everything that a search finds, at most ``CSV_EVENTS_MAX`` of it, as CSV: each event with its hash."""
        ...
