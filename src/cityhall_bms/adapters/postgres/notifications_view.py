"""Notifications in PostgreSQL: who was told of what, and what became of it."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.alarm_stream import identity_of
from cityhall_bms.domain.alarms import AlarmAcknowledged
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.notifications import (
    NOTIFICATION_STREAMS,
    Notification,
    NotificationState,
    Occasion,
    fold,
)
from cityhall_bms.ports.notifications import NotificationFilter, NotificationPage, ToldNotification

QUERIES: Final = load("notifications.sql")


class NotificationsProjection:
    """Table ``notification``."""

    name = "notifications"
    tables = ("notification",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was queued, tried and answered."""
        for entry in entries:
            if entry.stream.startswith(NOTIFICATION_STREAMS):
                name = entry.stream.removeprefix(NOTIFICATION_STREAMS)
                row = await connection.fetchrow(QUERIES["get"], name)
                before = Notification(name) if row is None else _notification(row)
                await connection.execute(QUERIES["put"], *_columns(fold(before, [entry])))
            elif entry.type == AlarmAcknowledged.__name__:
                answer = (entry.payload["by"], entry.payload["at"])
                await connection.execute(QUERIES["acknowledged"], identity_of(entry.stream), *answer)


class PostgresNotificationView:
    """What :class:`NotificationsProjection` keeps; see :class:`~cityhall_bms.ports.notifications.NotificationView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, which: NotificationFilter, limit: int, before: int | None) -> NotificationPage:
        """One page, the newest first."""
        state = None if which.state is None else which.state.value
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], which.alarm, which.person, state, before, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        told = [ToldNotification(_notification(row), row["acknowledged_by"], row["acknowledged_at"]) for row in rows]
        return NotificationPage(told, rows[-1]["queued_position"] if more else None)


def _columns(n: Notification) -> tuple[object, ...]:
    what = (n.notification, n.occasion.value, n.person, n.channel, n.group, n.priority, n.alarm, n.occurrence, n.level)
    said = (n.title, n.text, n.queued_at)
    stands = (n.due, n.state.value, n.attempts, n.may_repeat, n.attempted_at, n.ended_at, n.reason)
    return (*what, *said, *stands, n.version, n.position)


def _notification(row: asyncpg.Record) -> Notification:
    return Notification(
        notification=row["notification"],
        occasion=Occasion(row["occasion"]),
        person=row["person"],
        channel=row["channel"],
        group=row["group"],
        priority=row["priority"],
        alarm=row["alarm"],
        occurrence=row["occurrence"],
        level=row["level"],
        title=row["title"],
        text=row["text"],
        queued_at=row["queued_at"],
        due=row["due"],
        state=NotificationState(row["state"]),
        attempts=row["attempts"],
        may_repeat=row["may_repeat"],
        attempted_at=row["attempted_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        version=row["version"],
        position=row["position"],
    )
