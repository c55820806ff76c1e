"""Commands folded anew from the log at every question: what unit tests use, held to the contract of the real view."""

from collections.abc import Sequence

from cityhall_bms.adapters.command_fold import caught_up
from cityhall_bms.domain.commanding.control import (
    COMMAND_STREAMS,
    OPEN_STATES,
    Command,
    PointControl,
    fold,
    refused_at_once,
)
from cityhall_bms.domain.commanding.events import CommandRefused
from cityhall_bms.ports.commands import CommandFilter, CommandPage, HeldSlot
from cityhall_bms.ports.event_log import EventLog


class MemoryCommandView:
    """See :class:`~cityhall_bms.ports.commands.CommandView`; never behind the log."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    async def control(self, point: str) -> PointControl:
        """How a point is commanded now."""
        return await caught_up(PointControl(point), self._events)

    async def get(self, command: str) -> Command | None:
        """One command, or none."""
        _, commands = await self._all()
        return commands[command][1] if command in commands else None

    async def page(self, which: CommandFilter, limit: int, before: int | None) -> CommandPage:
        """One page, the newest first."""
        _, commands = await self._all()
        chosen = [
            (place, command)
            for place, command in sorted(commands.values(), key=lambda item: -item[0])
            if which.point in {None, command.point}
            and which.state in {None, command.state}
            and which.priority in {None, command.priority}
            and (not which.open_only or command.state in OPEN_STATES)
            and (before is None or place < before)
        ]
        more = len(chosen) > limit
        chosen = chosen[:limit]
        return CommandPage([command for _, command in chosen], chosen[-1][0] if more else None)

    async def held(self, priority: int | None = None) -> Sequence[HeldSlot]:
        """Priorities that are held, those that end first first."""
        controls, _ = await self._all()
        slots = [HeldSlot(point, slot) for point, control in controls.items() for slot in control.slots.values()]
        chosen = [held for held in slots if priority in {None, held.slot.priority}]
        return sorted(chosen, key=lambda held: (held.slot.until or 2**63, held.point, held.slot.priority))

    async def due(self, now: int) -> Sequence[HeldSlot]:
        """Overrides whose time is over."""
        return [held for held in await self.held() if held.slot.until is not None and held.slot.until <= now]

    async def _all(self) -> tuple[dict[str, PointControl], dict[str, tuple[int, Command]]]:
        controls: dict[str, PointControl] = {}
        commands: dict[str, tuple[int, Command]] = {}
        for entry in await self._events.read(0, await self._events.end(), COMMAND_STREAMS):
            point = entry.stream.removeprefix(COMMAND_STREAMS)
            control = controls[point] = fold(controls.get(point, PointControl(point)), [entry])
            for command in (control.last, control.open):
                if command is not None:
                    place = commands[command.command][0] if command.command in commands else entry.position
                    commands[command.command] = place, command
            event = entry.event()
            if isinstance(event, CommandRefused) and event.command not in commands:
                commands[event.command] = entry.position, refused_at_once(event)
        return controls, commands
