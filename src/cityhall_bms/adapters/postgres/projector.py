"""Keeps projections of the event log: tables that can be thrown away and built again."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import asyncpg
import structlog

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError, NotFoundError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog

LOG: Final = structlog.get_logger(__name__)
QUERIES: Final = load("projector.sql")
BATCH_EVENTS: Final = 1_000
RETRY_S: Final = 0.5


class Projection(Protocol):
    """Tables that follow from the log alone. Both methods run inside the projector's transaction."""

    @property
    def name(self) -> str:
        """Name of its checkpoint."""
        ...

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in entries, in the order of the log; those that do not concern it are passed too."""
        ...

    async def clear(self, connection: asyncpg.Connection) -> None:
        """Forget everything."""
        ...


class Projector:
    """Applies every event to every projection exactly once: tables and checkpoint move in one transaction.

    The checkpoints are locked while they move, so that a second projector on the same database does no harm.
    """

    def __init__(self, log: EventLog, pool: asyncpg.Pool, projections: Sequence[Projection], clock: Clock) -> None:
        self._log = log
        self._pool = pool
        self._projections = {projection.name: projection for projection in projections}
        self._clock = clock
        self._away = False

    async def run(self) -> None:
        """Follow the log without end; goes on by itself after an outage."""
        while True:
            try:
                await self._follow()
            except EventLogUnavailableError as error:
                self._report(str(error))
            await self._clock.sleep(RETRY_S)

    async def rebuild(self, name: str) -> int:
        """Build one projection anew and give the position it reflects; readers see the old one until it is done.

        Simple and exclusive: one transaction forgets, replays the whole log and commits, while the live projector
        waits. ``NotFoundError`` for an unknown name.
        """
        projection = self._projections.get(name)
        if projection is None:
            msg = f"there is no projection {name}; there are {', '.join(sorted(self._projections))}"
            raise NotFoundError(msg)
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(QUERIES["create"], [name])
                await connection.fetch(QUERIES["lock"], [name])
                await projection.clear(connection)
                position = 0
                while entries := await self._log.read(position, BATCH_EVENTS):
                    await projection.apply(connection, entries)
                    position = entries[-1].position
                await connection.execute(QUERIES["move"], [name], position)
        return position

    async def _follow(self) -> None:
        applied = await self._applied()
        self._report(None)
        async for entry in self._log.follow(applied):
            if entry.position <= applied:
                continue  # was taken in with the batch before
            entries = await self._log.read(applied, BATCH_EVENTS)
            if not await self._apply(entries):
                return
            applied = entries[-1].position

    async def _applied(self) -> int:
        names = list(self._projections)
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection:
                await connection.execute(QUERIES["create"], names)
                applied: int = await connection.fetchval(QUERIES["applied"], names)
        return applied

    async def _apply(self, entries: Sequence[StoredEvent]) -> bool:
        """Take in a batch; false, and nothing done, when a projection was set back and misses what came before."""
        names = list(self._projections)
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                positions: Mapping[str, int] = dict(await connection.fetch(QUERIES["lock"], names))
                if any(positions.get(name, 0) < entries[0].position - 1 for name in names):
                    return False
                for name, projection in self._projections.items():
                    fresh = [entry for entry in entries if entry.position > positions[name]]
                    if fresh:
                        await projection.apply(connection, fresh)
                await connection.execute(QUERIES["move"], names, entries[-1].position)
        return True

    def _report(self, reason: str | None) -> None:
        away = reason is not None
        if away != self._away:
            LOG.warning("projections_stopped" if away else "projections_go_on", reason=reason)
        self._away = away
