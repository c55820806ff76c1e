"""The alarm feed of this API process: every transition once, in the order of the event log."""

from typing import Final

import structlog

from cityhall_bms.api.tail import Tail
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.read_models import AlarmTransition, AlarmView

RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


class AlarmFeed:
    """Follows the alarm view; consoles read its tail, or the view itself when they were away longer."""

    def __init__(self, view: AlarmView, events: EventLog, clock: Clock) -> None:
        self._view = view
        self._events = events
        self._clock = clock
        self.tail: Tail[AlarmTransition] = Tail(0)
        self.ready = False

    async def run(self) -> None:
        """Follow from the present end of the event log."""
        while not self.ready:
            try:
                self.tail = Tail(await self._events.end())
                self.ready = True
            except EventLogUnavailableError as error:
                log.warning("no alarm feed yet", reason=str(error))
                await self._clock.sleep(RETRY_S)
        async for transition in self._view.follow(self.tail.end):
            self.tail.push(transition.position, transition)
