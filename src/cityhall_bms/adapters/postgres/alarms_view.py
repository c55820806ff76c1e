"""Alarms in PostgreSQL: the fold of every alarm's stream, and what the API asks about it."""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from typing import Final

import asyncpg
import orjson

from cityhall_bms.adapters.alarm_fold import (
    decode_cursor,
    encode_cursor,
    fold_into,
    is_alarm_event,
    is_of_alarm,
    order_key,
    waiting,
)
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.listener import Listener
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.alarm_selection import StateSelection
from cityhall_bms.domain.alarm_stream import ALARM_STREAMS
from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.read_models import AlarmFilter, AlarmPage, AlarmTransition

QUERIES: Final = load("alarms.sql")
FOLLOW_PAGE: Final = 500
SHELVES_DUE_MAX: Final = 1_000
FIELDS: Final = frozenset(field.name for field in dataclasses.fields(Alarm))


class AlarmsProjection:
    """Tables ``alarm`` and ``alarm_transition``."""

    name = "alarms"
    tables = ("alarm", "alarm_transition")

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Fold the entries of alarms into their rows."""
        entries = [entry for entry in entries if is_of_alarm(entry)]
        if not entries:
            return
        identities = sorted({entry.stream.removeprefix(ALARM_STREAMS) for entry in entries})
        rows = await connection.fetch(QUERIES["load"], identities)
        alarms = {alarm.alarm_id: alarm for alarm in (alarm_of(row["alarm"]) for row in rows)}
        transitions: list[AlarmTransition] = []
        for entry in entries:
            alarm = fold_into(alarms, entry)
            alarms[alarm.alarm_id] = alarm
            if is_alarm_event(entry):
                transitions.append(AlarmTransition(entry.position, entry.recorded_at, entry.type, entry.actor, alarm))
        await connection.execute(QUERIES["store"], *_columns(list(alarms.values())))
        await connection.execute(
            QUERIES["store_transitions"],
            [item.position for item in transitions],
            [item.recorded_at for item in transitions],
            [item.type for item in transitions],
            [item.actor for item in transitions],
            [item.alarm.alarm_id for item in transitions],
            [_json(item.alarm) for item in transitions],
        )


class PostgresAlarmView:
    """What :class:`AlarmsProjection` keeps. ``EventLogUnavailableError`` when the database cannot be reached."""

    def __init__(self, pool: asyncpg.Pool, listener: Listener) -> None:
        self._pool = pool
        self._listener = listener

    async def page(self, which: AlarmFilter, limit: int, cursor: str | None) -> AlarmPage:
        """One page; ``ValueError`` for a cursor or a state that is none of ours."""
        chosen = StateSelection.of(which.state)
        after = (None, None, None, None) if cursor is None else decode_cursor(cursor)
        states = None if chosen.states is None else sorted(chosen.states)
        filters = (states, chosen.active, chosen.shelved, which.system, which.priority, which.equipment)
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], *filters, *after, limit + 1)
        alarms = [alarm_of(row["alarm"]) for row in rows if row["alarm"] is not None]
        more = len(alarms) > limit
        alarms = alarms[:limit]
        return AlarmPage(alarms, encode_cursor(order_key(alarms[-1])) if more else None, rows[0]["position"])

    async def everything(self) -> AlarmPage:
        """Every alarm there ever was, as of one moment."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["everything"])
        return AlarmPage(
            [alarm_of(row["alarm"]) for row in rows if row["alarm"] is not None], None, rows[0]["position"]
        )

    async def get(self, alarm_id: str) -> Alarm | None:
        """One alarm, or none."""
        if "\x00" in alarm_id:
            return None
        with translated(EventLogUnavailableError):
            body = await self._pool.fetchval(QUERIES["get"], alarm_id)
        return None if body is None else alarm_of(body)

    async def transitions(self, after: int, limit: int) -> list[AlarmTransition]:
        """What happened after a position, in order."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["transitions"], after, limit)
        return [_transition(*row) for row in rows]

    async def newest_transitions_of(self, alarm_id: str, limit: int) -> list[AlarmTransition]:
        """What happened to one alarm last, in order."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["newest_transitions_of"], alarm_id, limit)
        return [_transition(*row) for row in rows]

    async def follow(self, after: int) -> AsyncIterator[AlarmTransition]:
        """Every transition after a position, in order, without end; goes on by itself after an outage."""
        while True:
            changed = self._listener.changed
            try:
                transitions = await self.transitions(after, FOLLOW_PAGE)
            except EventLogUnavailableError:
                transitions = []
            for transition in transitions:
                after = transition.position
                yield transition
            if len(transitions) < FOLLOW_PAGE:
                await self._listener.wait(changed)

    async def shelves_due(self, now: int) -> list[Alarm]:
        """Shelved alarms whose time is over, ``SHELVES_DUE_MAX`` at most; the others come with the next call."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["shelves_due"], now, SHELVES_DUE_MAX)
        return [alarm_of(row["alarm"]) for row in rows]


def _transition(
    position: int, recorded_at: int, kind: str, actor: str, body: str, body_before: str | None
) -> AlarmTransition:
    before = None if body_before is None else alarm_of(body_before)
    return AlarmTransition(position, recorded_at, kind, actor, alarm_of(body), before)


def _json(alarm: Alarm) -> str:
    return orjson.dumps(alarm).decode()


def alarm_of(body: str) -> Alarm:
    """Alarm as the projection stored it."""
    fields = orjson.loads(body)
    if not fields.keys() <= FIELDS:
        fields = {name: value for name, value in fields.items() if name in FIELDS}
    return Alarm(**(fields | {"base": AlarmState(fields["base"])}))


def _columns(alarms: Sequence[Alarm]) -> tuple[list[object], ...]:
    rows = [
        (
            alarm.alarm_id,
            alarm.position,
            alarm.version,
            alarm.state,
            alarm.base,
            alarm.active,
            alarm.acknowledged,
            waiting(alarm),
            alarm.priority,
            alarm.system,
            alarm.equipment,
            alarm.raised_at or 0,
            alarm.shelved_until,
            _json(alarm),
        )
        for alarm in alarms
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))
