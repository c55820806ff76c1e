"""The alarms that are not normal, followed as the log goes on, and since when each has been ringing."""

from collections.abc import Collection, Iterator
from typing import Final

from cityhall_bms.domain.alarm_stream import fold
from cityhall_bms.domain.alarms import UNACKNOWLEDGED_STATES, Alarm, AlarmState
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.read_models import AlarmFilter, AlarmTransition, AlarmView

PAGE: Final = 1_000
TRANSITIONS_MAX: Final = 200
"""How far back it is looked when an alarm began to ring; one that rang longer ago counts from there."""


class Standing:
    """A picture in memory: one question at the start, and then nothing but what changes.

    Since when it rings is asked of alarms of the ``priorities`` that climb a chain; of the others nobody needs it.
    """

    def __init__(self, view: AlarmView, priorities: Collection[int]) -> None:
        self._view = view
        self._priorities = priorities
        self._alarms: dict[str, Alarm] = {}
        self._rung: dict[str, tuple[int, int]] = {}
        self._position = 0

    def __iter__(self) -> Iterator[Alarm]:
        """Alarms as they stand; the picture may change meanwhile."""
        return iter(list(self._alarms.values()))

    def rung_at(self, alarm: Alarm) -> int | None:
        """When the log was told that it rings (µs UTC); none when nobody is asked."""
        since, recorded_at = self._rung.get(alarm.alarm_id, (None, None))
        return recorded_at if alarm.waiting_since is not None and since == alarm.waiting_since else None

    async def load(self) -> None:
        """Begin with what stands now; ``EventLogUnavailableError`` when the view cannot be reached."""
        cursor: str | None = None
        position: int | None = None
        alarms: list[Alarm] = []
        while position is None or cursor is not None:
            page = await self._view.page(AlarmFilter(state="open"), PAGE, cursor)
            alarms += page.alarms
            # The first page decides: what happened while later ones were read comes once more.
            position = page.position if position is None else position
            cursor = page.next_cursor
        climb = [item for item in alarms if item.priority in self._priorities and item.state in UNACKNOWLEDGED_STATES]
        rung = {alarm.alarm_id: await self._begin(alarm) for alarm in climb}
        self._alarms = {alarm.alarm_id: alarm for alarm in alarms}
        self._rung = {name: begin for name, begin in rung.items() if begin is not None}
        self._position = position

    async def follow(self) -> None:
        """Take in every transition after that, without end."""
        async for transition in self._view.follow(self._position):
            self._position = transition.position
            self._take(transition.alarm, transition.recorded_at)

    def after(self, alarm: Alarm, entries: list[StoredEvent]) -> Alarm:
        """Alarm after entries that were just appended, which the view will bring later."""
        alarm = fold(alarm, entries)
        self._take(alarm, entries[-1].recorded_at)
        return alarm

    async def _begin(self, alarm: Alarm) -> tuple[int, int] | None:
        """Since when it waits by its own time and, the earliest that is found, by the log's."""
        transitions = await self._view.newest_transitions_of(alarm.alarm_id, TRANSITIONS_MAX)
        waiting = [item for item in transitions if item.alarm.waiting_since == alarm.waiting_since]
        return None if alarm.waiting_since is None or not waiting else _begin_of(waiting[0])

    def _take(self, alarm: Alarm, recorded_at: int) -> None:
        known = self._alarms.get(alarm.alarm_id)
        if known is not None and known.version >= alarm.version:
            return
        if alarm.waiting_since is None:
            self._rung.pop(alarm.alarm_id, None)
        elif self._rung.get(alarm.alarm_id, (None, 0))[0] != alarm.waiting_since:
            self._rung[alarm.alarm_id] = (alarm.waiting_since, recorded_at)
        if alarm.state is AlarmState.NORMAL:
            self._alarms.pop(alarm.alarm_id, None)
        else:
            self._alarms[alarm.alarm_id] = alarm


def _begin_of(transition: AlarmTransition) -> tuple[int, int]:
    return (transition.alarm.waiting_since or 0, transition.recorded_at)
