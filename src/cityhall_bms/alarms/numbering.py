"""Names for papers of a day, as people number them: 2026-07-01-1, 2026-07-01-2."""

from collections.abc import Callable
from datetime import date
from typing import Final

from cityhall_bms.domain.errors import ConcurrencyError, RefusedError
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.ports.event_log import Append, EventLog

OF_A_DAY_MAX: Final = 999


async def append_numbered(
    events: EventLog, streams: str, day: date, by: str, make: Callable[[str], Event]
) -> StoredEvent:
    """Append the first event of a new stream ``<streams><day>-<number>``; ``make`` gives it for the name it gets.

    The log refuses a name that somebody else took meanwhile, so that no two papers have the same; ``RefusedError``
    when the numbers of a day are used up.
    """
    for number in range(1, OF_A_DAY_MAX + 1):
        name = f"{day.isoformat()}-{number}"
        stream = streams + name
        if await events.read(limit=1, stream=stream):
            continue
        try:
            [entry] = await events.append([Append(stream, [make(name)], by, 0)])
        except ConcurrencyError:
            continue
        return entry
    msg = f"每日至多 {OF_A_DAY_MAX} 件 / {OF_A_DAY_MAX} papers a day are the most"
    raise RefusedError(msg)
