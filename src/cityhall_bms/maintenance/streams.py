"""Reading one stream into what it is the fold of, and naming the first event of a new one."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final, TypeVar

from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.ports.event_log import EventLog

READ_MAX: Final = 1_000
"""Events of one stream; there are far fewer."""
T = TypeVar("T")
Fold = Callable[[T | None, StoredEvent], T | None]
Numbering = Callable[[EventLog, str, date, str, Callable[[str], Event]], Awaitable[StoredEvent]]
"""Appends the first event of a stream under the next number of the day."""


async def read_record(events: EventLog, stream: str, fold: Fold[T], missing: str) -> T:
    """What a stream holds; ``NotFoundError`` with ``missing`` when it holds nothing."""
    found: T | None = None
    # No stream has such a name, and the database takes none.
    for entry in [] if "\x00" in stream else await events.read(limit=READ_MAX, stream=stream):
        found = fold(found, entry)
    if found is None:
        raise NotFoundError(missing)
    return found
