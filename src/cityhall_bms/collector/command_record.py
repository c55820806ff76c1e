"""What the commander tells the event log: how commands went, and the alarms that follow from it.

Before a write the log must answer, or nothing is written. What happened to a device is told however long the log is
away; should this process end meanwhile, its next life asks the device.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import Random
from typing import Final, TypeVar

import structlog

from cityhall_bms.collector.backoff import delay_s
from cityhall_bms.domain.alarm_stream import fold as fold_alarm
from cityhall_bms.domain.alarms import Alarm, stream_of
from cityhall_bms.domain.commanding import failure_alarm
from cityhall_bms.domain.commanding.control import COMMAND_STREAMS, Command, PointControl, command_stream
from cityhall_bms.domain.commanding.events import (
    CommandAttempted,
    CommandConfirmed,
    CommandEvent,
    CommandFailed,
    CommandRelinquished,
    CommandReverted,
)
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import CommandView
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog

RETRY_MIN_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
PAGE_EVENTS: Final = 500

ResultT = TypeVar("ResultT")

log = structlog.get_logger(__name__)


class CommandRecord:
    """The log and the view of one collector's commander."""

    def __init__(self, collector: str, view: CommandView, events: EventLog, clock: Clock, random: Random) -> None:
        self._checkpoint = f"commander/{collector}"
        self._actor = f"collector/{collector}"
        self._view = view
        self._events = events
        self._clock = clock
        self._random = random
        self.follow = events.follow

    async def progress(self) -> int:
        """Position up to which everything that was asked for has ended."""
        checkpoint = await self._patiently(partial(self._events.checkpoint, self._checkpoint))
        return 0 if checkpoint is None else checkpoint.position

    async def after(self, position: int) -> list[StoredEvent]:
        """Some entries of commands after a position; none when there are no more."""
        return await self._patiently(partial(self._events.read, position, PAGE_EVENTS, COMMAND_STREAMS))

    async def end(self) -> int:
        """Position of the newest event."""
        return await self._patiently(self._events.end)

    async def control(self, point: str) -> PointControl:
        """How a point is commanded now."""
        return await self._patiently(partial(self._view.control, point))

    async def announce(self, control: PointControl, attempted: CommandAttempted) -> PointControl:
        """Tell, before it is done, that a command is being written; gives the point as it is then known.

        ``ConcurrencyError`` when somebody was faster, ``EventLogUnavailableError``: then nothing may be written.
        """
        append = Append(command_stream(control.point), [attempted], self._actor, control.version)
        [entry] = await self._events.append([append])
        return PointControl(control.point, entry.version, entry.position)

    async def tell(
        self,
        control: PointControl,
        command: Command,
        events: Sequence[CommandEvent],
        alarm: tuple[CommandTarget | None, int],
        progress: int,
    ) -> bool:
        """Tell how a command went, and ring or end its alarm with it; false when another life has told it.

        ``alarm`` is whose alarm it is (none: nobody's) and its priority, ``progress`` what has ended by then.
        """
        checkpoint = Checkpoint(self._checkpoint, progress, b"")
        while True:
            appends = [Append(command_stream(control.point), list(events), self._actor, control.version)]
            appends += await self._alarm(events[-1], *alarm)
            try:
                await self._patiently(partial(self._events.append, appends, checkpoint))
            except ConcurrencyError:
                control = await self.control(command.point)
                known = control.last if isinstance(events[-1], CommandReverted) else control.open
                if known is None or known.command != command.command:
                    return False
            else:
                return True

    async def _alarm(self, event: CommandEvent, target: CommandTarget | None, priority: int) -> list[Append]:
        """What follows for the alarm of a point."""
        if target is None:
            return []
        name, now = failure_alarm.alarm_of(target.point.name), self._clock.now()
        alarm = await self._standing(name)
        match event:
            case CommandFailed():
                follows = failure_alarm.ring(alarm, target, event.reason, priority, now)
            case CommandReverted():
                held = "—" if event.held is None else f"{event.held:g}"
                what = f"設備自行改回 {held} / the device went back to {held} by itself"
                follows = failure_alarm.ring(alarm, target, what, priority, now)
            case CommandConfirmed() | CommandRelinquished():
                follows = failure_alarm.over(alarm, now)
            case _:
                follows = None
        return [] if follows is None else [Append(stream_of(name), [follows], self._actor, alarm.version)]

    async def _standing(self, name: str) -> Alarm:
        alarm = Alarm(name)
        while True:
            entries = await self._patiently(partial(self._events.read, alarm.position, PAGE_EVENTS, stream_of(name)))
            alarm = fold_alarm(alarm, entries)
            if len(entries) < PAGE_EVENTS:
                return alarm

    async def _patiently(self, ask: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Ask the log until it answers."""
        attempt = 0
        while True:
            try:
                return await ask()
            except EventLogUnavailableError as error:
                if attempt == 0:
                    log.warning("commands wait for the event log", reason=str(error))
                await self._clock.sleep(delay_s(attempt, RETRY_MIN_S, RETRY_MAX_S, self._random))
                attempt += 1
