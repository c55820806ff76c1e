"""Permits in PostgreSQL: what was allowed, where, and until when."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.permits import PERMIT_STREAMS, Permit, PermitClosed, PermitKind, PermitOpened, Scope
from cityhall_bms.ports.permits import PermitFilter, PermitPage

QUERIES: Final = load("permits.sql")
DUE_MAX: Final = 1_000
TYPES: Final = frozenset({PermitOpened.__name__, PermitClosed.__name__})


class PermitsProjection:
    """Table ``permit``."""

    name = "permits"
    tables = ("permit",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was opened and closed."""
        for entry in entries:
            if not entry.stream.startswith(PERMIT_STREAMS):
                continue
            match entry.event() if entry.type in TYPES else None:
                case PermitOpened() as opened:
                    await connection.execute(QUERIES["add"], *_opened(opened), entry.position)
                case PermitClosed() as closed:
                    what = (closed.permit, closed.at, closed.by, closed.comment)
                    await connection.execute(QUERIES["close"], *what, entry.version, entry.position)


class PostgresPermitView:
    """What :class:`PermitsProjection` keeps: see :class:`~cityhall_bms.ports.permits.PermitView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, which: PermitFilter, limit: int, before: int | None) -> PermitPage:
        """One page, the newest first."""
        kind = None if which.kind is None else which.kind.value
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], which.open_only, kind, before, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return PermitPage([_permit(row) for row in rows], rows[-1]["opened_position"] if more else None)

    async def get(self, permit: str) -> Permit | None:
        """One permit, or none."""
        if "\x00" in permit:
            return None
        with translated(EventLogUnavailableError):
            row = await self._pool.fetchrow(QUERIES["get"], permit)
        return None if row is None else _permit(row)

    async def due(self, now: int) -> Sequence[Permit]:
        """Permits whose time is over, ``DUE_MAX`` at most; the others come with the next call."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["due"], now, DUE_MAX)
        return [_permit(row) for row in rows]

    async def in_force(self, position: int, at: int) -> Sequence[Permit]:
        """Permits in force at a time, as they stood at a position."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["in_force"], position, at)
        return [_as_opened(row) for row in rows]


def _opened(event: PermitOpened) -> tuple[object, ...]:
    scope = (event.equipment, event.zones, event.systems)
    return (event.permit, event.kind, *scope, event.begin, event.until, event.reason, event.by, event.at)


def _permit(row: asyncpg.Record) -> Permit:
    return Permit(
        permit=row["permit"],
        kind=PermitKind(row["kind"]),
        scope=Scope(tuple(row["equipment"]), tuple(row["zones"]), tuple(row["systems"])),
        begin=row["begin"],
        until=row["until"],
        reason=row["reason"],
        opened_by=row["opened_by"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        comment=row["comment"],
        version=row["version"],
        position=row["position"],
    )


def _as_opened(row: asyncpg.Record) -> Permit:
    """Permit as it stood before anybody closed it."""
    return replace(_permit(row), closed_at=None, closed_by="", comment="", version=1, position=row["opened_position"])
