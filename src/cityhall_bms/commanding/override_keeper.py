"""Ends manual overrides whose time is over: once, also when several keepers or an operator do so at the same time."""

from typing import Final

import structlog

from cityhall_bms.commanding.office import CommandOffice
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError, RefusedError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import CommandView

PERIOD_S: Final = 1.0

log = structlog.get_logger(__name__)


class OverrideKeeper:
    """Looks every second; an outage of the log delays what is due and loses none."""

    def __init__(self, view: CommandView, office: CommandOffice, clock: Clock) -> None:
        self._view = view
        self._office = office
        self._clock = clock

    async def run(self) -> None:
        """Keep the ends of overrides without end."""
        away = False
        while True:
            try:
                await self.expire_due()
            except EventLogUnavailableError as error:
                if not away:
                    log.warning("overrides wait for the event log", reason=str(error))
                away = True
            else:
                away = False
            await self._clock.sleep(PERIOD_S)

    async def expire_due(self) -> None:
        """Give up every override that is over."""
        for held in await self._view.due(self._clock.now()):
            try:
                await self._office.expire(held.point)
            except (RefusedError, ConcurrencyError) as error:
                log.info("override left alone", point=held.point, reason=str(error))
