"""Walks in PostgreSQL: what was checked at which machine, and who took it over."""

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.walks import WALK_STREAMS, Check, PointWalked, Signature, Walk, WalkSignedOff

QUERIES: Final = load("walks.sql")
TYPES: Final = frozenset({PointWalked.__name__, WalkSignedOff.__name__})


class WalksProjection:
    """Tables ``walk`` and ``walked_point``."""

    name = "walks"
    tables = ("walked_point", "walk")

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was checked and signed."""
        for entry in entries:
            if not entry.stream.startswith(WALK_STREAMS):
                continue
            match entry.event() if entry.type in TYPES else None:
                case PointWalked() as walked:
                    await connection.execute(QUERIES["open"], walked.equipment, entry.version, entry.position)
                    what = (walked.passed, walked.note, walked.seen, walked.by, walked.at)
                    await connection.execute(QUERIES["check"], walked.point, walked.equipment, *what)
                case WalkSignedOff() as signed:
                    who = (signed.by, signed.at, signed.note, entry.version, entry.position)
                    await connection.execute(QUERIES["sign"], signed.equipment, *who)


class PostgresWalkView:
    """What :class:`WalksProjection` keeps: see :class:`~cityhall_bms.ports.commissioning.WalkView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def all(self) -> Mapping[str, Walk]:
        """Every walk that was begun, by equipment."""
        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
                walks = await connection.fetch(QUERIES["walks"])
                points = await connection.fetch(QUERIES["points"])
        checks: dict[str, dict[str, Check]] = {row["equipment"]: {} for row in walks}
        for row in points:
            check = Check(row["passed"], row["note"], row["seen"], row["checked_by"], row["checked_at"])
            checks[row["equipment"]][row["point"]] = check
        return {row["equipment"]: _walk(row, checks[row["equipment"]]) for row in walks}


def _walk(row: asyncpg.Record, checks: Mapping[str, Check]) -> Walk:
    signed = row["signed_at"] is not None
    return Walk(
        equipment=row["equipment"],
        checks=checks,
        signature=Signature(row["signed_by"], row["signed_at"], row["note"]) if signed else None,
        version=row["version"],
        position=row["position"],
    )
