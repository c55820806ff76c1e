"""What a site's settings ask of those who keep its history."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from cityhall_bms.adapters.parquet_archive import ParquetArchive
from cityhall_bms.adapters.postgres.cold_packing import ColdPacker
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.demand_days import DemandDays
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.demand import POWER_UNITS
from cityhall_bms.historian.keeper import HistoryKeeper
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.keeping import Retention
from cityhall_bms.settings import Settings


@asynccontextmanager
async def history_keeper(
    settings: Settings, site: Site, ids: Mapping[str, int], events: EventLog, clock: Clock
) -> AsyncIterator[HistoryKeeper]:
    """Who packs, archives and lets go of the history of a site; with a pool in which a statement may take its time."""
    pool = await open_pool(settings.database.url, connections_max=2, command_timeout_s=None)
    try:
        archive = archive_of(settings, site.code, pool) if settings.retention.archive else None
        powers = [ids[point.name] for point in site.points.values() if point.unit in POWER_UNITS]
        demand = DemandDays(pool, clock, site.time_zone, powers)
        yield HistoryKeeper(ColdPacker(pool), events, retention_of(settings, site, ids), clock, archive, demand)
    finally:
        pool.terminate()


def retention_of(settings: Settings, site: Site, ids: Mapping[str, int]) -> Retention:
    """For how long what is kept, with the points that a system's own days concern."""
    asked = settings.retention
    special: dict[int, list[int]] = {}
    for point in site.points.values():
        days = asked.systems.get(site.system_of(point))
        if days is not None:
            special.setdefault(days, []).append(ids[point.name])
    return Retention(
        asked.scans_days,
        asked.samples_days,
        asked.minutes_days,
        asked.quarters_days,
        samples_of=special,
        archived=bool(asked.archive),
    )


def archive_of(settings: Settings, site: str, pool: asyncpg.Pool, folder: Path | None = None) -> ParquetArchive:
    """Archive in a folder, or in the one that the settings name."""
    place = folder or Path(settings.retention.archive)
    return ParquetArchive(pool, place, Signer.load_or_create(settings.key_folder), site)
