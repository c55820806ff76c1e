"""The alarm feed of this API process: every transition once, in the order of the event log.

With each transition goes what a console needs to tame a flood: under which cause the alarm is grouped, whether it came
first there, and whether it chatters. Between them it is said when a flood begins and ends. A console hears what
concerns it; where nothing does, it hears how far the feed has come, so that it resumes from there and knows that its
stream lives.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from cityhall_bms.api.tail import Tail
from cityhall_bms.domain.alarm_groups import AlarmGroups
from cityhall_bms.domain.alarm_selection import EVERYTHING, Console
from cityhall_bms.domain.chatter import ChatterWatch
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.flood_watch import FLOOD_STREAM, AlarmFloodBegan
from cityhall_bms.domain.topology import Topology
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.read_models import AlarmFilter, AlarmTransition, AlarmView

RETRY_S: Final = 1.0
PAGE: Final = 500
FLOODS_EVERY_S: Final = 1.0
BEAT_S: Final = 2.0
"""A console that hears nothing for two of them knows that its stream is dead."""
AT_ONCE_MAX: Final = 200
"""Transitions that are held for a console at a time, however slow it is; what it cannot take waits in the log."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Placed:
    """A transition, and where its alarm stood among the others when this process learned of it.

    Each is equal to itself alone, so that what is made of it for one console is found again for the next.
    """

    transition: AlarmTransition
    group: str | None
    """Equipment or device that caused its group; none for an alarm that is not open."""
    first_up: bool
    changes: int
    """How often it changed since it began to chatter; 0 when it does not."""


@dataclass(frozen=True, slots=True)
class News:
    """What a console is told at a time."""

    transitions: Sequence[Placed]
    flood: StoredEvent | None
    """A flood's beginning or end that it has not been told of."""
    position: int
    """Where it stands afterwards: all before this was told, or does not concern it."""
    at: int
    """Now, µs UTC."""


class AlarmFeed:
    """Follows the alarm view; consoles read its tail, or the view itself when they were away longer."""

    def __init__(self, view: AlarmView, events: EventLog, clock: Clock, topology: Topology | None = None) -> None:
        self._view = view
        self._events = events
        self._clock = clock
        self._started = asyncio.Event()
        self.tail: Tail[Placed] = Tail(0)
        self.groups = AlarmGroups(topology or Topology())
        """Open alarms under what caused them."""
        self.chatter = ChatterWatch()
        self.flood: StoredEvent | None = None
        """The latest flood's beginning or end; none before the first."""
        self.beats = 0

    @property
    def ready(self) -> bool:
        """Whether it follows the view."""
        return self._started.is_set()

    @property
    def in_flood(self) -> bool:
        """Whether a flood is on."""
        return self.flood is not None and self.flood.type == AlarmFloodBegan.__name__

    async def run(self) -> None:
        """Follow from where the view stands now."""
        while not self.ready:
            try:
                await self._begin()
                self._started.set()
            except EventLogUnavailableError as error:
                log.warning("no alarm feed yet", reason=str(error))
                await self._clock.sleep(RETRY_S)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_alarms())
            tasks.create_task(self._follow_floods())
            tasks.create_task(self._beat())

    async def _begin(self) -> None:
        """Take the open alarms, and start where the view stood as it gave the first of them.

        Not where the log ends: what the view takes in later is still to come.
        """
        await self._look_for_floods()
        which, cursor, start = AlarmFilter(state="open"), None, None
        while start is None or cursor is not None:
            page = await self._view.page(which, PAGE, cursor)
            start, cursor = page.position if start is None else start, page.next_cursor
            for alarm in page.alarms:
                self.groups.take(alarm)
        self.tail.restart(start)

    async def _follow_alarms(self) -> None:
        async for transition in self._view.follow(self.tail.end):
            self.groups.take(transition.alarm)
            changes = self.chatter.take(transition.alarm)
            self.tail.push(transition.position, self._placed(transition, changes))

    async def _follow_floods(self) -> None:
        while True:
            await self._clock.sleep(FLOODS_EVERY_S)
            try:
                await self._look_for_floods()
            except EventLogUnavailableError as error:
                log.debug("floods are looked for again", reason=str(error))

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT_S)
            self.beats += 1
            self.tail.wake()

    async def _look_for_floods(self) -> None:
        after = 0 if self.flood is None else self.flood.position
        while entries := await self._events.read(after, PAGE, FLOOD_STREAM):
            self.flood, after = entries[-1], entries[-1].position
            self.tail.wake()

    def _placed_now(self, missed: AlarmTransition) -> Placed:
        """Place a transition of before by how its alarm stands now."""
        return self._placed(missed, self.chatter.changes(missed.alarm.alarm_id, self._clock.now()))

    def _placed(self, transition: AlarmTransition, changes: int) -> Placed:
        group, first_up = self.groups.place(transition.alarm.alarm_id) or (None, False)
        return Placed(transition, group, first_up, changes)

    async def place(self, after: int | None) -> int:
        """Position from which a console is served that was last at ``after`` (none = from now on).

        Waits until the feed has started. A place beyond the end of the log is one of another log: all of this one is
        then news.
        """
        await self._started.wait()
        if after is None:
            return self.tail.end
        while after > self.tail.end:
            try:
                return after if after <= await self._events.end() else 0
            except EventLogUnavailableError:
                await self._clock.sleep(RETRY_S)
        return after

    async def news(self, position: int, console: Console = EVERYTHING) -> AsyncIterator[News]:
        """What a console is told after a :meth:`place`: every transition that concerns it, once and in order.

        Without end; outages are waited for. A flood that is on is told at once, and each beginning and end from then
        on. At each beat something comes, be it only where the console stands.
        """
        told, beats = None if self.in_flood else self.flood, -1
        while True:
            known_after, flood, beginnings, wakes = self.tail.begin, self.flood, self.tail.beginnings, self.tail.wakes
            placed = await self._after(position)
            # The view had all that the tail does not hold: where it gave nothing, there is nothing before the tail.
            position = placed[-1].transition.position if placed else max(position, known_after)
            chosen = [item for item in placed if console.concerns(item.transition.before, item.transition.alarm)]
            if chosen or flood is not told or beats != self.beats:
                beats = self.beats
                yield News(chosen, None if flood is told else flood, position, self._clock.now())
                told = flood
            if not placed:
                await self.tail.wait_beyond(position, beginnings, wakes)

    async def _after(self, position: int) -> list[Placed]:
        while not self.tail.reaches(position):
            try:
                return [self._placed_now(missed) for missed in await self._view.transitions(position, AT_ONCE_MAX)]
            except EventLogUnavailableError:
                await self._clock.sleep(RETRY_S)
        return [placed for _, placed in self.tail.after(position, AT_ONCE_MAX)]
