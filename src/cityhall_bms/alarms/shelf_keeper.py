"""Brings shelved alarms back when their time is over."""

from typing import Final

import structlog

from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.keeping import keep
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.read_models import AlarmView

ACTOR: Final = "system"

log = structlog.get_logger(__name__)


class ShelfKeeper:
    """Looks every second for shelves that are due; an alarm that somebody took back meanwhile is left alone."""

    def __init__(self, view: AlarmView, desk: AlarmDesk, clock: Clock) -> None:
        self._view = view
        self._desk = desk
        self._clock = clock

    async def run(self) -> None:
        """Keep the shelves without end."""
        await keep("shelves", self.unshelve_due, self._clock)

    async def unshelve_due(self) -> None:
        """Take back every alarm whose shelf is over."""
        for alarm in await self._view.shelves_due(self._clock.now()):
            try:
                await self._desk.unshelve_if_due(alarm.alarm_id, by=ACTOR)
            except (RefusedError, NotFoundError, ConcurrencyError) as error:
                # The view lags behind the log: the shelf may be gone, or be a new and longer one.
                log.info("shelf left alone", alarm=alarm.alarm_id, reason=str(error))
