"""Deciding on a point as the log has it, and appending what follows, however many people do so at once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from cityhall_bms.domain.commanding.control import PointControl, command_stream, fold
from cityhall_bms.domain.commanding.events import CommandEvent
from cityhall_bms.domain.errors import ConcurrencyError
from cityhall_bms.ports.commands import CommandView
from cityhall_bms.ports.event_log import Append, EventLog

ATTEMPTS_MAX: Final = 5
"""How often something is decided again because the point changed meanwhile."""

Decide = Callable[[PointControl], Awaitable[Sequence[CommandEvent]]]


class PointStreams:
    """The streams of commanded points."""

    def __init__(self, view: CommandView, events: EventLog) -> None:
        self._view = view
        self._events = events

    async def act(self, point: str, actor: str, decide: Decide) -> PointControl:
        """Append what is decided, and give the point after it; ``ConcurrencyError`` when it never stood still."""
        for _ in range(ATTEMPTS_MAX):
            control = await self._view.control(point)
            events = await decide(control)
            if not events:
                return control
            try:
                entries = await self._events.append([Append(command_stream(point), events, actor, control.version)])
            except ConcurrencyError:
                continue
            return fold(control, entries)
        msg = f"點位 {point} 變動頻繁，請再試 / point {point} changed {ATTEMPTS_MAX} times meanwhile; try again"
        raise ConcurrencyError(msg)
