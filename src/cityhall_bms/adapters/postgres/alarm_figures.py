"""What rang, in PostgreSQL: narrow rows by which years of alarm handling are figured."""

from collections.abc import Iterable, Sequence
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
from cityhall_bms.domain.annunciating import Annunciation, Change, annunciate, unauthorised
from cityhall_bms.domain.annunciations import Annunciations
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
        known = [Annunciation(**row) for row in await connection.fetch(QUERIES["unsettled"], identities)]
        await _store(connection, _annunciated(known, changes))
        hidden = [change.after for change in changes if unauthorised(change)]
        at = {change.after.position: change.at for change in changes}
        await connection.execute(
            QUERIES["store_unauthorised"],
            [alarm.position for alarm in hidden],
            [at[alarm.position] for alarm in hidden],
            [alarm.alarm_id for alarm in hidden],
            [alarm.priority for alarm in hidden],
            [alarm.system for alarm in hidden],
            [alarm.equipment for alarm in hidden],
        )


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


def _annunciated(known: Iterable[Annunciation], changes: Iterable[Change]) -> list[Annunciation]:
    """Rows that are new or different after some changes, by position."""
    unsettled: dict[str, dict[int, Annunciation]] = {}
    for row in known:
        unsettled.setdefault(row.alarm_id, {})[row.position] = row
    changed: dict[int, Annunciation] = {}
    for change in changes:
        rows = unsettled.setdefault(change.after.alarm_id, {})
        for row in annunciate(rows.values(), change):
            changed[row.position] = rows[row.position] = row
            if row.settled:
                del rows[row.position]
    return [changed[position] for position in sorted(changed)]


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
