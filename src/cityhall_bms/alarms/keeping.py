"""The loop of every keeper: look, act, wait."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.ports.clock import Clock

PERIOD_S: Final = 1.0

log = structlog.get_logger(__name__)


async def keep(what: str, step: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Take a step every second without end; an outage of the event log delays what is due, loses none, is told once."""
    away = False
    while True:
        try:
            await step()
        except EventLogUnavailableError as error:
            if not away:
                log.warning("a keeper waits for the event log", keeper=what, reason=str(error))
            away = True
        else:
            away = False
        await clock.sleep(PERIOD_S)
