"""The alarm feed of this API process: every transition once, in the order of the event log."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import structlog

from cityhall_bms.api.tail import Tail
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.read_models import AlarmFilter, AlarmTransition, AlarmView

RETRY_S: Final = 1.0
PAGE: Final = 500

log = structlog.get_logger(__name__)


class AlarmFeed:
    """Follows the alarm view; consoles read its tail, or the view itself when they were away longer."""

    def __init__(self, view: AlarmView, events: EventLog, clock: Clock) -> None:
        self._view = view
        self._events = events
        self._clock = clock
        self._started = asyncio.Event()
        self.tail: Tail[AlarmTransition] = Tail(0)

    @property
    def ready(self) -> bool:
        """Whether it follows the view."""
        return self._started.is_set()

    async def run(self) -> None:
        """Follow from where the view stands now."""
        while not self.ready:
            try:
                # Where the view stands, not where the log ends: what the view takes in later is still to come.
                self.tail.restart((await self._view.page(AlarmFilter(state="all"), 1, None)).position)
                self._started.set()
            except EventLogUnavailableError as error:
                log.warning("no alarm feed yet", reason=str(error))
                await self._clock.sleep(RETRY_S)
        async for transition in self._view.follow(self.tail.end):
            self.tail.push(transition.position, transition)

    async def place(self, after: int | None) -> int:
        """Position from which a console is served that was last at ``after`` (none = from now on).

        Waits until the feed has started. A place beyond the end of the log is one of another log: all of this one is
        then news.
        """
        await self._started.wait()
        if after is None:
            return self.tail.end
        while after > self.tail.end:
            try:
                return after if after <= await self._events.end() else 0
            except EventLogUnavailableError:
                await self._clock.sleep(RETRY_S)
        return after

    async def transitions(self, position: int) -> AsyncIterator[AlarmTransition]:
        """Every transition after a :meth:`place`, once and in order, without end; outages are waited for."""
        while True:
            known_after = self.tail.begin
            for transition in await self._after(position):
                yield transition
                position = transition.position
                known_after = 0
            # The view had all that the tail does not hold: where it gave nothing, there is nothing before the tail.
            position = max(position, known_after)
            await self.tail.wait_beyond(position, self.tail.beginnings)

    async def _after(self, position: int) -> list[AlarmTransition]:
        while not self.tail.reaches(position):
            try:
                return await self._view.transitions(position, PAGE)
            except EventLogUnavailableError:
                await self._clock.sleep(RETRY_S)
        return [transition for _, transition in self.tail.after(position)]
