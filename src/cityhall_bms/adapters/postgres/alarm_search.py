"""The record of alarms in PostgreSQL, searched."""

from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.alarms_view import alarm_of
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.past_view import QUERIES as PAST
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.ports.alarm_search import AlarmSearch, AlarmSearchPage
from cityhall_bms.ports.read_models import AlarmTransition

QUERIES: Final = load("alarm_search.sql")


class PostgresAlarmRecord:
    """See :class:`~cityhall_bms.ports.alarm_search.AlarmRecord`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def search(self, what: AlarmSearch, limit: int, before: int | None) -> AlarmSearchPage:
        """One page, the newest first."""
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction(readonly=True):
                await connection.execute(QUERIES["plan"])
                rows = await connection.fetch(
                    QUERIES["search"],
                    await _position(connection, what.start),
                    await _position(connection, what.end),
                    before,
                    what.subject,
                    what.equipment,
                    what.actor,
                    what.system,
                    what.priority,
                    None if what.text is None else await _named(connection, what.text),
                    what.text,
                    limit + 1,
                )
        found = [_transition(row) for row in rows[:limit]]
        return AlarmSearchPage(found, found[-1].position if len(rows) > limit else None)


def _transition(row: asyncpg.Record) -> AlarmTransition:
    return AlarmTransition(row["position"], row["recorded_at"], row["type"], row["actor"], alarm_of(row["alarm"]))


async def _position(connection: asyncpg.Connection, at: int | None) -> int | None:
    """Position of the newest event before a time: positions have the order of times."""
    if at is None:
        return None
    position: int = await connection.fetchval(PAST["position_at"], at - 1)
    return position


async def _named(connection: asyncpg.Connection, text: str) -> list[str]:
    return [row["alarm_id"] for row in await connection.fetch(QUERIES["named"], text)]
