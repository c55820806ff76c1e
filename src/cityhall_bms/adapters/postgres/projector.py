"""Keeps projections of the event log: tables that can be thrown away and built again."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import asyncpg
import structlog

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog

LOG: Final = structlog.get_logger(__name__)
QUERIES: Final = load("projector.sql")
BATCH_EVENTS: Final = 1_000
RETRY_S: Final = 0.5


class Projection(Protocol):
    """Tables that follow from the log alone."""

    @property
    def name(self) -> str:
        """Name of its checkpoint."""
        ...

    @property
    def tables(self) -> Sequence[str]:
        """Tables that it alone writes."""
        ...

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in entries, in the order of the log and in the projector's transaction; all are passed."""
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

    async def catch_up(self) -> None:
        """Take in what the log holds now, and return."""
        applied = await self._applied()
        while entries := await self._log.read(applied, BATCH_EVENTS):
            applied = entries[-1].position if await self._apply(entries) else await self._applied()

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
