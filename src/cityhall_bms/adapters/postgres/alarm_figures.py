"""What rang, in PostgreSQL: narrow rows by which years of alarm handling are figured."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import asyncpg
import numpy as np

from cityhall_bms.adapters.alarm_fold import fold_into, is_alarm_event
from cityhall_bms.adapters.postgres.alarms_view import alarm_of
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.history_copy import SIGNATURE, TRAILER
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.alarm_stream import identity_of
from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.annunciating import (
    Annunciation,
    Change,
    Settlement,
    annunciate,
    settle,
    unauthorised,
)
from cityhall_bms.domain.annunciations import NEVER, Annunciations
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.alarm_figures import Console

QUERIES: Final = load("alarm_figures.sql")
COLUMNS: Final = 9
ROW: Final = np.dtype([("fields", ">i2"), ("column", [("length", ">i4"), ("value", ">i8")], (COLUMNS,))])


class AnnunciationsProjection:
    """Tables ``annunciated_alarm``, ``annunciation`` and ``unauthorised_hiding``.

    How an alarm stood before is read from the transitions that the projection of alarms keeps: it comes after that.
    """

    name = "annunciations"
    tables = ("annunciated_alarm", "annunciation", "unauthorised_hiding")

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what rang, ended, or was answered or hidden."""
        entries = [entry for entry in entries if is_alarm_event(entry)]
        if not entries:
            return
        identities = sorted({identity_of(entry.stream) for entry in entries})
        before = await connection.fetch(QUERIES["before"], identities, entries[0].position)
        changes = list(
            _changes({alarm.alarm_id: alarm for alarm in (alarm_of(row["alarm"]) for row in before)}, entries)
        )
        rows = _Rows(Annunciation(**row) for row in await connection.fetch(QUERIES["standing"], identities))
        for change in changes:
            rows.take(change)
        await _settle(connection, rows.settlements)
        await _store(connection, [rows.changed[position] for position in sorted(rows.changed)])
        await _store_unauthorised(connection, [change for change in changes if unauthorised(change)])


class PostgresAnnunciationView:
    """What :class:`AnnunciationsProjection` keeps. ``EventLogUnavailableError`` when it cannot be reached."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def annunciations(self, console: Console, first: int, until: int) -> Annunciations:
        """Rows of a stretch, with a day before it and what already stood."""
        which = (first, until, console.system, console.zone, console.priority)
        chunks: list[bytes] = []

        async def keep(chunk: bytes) -> None:
            chunks.append(chunk)

        with translated(EventLogUnavailableError):
            async with self._pool.acquire() as connection:
                # Names last: an alarm that is new meanwhile has one.
                await connection.copy_from_query(QUERIES["rows"].rstrip(";"), *which, output=keep, format="binary")
                names = await connection.fetch(QUERIES["names"])
                hidden = await connection.fetch(QUERIES["unauthorised"], *which)
        return _columns(b"".join(chunks), names, [row["at"] for row in hidden])

    async def stale(self, console: Console, since: int, limit: int) -> list[Alarm]:
        """Alarms that operators see and that have been standing since before ``since``, longest first."""
        which = (since, limit, console.system, console.zone, console.priority)
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["stale"], *which)
        return [alarm_of(row["alarm"]) for row in rows]

    async def rings(self, after: int, since: int, limit: int) -> list[tuple[int, int]]:
        """Position and time of what rang after a position and a time, in order; drills do not count."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["rings"], after, since, limit)
        return [(row["position"], row["at"]) for row in rows]

    async def position(self) -> int:
        """Position of the newest event that it reflects."""
        with translated(EventLogUnavailableError):
            found: int | None = await self._pool.fetchval(QUERIES["position"])
        return found or 0


def _changes(alarms: dict[str, Alarm], entries: Iterable[StoredEvent]) -> Iterable[Change]:
    for entry in entries:
        identity = identity_of(entry.stream)
        before = alarms.get(identity, Alarm(identity))
        after = fold_into(alarms, entry)
        alarms[identity] = after
        yield Change(entry.event(), entry.recorded_at, before, after)


class _Rows:
    """Rows that a batch of changes makes or alters: those that stood before it, and those of its own.

    Of the others nothing is read, however many of them wait: what settles them is told to the database.
    """

    def __init__(self, standing: Iterable[Annunciation]) -> None:
        self.changed: dict[int, Annunciation] = {}
        self.settlements: dict[str, Settlement] = {}
        """The first of each alarm: it settles all that waited before the batch."""
        self._of: dict[str, dict[int, Annunciation]] = {}
        for row in standing:
            self._of.setdefault(row.alarm_id, {})[row.position] = row

    def take(self, change: Change) -> None:
        """Take in the next change."""
        identity = change.after.alarm_id
        rows = self._of.setdefault(identity, {})
        settlement = settle(change)
        if settlement is not None:
            self.settlements.setdefault(identity, settlement)
            self._keep(rows, [settlement.of(row) for row in rows.values() if row.waiting])
        self._keep(rows, annunciate([row for row in rows.values() if row.ended == NEVER], change))

    def _keep(self, rows: dict[int, Annunciation], changed: Iterable[Annunciation]) -> None:
        for row in changed:
            self.changed[row.position] = rows[row.position] = row


async def _settle(connection: asyncpg.Connection, settlements: Mapping[str, Settlement]) -> None:
    if not settlements:
        return
    await connection.execute(
        QUERIES["settle"],
        list(settlements),
        [settlement.acknowledged for settlement in settlements.values()],
        [settlement.withdrawn for settlement in settlements.values()],
    )


async def _store(connection: asyncpg.Connection, rows: Sequence[Annunciation]) -> None:
    if not rows:
        return
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.alarm_id, row.position)
    await connection.execute(QUERIES["number"], list(first.values()), list(first))
    fields = [
        (row.position, row.at, row.alarm_id, row.occurrence, row.priority, row.system, row.equipment, row.began,
         row.ended, row.acknowledged, row.again, row.late, row.drill, row.withdrawn, row.waiting)
        for row in rows
    ]  # fmt: skip
    await connection.execute(QUERIES["store"], *(list(column) for column in zip(*fields, strict=True)))


async def _store_unauthorised(connection: asyncpg.Connection, changes: Sequence[Change]) -> None:
    if not changes:
        return
    fields = [
        (change.after.position, change.at, change.after.alarm_id, change.after.priority, change.after.system,
         change.after.equipment)
        for change in changes
    ]  # fmt: skip
    await connection.execute(QUERIES["store_unauthorised"], *(list(column) for column in zip(*fields, strict=True)))


def _columns(data: bytes, names: Sequence[asyncpg.Record], unauthorised_at: Sequence[int]) -> Annunciations:
    rows = np.frombuffer(data[len(SIGNATURE) : len(data) - len(TRAILER)], ROW)
    columns = rows["column"]["value"].astype(np.int64)
    numbers = np.array([row["number"] for row in names], np.int64)
    return Annunciations(
        names=[row["alarm_id"] for row in names],
        alarm=np.searchsorted(numbers, columns[:, 0]),
        priority=columns[:, 1].astype(np.uint8),
        began=columns[:, 2],
        ended=columns[:, 3],
        rang=columns[:, 4],
        acknowledged=columns[:, 5],
        again=columns[:, 6] != 0,
        withdrawn=columns[:, 7] != 0,
        drill=columns[:, 8] != 0,
        unauthorised=np.array(unauthorised_at, np.int64),
    )
