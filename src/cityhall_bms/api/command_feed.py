"""What happens to commands, for many consoles at once: the log is followed once per process."""

from dataclasses import dataclass, field

import structlog

from cityhall_bms.api.tail import Tail
from cityhall_bms.domain.commanding.control import (
    COMMAND_STREAMS,
    Command,
    PointControl,
    fold,
    refused_at_once,
)
from cityhall_bms.domain.commanding.events import CommandEvent, CommandRefused
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import EVENT_TYPES, StoredEvent
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import CommandView
from cityhall_bms.ports.event_log import EventLog

RETRY_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CommandNews:
    """One event of a point's stream, and the command as it stands after it (none: it is about an override)."""

    entry: StoredEvent
    point: str
    command: Command | None


@dataclass(slots=True)
class CommandFeed:
    """Follows the log from the moment it is run; ``tail`` keeps the newest stretch."""

    view: CommandView
    events: EventLog
    clock: Clock
    tail: Tail[CommandNews] = field(default_factory=lambda: Tail(0))
    _controls: dict[str, PointControl] = field(default_factory=dict)

    async def run(self) -> None:
        """Follow without end; goes on by itself after an outage."""
        while True:
            try:
                await self._follow()
            except EventLogUnavailableError as error:
                log.warning("news of commands stand still", reason=str(error))
                await self.clock.sleep(RETRY_S)

    async def _follow(self) -> None:
        if not self.tail.end:
            self.tail.restart(await self.events.end())
        async for entry in self.events.follow(self.tail.end):
            if entry.stream.startswith(COMMAND_STREAMS):
                self.tail.push(entry.position, await self._news(entry))

    async def _news(self, entry: StoredEvent) -> CommandNews:
        point = entry.stream.removeprefix(COMMAND_STREAMS)
        control = self._controls.get(point)
        if control is None or control.version < entry.version - 1:
            control = await self.view.control(point)
        control = self._controls[point] = fold(control, [entry])
        known = EVENT_TYPES.get(entry.type)
        event = entry.event() if known is not None and issubclass(known, CommandEvent) else None
        name = entry.payload.get("command")
        both = (control.open, control.last)
        command = next((one for one in both if one is not None and one.command == name), None)
        if command is None and isinstance(event, CommandRefused):
            command = refused_at_once(event)
        return CommandNews(entry, point, command)
