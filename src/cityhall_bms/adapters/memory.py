"""The ports of decisions in memory: what unit tests use, held to the same contract as the real ones.

Nothing here is durable.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from cityhall_bms.adapters.alarm_fold import (
    decode_cursor,
    encode_cursor,
    fold_into,
    is_alarm_event,
    is_of_alarm,
    order_key,
)
from cityhall_bms.adapters.device_fold import device_state
from cityhall_bms.adapters.event_chain import Head, chain, draft, selects
from cityhall_bms.adapters.site_diff import STREAM, Known, compare, last_applied, parts
from cityhall_bms.domain.alarm_selection import StateSelection
from cityhall_bms.domain.alarm_stream import ALARM_STREAMS
from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog
from cityhall_bms.ports.read_models import AlarmFilter, AlarmPage, AlarmTransition, DeviceState


class MemoryEventLog:
    """An event log that lives as long as the process. Setting ``available`` to false plays an outage."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[StoredEvent] = []
        self._versions: dict[str, int] = {}
        self._checkpoints: dict[str, Checkpoint] = {}
        self._head = Head()
        self._changed = asyncio.Event()
        self._available = True

    @property
    def available(self) -> bool:
        """Whether the log can be reached."""
        return self._available

    @available.setter
    def available(self, value: bool) -> None:
        self._available = value
        self._wake()

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        """Append all or nothing, and the checkpoint with it."""
        self._reach()
        self._head, versions, entries = chain(self._head, self._versions, draft(appends), self._clock.now())
        self._versions |= versions
        self._entries.extend(entries)
        if checkpoint is not None:
            self._checkpoints[checkpoint.name] = checkpoint
        self._wake()
        return entries

    async def checkpoint(self, name: str) -> Checkpoint | None:
        """Latest checkpoint of that name."""
        self._reach()
        return self._checkpoints.get(name)

    async def read(self, after: int = 0, limit: int = 1000, stream: str | None = None) -> list[StoredEvent]:
        """Events after a position, in order."""
        self._reach()
        chosen = self._entries[max(after, 0) :] if stream is None else self._of_stream(after, stream)
        return chosen[:limit]

    async def end(self) -> int:
        """Position of the newest event; 0 when there is none."""
        self._reach()
        return self._head.position

    async def follow(self, after: int) -> AsyncIterator[StoredEvent]:
        """Every event after a position, without end; waits while the log is not available."""
        while True:
            changed = self._changed
            if self._available and after < len(self._entries):
                entry = self._entries[after]
                after = entry.position
                yield entry
            else:
                await changed.wait()

    def _of_stream(self, after: int, stream: str) -> list[StoredEvent]:
        return [entry for entry in self._entries[max(after, 0) :] if selects(stream, entry.stream)]

    def _reach(self) -> None:
        if not self._available:
            msg = "the event log is not available"
            raise EventLogUnavailableError(msg)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class MemoryAlarmView:
    """Alarms folded anew from the log at every question; never behind it."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def page(self, which: AlarmFilter, limit: int, cursor: str | None) -> AlarmPage:
        """One page; ``ValueError`` for a cursor or a state that is none of ours."""
        chosen = StateSelection.of(which.state)
        after = None if cursor is None else decode_cursor(cursor)
        alarms = [
            alarm
            for alarm in sorted((await self._alarms()).values(), key=order_key)
            if chosen.matches(alarm)
            and which.system in {None, alarm.system}
            and which.priority in {None, alarm.priority}
            and which.equipment in {None, alarm.equipment}
            and (after is None or order_key(alarm) > after)
        ]
        more = len(alarms) > limit
        alarms = alarms[:limit]
        return AlarmPage(alarms, encode_cursor(order_key(alarms[-1])) if more else None, await self._log.end())

    async def everything(self) -> AlarmPage:
        """Every alarm there ever was."""
        return AlarmPage(list((await self._alarms()).values()), None, await self._log.end())

    async def get(self, alarm_id: str) -> Alarm | None:
        """One alarm, or none."""
        return (await self._alarms()).get(alarm_id)

    async def transitions(self, after: int, limit: int) -> list[AlarmTransition]:
        """What happened after a position, in order."""
        return [transition for transition in await self._transitions() if transition.position > after][:limit]

    async def newest_transitions_of(self, alarm_id: str, limit: int) -> list[AlarmTransition]:
        """What happened to one alarm last, in order."""
        return [item for item in await self._transitions() if item.alarm.alarm_id == alarm_id][-limit:]

    async def follow(self, after: int) -> AsyncIterator[AlarmTransition]:
        """Every transition after a position, in order, without end."""
        told = _Told()
        async for entry in self._log.follow(0):
            transition = told.take(entry) if is_of_alarm(entry) else None
            if transition is not None and transition.position > after:
                yield transition

    async def shelves_due(self, now: int) -> list[Alarm]:
        """Shelved alarms whose time is over."""
        due = [
            (alarm.shelved_until, alarm.alarm_id, alarm)
            for alarm in (await self._alarms()).values()
            if alarm.shelved_until is not None and alarm.shelved_until <= now
        ]
        return [alarm for _, _, alarm in sorted(due, key=lambda row: row[:2])]

    async def _alarms(self) -> dict[str, Alarm]:
        alarms: dict[str, Alarm] = {}
        for entry in await self._entries():
            _fold_on(alarms, entry)
        return alarms

    async def _transitions(self) -> list[AlarmTransition]:
        told = _Told()
        taken = [told.take(entry) for entry in await self._entries()]
        return [transition for transition in taken if transition is not None]

    async def _entries(self) -> list[StoredEvent]:
        return await self._log.read(0, await self._log.end(), ALARM_STREAMS)


def _fold_on(alarms: dict[str, Alarm], entry: StoredEvent) -> Alarm:
    alarm = alarms[entry.stream.removeprefix(ALARM_STREAMS)] = fold_into(alarms, entry)
    return alarm


class _Told:
    """Alarms as they stand, and as their latest transitions left them."""

    def __init__(self) -> None:
        self._alarms: dict[str, Alarm] = {}
        self._left: dict[str, Alarm] = {}

    def take(self, entry: StoredEvent) -> AlarmTransition | None:
        """Transition of an alarm's entry; none where operators are told nothing."""
        alarm = _fold_on(self._alarms, entry)
        if not is_alarm_event(entry):
            return None
        before, self._left[alarm.alarm_id] = self._left.get(alarm.alarm_id), alarm
        return AlarmTransition(entry.position, entry.recorded_at, entry.type, entry.actor, alarm, before)


class MemoryDeviceView:
    """Devices folded anew from the log at every question."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def states(self) -> Mapping[str, DeviceState]:
        """By device name; a device that never reported is absent."""
        states = [device_state(entry) for entry in await self._log.read(0, await self._log.end())]
        return {state.device: state for state in states if state is not None}


class MemoryPointRegistry:
    """Point numbers that last as long as the process."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._ids: dict[str, int] = {}
        self._known = Known()

    async def apply(self, site: Site, actor: str) -> Mapping[str, int]:
        """Number new points, write ``SiteApplied`` if anything differs, give all numbers."""
        described = parts(site)
        version, fingerprint = await last_applied(self._log)
        if described.fingerprint != fingerprint:
            event = compare(site, self._known, described)
            await self._log.append([Append(STREAM, [event], actor, version)])
        self._known = Known(described.points, described.devices)
        for name in site.points:
            self._ids.setdefault(name, len(self._ids) + 1)
        return await self.ids()

    async def ids(self) -> Mapping[str, int]:
        """Number of every point ever known, by name."""
        return dict(self._ids)
