"""Everything that acts on the demand, one after the other at every tick of it."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.energy.demand_watch import DemandSight, DemandWatch, PresentValues

log = structlog.get_logger(__name__)


class DemandKeeper(Protocol):
    """Whoever looks at every tick."""

    async def look(self, sight: DemandSight, source: PresentValues) -> None:
        """Do what is due."""
        ...


async def steer(watch: DemandWatch, source: PresentValues, keepers: Sequence[DemandKeeper]) -> None:
    """Follow the demand, and let every keeper look at each tick, in order; an outage of the event log is waited for."""
    if not len(watch.meters):
        return
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch.run(source))
        tasks.create_task(_look(watch, source, keepers))


async def _look(watch: DemandWatch, source: PresentValues, keepers: Sequence[DemandKeeper]) -> None:
    number, away = 0, False
    while True:
        sight = await watch.after(number)
        number = sight.number
        try:
            for keeper in keepers:
                await keeper.look(sight, source)
        except EventLogUnavailableError as error:
            if not away:
                log.warning("demand is not steered while the event log is away", reason=str(error))
            away = True
        else:
            away = False
