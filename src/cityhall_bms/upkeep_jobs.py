"""``cityhall-bms rebuild`` and ``archive``: beside the service, or alone."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from cityhall_bms import beside
from cityhall_bms.adapters.parquet_archive import ArchivedDay
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.rebuilding import Rebuilder, Rebuilt
from cityhall_bms.ports.clock import Clock
from cityhall_bms.roles.parts import pooled
from cityhall_bms.settings import Settings
from cityhall_bms.upkeep import archive_of


async def rebuild(settings: Settings, name: str, clock: Clock, on_event: Callable[[int, int], None]) -> Rebuilt:
    """Build a projection anew beside the one in use; see :class:`Rebuilder`."""
    beside.require_database(settings)
    async with (
        beside.database(settings, clock) as running,
        PostgresEventLog(running.database.url, clock) as events,
        pooled(running) as pool,
    ):
        return await Rebuilder(events, pool, PROJECTIONS).rebuild(name, on_event)


async def archive(
    settings: Settings, site: str, folder: Path | None, clock: Clock, on_day: Callable[[date], None]
) -> list[ArchivedDay]:
    """Write every packed day that is in no archive yet; ended at any time, it goes on when called again."""
    beside.require_database(settings)
    done: list[ArchivedDay] = []
    async with beside.database(settings, clock) as running, pooled(running) as pool:
        store = archive_of(running, site, pool, folder)
        while (day := await store.next_day()) is not None:
            on_day(day)
            done.append(await store.write(day, clock.now()))
    return done
