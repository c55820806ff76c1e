"""Hand-overs in PostgreSQL, and the alarms that stood at any position of the event log."""

import json
from collections.abc import Sequence
from typing import Final

import asyncpg

from cityhall_bms.adapters.alarm_fold import order_key
from cityhall_bms.adapters.postgres.alarms_view import alarm_of
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.past_view import QUERIES as PAST
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.hand_overs import HAND_OVER_STREAMS, HandOver, HandOverPrepared, HandOverSigned
from cityhall_bms.ports.hand_overs import HandOverPage

QUERIES: Final = load("hand_overs.sql")
TYPES: Final = frozenset({HandOverPrepared.__name__, HandOverSigned.__name__})


class HandOversProjection:
    """Table ``hand_over``."""

    name = "hand_overs"
    tables = ("hand_over",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was prepared and signed."""
        for entry in entries:
            if not entry.stream.startswith(HAND_OVER_STREAMS):
                continue
            match entry.event() if entry.type in TYPES else None:
                case HandOverPrepared() as made:
                    what = (made.hand_over, made.by, made.at, made.as_of, made.notes, json.dumps(made.counts))
                    await connection.execute(QUERIES["add"], *what, made.digest, entry.position)
                case HandOverSigned() as signed:
                    said = (signed.hand_over, signed.by, signed.at, signed.comment)
                    await connection.execute(QUERIES["sign"], *said, entry.version, entry.position)


class PostgresHandOverView:
    """See :class:`~cityhall_bms.ports.hand_overs.HandOverView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, limit: int, before: int | None) -> HandOverPage:
        """One page, the newest first."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], before, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return HandOverPage([_hand_over(row) for row in rows], rows[-1]["prepared_position"] if more else None)


class PostgresStandingThen:
    """See :class:`~cityhall_bms.ports.hand_overs.StandingThen`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def reflected(self) -> int:
        """Newest position for which there is an answer."""
        with translated(EventLogUnavailableError):
            position: int = await self._pool.fetchval(QUERIES["reflected"])
        return position

    async def alarms_by(self, position: int) -> Sequence[Alarm]:
        """Alarms that were not normal, in the operators' order."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(PAST["alarms_at"], position)
        return sorted((alarm_of(row["alarm"]) for row in rows), key=order_key)


def _hand_over(row: asyncpg.Record) -> HandOver:
    return HandOver(
        hand_over=row["hand_over"],
        prepared_by=row["prepared_by"],
        prepared_at=row["prepared_at"],
        as_of=row["as_of"],
        notes=row["notes"],
        counts=json.loads(row["counts"]),
        digest=row["digest"],
        signed_by=row["signed_by"],
        signed_at=row["signed_at"],
        comment=row["comment"],
        version=row["version"],
        position=row["position"],
    )
