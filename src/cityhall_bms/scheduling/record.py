"""The stream of everything that is scheduled, as this process has read it."""

from collections.abc import Callable
from typing import Final

from cityhall_bms.domain.errors import ConcurrencyError
from cityhall_bms.domain.events import Event
from cityhall_bms.domain.scheduling.events import SCHEDULING_STREAM
from cityhall_bms.domain.scheduling.programme import Programme, SchedulePlan, fold
from cityhall_bms.ports.event_log import Append, EventLog

READ_EVENTS_MAX: Final = 1_000
ATTEMPTS_MAX: Final = 5

Decide = Callable[[Programme], Event]


class SchedulingRecord:
    """Raises ``EventLogUnavailableError``. What it answers is the log, not a view that lags."""

    def __init__(self, plan: SchedulePlan, events: EventLog) -> None:
        self._events = events
        self._programme = Programme(plan)

    @property
    def seen(self) -> Programme:
        """Where it stood when it was read last."""
        return self._programme

    async def programme(self) -> Programme:
        """Where it stands, by everything that is in the log now."""
        programme = self._programme
        while entries := await self._events.read(programme.position, READ_EVENTS_MAX, SCHEDULING_STREAM):
            programme = fold(programme, entries)
        # Several may read at once: each folds on what it began with, and nobody goes back behind another.
        if programme.position > self._programme.position:
            self._programme = programme
        return programme

    async def act(self, actor: str, decide: Decide) -> Programme:
        """Append what is decided, and give what stands after it; ``ConcurrencyError`` when it never stood still.

        It is decided again when somebody else said something meanwhile, so that no two people can save what would
        only have been right without the other.
        """
        for _ in range(ATTEMPTS_MAX):
            before = await self.programme()
            event = decide(before)
            try:
                await self._events.append([Append(SCHEDULING_STREAM, [event], actor, before.version)])
            except ConcurrencyError:
                continue
            return await self.programme()
        msg = "排程變動頻繁，請再試 / schedules changed meanwhile, again and again; try again"
        raise ConcurrencyError(msg)
