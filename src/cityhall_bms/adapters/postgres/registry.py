"""Permanent numbers of points in PostgreSQL, and the record of what was taken into service."""

import json
from collections.abc import Mapping
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.adapters.site_diff import STREAM, Known, Parts, compare, last_applied, parts, plain
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.event_log import Append, EventLog

QUERIES: Final = load("registry.sql")
IMPORTS: Final = load("history_import.sql")


class PostgresPointRegistry:
    """Tables ``point`` and ``site_device``.

    The event is appended first, and only if the fingerprint of the last one differs; the rows follow in a transaction
    that holds a lock all the while. A crash between the two is healed by the next ``apply`` of the same site: it finds
    the event there, and writes the rows alone. Two processes that apply at once do so one after the other.
    """

    def __init__(self, pool: asyncpg.Pool, log: EventLog) -> None:
        self._pool = pool
        self._log = log

    async def apply(self, site: Site, actor: str) -> Mapping[str, int]:
        """Number new points, write ``SiteApplied`` if anything differs, give all numbers."""
        described = parts(site)
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(QUERIES["lock"])
                await self._record(connection, site, described, actor)
                await _store(connection, site, described)
                return await _ids(connection)

    async def ids(self) -> Mapping[str, int]:
        """Number of every point ever known, by name."""
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection:
                return await _ids(connection)

    async def _record(self, connection: asyncpg.Connection, site: Site, described: Parts, actor: str) -> None:
        version, fingerprint = await last_applied(self._log)
        if fingerprint == described.fingerprint:
            return
        known = Known(
            dict(await connection.fetch(QUERIES["known_points"])),
            dict(await connection.fetch(QUERIES["known_devices"])),
        )
        await self._log.append([Append(STREAM, [compare(site, known, described)], actor, version)])


async def _store(connection: asyncpg.Connection, site: Site, described: Parts) -> None:
    fingerprints = [described.points[name] for name in site.points]
    await connection.execute(QUERIES["keep_past"], list(site.points), fingerprints)
    await connection.execute(
        QUERIES["store_points"],
        list(site.points),
        fingerprints,
        [json.dumps(plain(point), ensure_ascii=False) for point in site.points.values()],
    )
    await connection.execute(QUERIES["retire_points"], list(site.points))
    await connection.execute(QUERIES["store_devices"], list(described.devices), list(described.devices.values()))
    await connection.execute(QUERIES["retire_devices"], list(described.devices))
    # A historian that runs knows how often points are scanned, and which of them count: it looks again.
    await connection.execute(IMPORTS["note_change"])


async def _ids(connection: asyncpg.Connection) -> Mapping[str, int]:
    return dict(await connection.fetch(QUERIES["ids"]))
