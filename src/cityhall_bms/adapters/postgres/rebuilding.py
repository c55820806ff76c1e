"""Builds a projection anew beside the one in use, compares the two, and switches if they differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.projector import BATCH_EVENTS, Projection
from cityhall_bms.adapters.postgres.projector import QUERIES as CHECKPOINTS
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError, NotFoundError
from cityhall_bms.ports.event_log import EventLog

QUERIES: Final = load("rebuilding.sql")
REBUILD_LOCK: Final = 7309


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a projection came to at a position of the log, and by how many rows each table had been wrong."""

    name: str
    position: int
    rows: Mapping[str, int]
    wrong: Mapping[str, int]
    """Rows that the table in use had and the new one has not, or the other way round."""

    @property
    def differed(self) -> bool:
        """Whether the new one took the place of the old one; else nothing was touched."""
        return any(self.wrong.values())


class Rebuilder:
    """Works beside a running projector. Ended at any moment it has changed nothing; called again it begins anew."""

    def __init__(self, log: EventLog, pool: asyncpg.Pool, projections: Sequence[Projection]) -> None:
        self._log = log
        self._pool = pool
        self._projections = {projection.name: projection for projection in projections}

    async def rebuild(self, name: str, on_event: Callable[[int, int], None] = lambda _done, _end: None) -> Rebuilt:
        """Build and compare one projection; ``on_event`` hears the position reached and the one aimed at.

        ``NotFoundError`` for an unknown name, ``ConcurrencyError`` while somebody else rebuilds.
        """
        projection = self._projections.get(name)
        if projection is None:
            msg = f"there is no projection {name}; there are {', '.join(sorted(self._projections))}"
            raise NotFoundError(msg)
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection:
                if not await connection.fetchval(QUERIES["lock"], REBUILD_LOCK):
                    msg = "another rebuild is at work; wait for it to end"
                    raise ConcurrencyError(msg)
                try:
                    return await self._beside(connection, projection, on_event)
                finally:
                    await connection.execute(QUERIES["unlock"], REBUILD_LOCK)

    async def _beside(
        self, connection: asyncpg.Connection, projection: Projection, on_event: Callable[[int, int], None]
    ) -> Rebuilt:
        shadow = f"rebuild_{projection.name}"
        home = await connection.fetchval(QUERIES["home"])
        await connection.execute(f"DROP SCHEMA IF EXISTS {shadow} CASCADE; CREATE SCHEMA {shadow}")
        try:
            for table in projection.tables:
                await connection.execute(f"CREATE TABLE {shadow}.{table} (LIKE {home}.{table} INCLUDING ALL)")
            await connection.execute(CHECKPOINTS["create"], [projection.name])
            position = 0
            while position < (end := await connection.fetchval(CHECKPOINTS["applied"], [projection.name])):
                async with connection.transaction():
                    position = await self._apply(connection, projection, (position, end), f"{shadow}, {home}")
                on_event(position, end)
            return await self._switch(connection, projection, position, (shadow, home))
        finally:
            # However this ends; after an outage the next rebuild clears up.
            if not connection.is_closed():
                await connection.execute(f"DROP SCHEMA IF EXISTS {shadow} CASCADE")

    async def _apply(
        self, connection: asyncpg.Connection, projection: Projection, span: tuple[int, int], search_path: str
    ) -> int:
        """Take in some of the entries after ``span[0]``, up to ``span[1]``; gives the position reached."""
        position, end = span
        entries = await self._log.read(position, min(BATCH_EVENTS, end - position))
        await connection.execute(QUERIES["search"], search_path)
        await projection.apply(connection, entries)
        return entries[-1].position if entries else end

    async def _switch(
        self, connection: asyncpg.Connection, projection: Projection, position: int, places: tuple[str, str]
    ) -> Rebuilt:
        """With the projector waiting: catch up, compare, and take the new rows if they are others."""
        shadow, home = places
        async with connection.transaction():
            [row] = await connection.fetch(CHECKPOINTS["lock"], [projection.name])
            while position < row["position"]:
                span = (position, row["position"])
                position = await self._apply(connection, projection, span, f"{shadow}, {home}")
            await connection.execute(QUERIES["search"], home)
            rows = {table: await connection.fetchval(_counted(shadow, table)) for table in projection.tables}
            wrong = {table: await connection.fetchval(_compared(home, shadow, table)) for table in projection.tables}
            if any(wrong.values()):
                for table in projection.tables:
                    await connection.execute(f"DELETE FROM {home}.{table}")  # noqa: S608 - names of ours
                    await connection.execute(f"INSERT INTO {home}.{table} TABLE {shadow}.{table}")
        return Rebuilt(projection.name, position, rows, wrong)


def _counted(schema: str, table: str) -> str:
    return f"SELECT count(*) FROM {schema}.{table}"  # noqa: S608 - names of ours


def _compared(home: str, shadow: str, table: str) -> str:
    """How many rows are in one of two tables only."""
    old, new = f"TABLE {home}.{table}", f"TABLE {shadow}.{table}"
    return f"SELECT count(*) FROM (({old} EXCEPT ALL {new}) UNION ALL ({new} EXCEPT ALL {old})) AS other"  # noqa: S608
