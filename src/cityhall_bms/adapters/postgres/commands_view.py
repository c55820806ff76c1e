"""Commands in PostgreSQL: how every point is commanded, every command there was, and who holds what."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from cityhall_bms.adapters.command_fold import (
    caught_up,
    command_json,
    command_of,
    control_json,
    control_of,
    slot_json,
    slot_of,
)
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.commanding.control import (
    COMMAND_STREAMS,
    Command,
    PointControl,
    fold,
    point_of,
    refused_at_once,
)
from cityhall_bms.domain.commanding.events import CommandRefused
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.commands import CommandFilter, CommandPage, HeldSlot
from cityhall_bms.ports.event_log import EventLog

QUERIES: Final = load("commands.sql")
HELD_MAX: Final = 10_000
NUL: Final = "\x00"


class CommandsProjection:
    """Tables ``command_point``, ``command`` and ``command_slot``."""

    name = "commands"
    tables = ("command_point", "command", "command_slot")

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Fold the entries of points that are commanded."""
        own = [entry for entry in entries if entry.stream.startswith(COMMAND_STREAMS)]
        if not own:
            return
        points = sorted({entry.stream.removeprefix(COMMAND_STREAMS) for entry in own})
        rows = await connection.fetch(QUERIES["load"], points)
        controls = {point: PointControl(point) for point in points}
        controls |= {row["point"]: control_of(row["control"]) for row in rows}
        commands: dict[str, tuple[int, Command]] = {}
        for entry in own:
            point = entry.stream.removeprefix(COMMAND_STREAMS)
            control = controls[point] = fold(controls[point], [entry])
            for command in _touched(control, entry):
                commands[command.command] = commands.get(command.command, (entry.position, command))[0], command
        await _store(connection, list(controls.values()), commands)


def _touched(control: PointControl, entry: StoredEvent) -> list[Command]:
    """Commands that an entry said something of, as they stand after it."""
    name = entry.payload.get("command")
    found = [one for one in (control.last, control.open) if one is not None and one.command == name]
    if not found and entry.type == CommandRefused.__name__:
        event = entry.event()
        assert isinstance(event, CommandRefused)  # noqa: S101 - by its name
        return [refused_at_once(event)]
    return found


async def _store(
    connection: asyncpg.Connection, controls: Sequence[PointControl], commands: dict[str, tuple[int, Command]]
) -> None:
    names = [control.point for control in controls]
    states = [control_json(control) for control in controls]
    await connection.execute(QUERIES["store"], names, [control.position for control in controls], states)
    rows = [
        (one.command, place, one.point, one.state.value, one.priority, command_json(one))
        for place, one in commands.values()
    ]
    await connection.executemany(QUERIES["store_command"], rows)
    await connection.execute(QUERIES["forget_slots"], names)
    slots = [(control.point, slot) for control in controls for slot in control.slots.values()]
    await connection.execute(
        QUERIES["store_slots"],
        [point for point, _ in slots],
        [slot.priority for _, slot in slots],
        [slot.until for _, slot in slots],
        [slot_json(slot) for _, slot in slots],
    )


class PostgresCommandView:
    """What :class:`CommandsProjection` keeps, and the log beyond it; see :class:`~cityhall_bms.ports.commands`."""

    def __init__(self, pool: asyncpg.Pool, events: EventLog) -> None:
        self._pool = pool
        self._events = events

    async def control(self, point: str) -> PointControl:
        """How a point is commanded now: the view, and what the log holds beyond it."""
        if NUL in point:
            return PointControl(point)
        with translated(EventLogUnavailableError):
            found = await self._pool.fetchval(QUERIES["control"], point)
        return await caught_up(PointControl(point) if found is None else control_of(found), self._events)

    async def get(self, command: str) -> Command | None:
        """One command, by the log while it is the newest of its point; or none."""
        if NUL in command:
            return None
        control = await self.control(point_of(command))
        for one in (control.open, control.last):
            if one is not None and one.command == command:
                return one
        with translated(EventLogUnavailableError):
            found = await self._pool.fetchval(QUERIES["get"], command)
        return None if found is None else command_of(found)

    async def page(self, which: CommandFilter, limit: int, before: int | None) -> CommandPage:
        """One page, the newest first."""
        state = None if which.state is None else which.state.value
        asked = (which.point, state, which.priority, which.open_only, before, limit + 1)
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], *asked)
        more = len(rows) > limit
        rows = rows[:limit]
        commands = [command_of(row["detail"]) for row in rows]
        return CommandPage(commands, rows[-1]["opened_position"] if more else None)

    async def held(self, priority: int | None = None) -> Sequence[HeldSlot]:
        """Priorities that are held, those that end first first; ``HELD_MAX`` at most."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["held"], priority, HELD_MAX)
        return [HeldSlot(row["point"], slot_of(row["slot"])) for row in rows]

    async def due(self, now: int) -> Sequence[HeldSlot]:
        """Overrides whose time is over."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["due"], now, HELD_MAX)
        return [HeldSlot(row["point"], slot_of(row["slot"])) for row in rows]
