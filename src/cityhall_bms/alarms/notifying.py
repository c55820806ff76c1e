"""Decides who is told of what: follows the event log and queues notifications, each once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from cityhall_bms.alarms.keeping import keep
from cityhall_bms.domain.alarm_stream import identity_of
from cityhall_bms.domain.alarms import (
    Alarm,
    AlarmEscalated,
    AlarmPriorityChanged,
    AlarmRaised,
    AlarmRealarmed,
    AlarmReturned,
    AlarmReturnedToService,
    AlarmUnshelved,
    AlarmUnsuppressed,
)
from cityhall_bms.domain.errors import CityHallError, ConcurrencyError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.flood_watch import AlarmFloodBegan
from cityhall_bms.domain.notifications import NotificationQueued, Occasion, stream_of
from cityhall_bms.domain.notifications.ledger import Ledger, Verdict
from cityhall_bms.domain.notifications.messages import Message, alarm_message, flood_began_message, flood_message
from cityhall_bms.domain.notifications.plan import FLOOD_PRIORITY
from cityhall_bms.domain.site import Site, Text
from cityhall_bms.ports.alarm_log import caught_up
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog
from cityhall_bms.ports.read_models import AlarmView

ACTOR: Final = "notifications"
CHECKPOINT: Final = "notifications"
READ_EVENTS_MAX: Final = 500
RINGS: Final = frozenset(
    event.__name__
    for event in (
        AlarmRaised,
        AlarmPriorityChanged,
        AlarmRealarmed,
        AlarmUnshelved,
        AlarmUnsuppressed,
        AlarmReturnedToService,
    )
)
"""Events after which operators may be asked to look, if the alarm stands and nothing hides it."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Cause:
    """What somebody is told of: an alarm as it stands, or many. ``mark`` tells apart what one event may cause."""

    occasion: Occasion
    position: int
    mark: str
    message: Message
    priority: int
    alarm: Alarm | None = None
    level: int = 0


class AlarmReader:
    """Alarms as they stand now, each at the cost of what the view does not know of it yet."""

    def __init__(self, view: AlarmView, events: EventLog) -> None:
        self._view = view
        self._events = events

    async def read(self, identity: str) -> Alarm:
        """One alarm; one that never rang is normal."""
        return await caught_up(self._events, await self._view.get(identity) or Alarm(identity))


class NotificationKeeper:
    """Queued notifications, the ledger and the place in the log are stored together: a crash neither loses nor doubles.

    What waits for somebody is told: not what is acknowledged, shelved, suppressed, out of service, part of a drill, or
    was only found in late data. At its very first start it begins with what happens from then on.
    """

    def __init__(
        self, site: Site, alarms: AlarmReader, events: EventLog, clock: Clock, procedures: Mapping[str, Text]
    ) -> None:
        self._site = site
        self._plan = site.notifications
        self._alarms = alarms
        self._events = events
        self._clock = clock
        self._procedures = procedures
        self._ledger: Ledger | None = None
        self._position = 0
        self._stored = 0

    async def run(self) -> None:
        """Follow without end."""
        await keep(ACTOR, self.step, self._clock)

    async def step(self) -> None:
        """Take what is new, and what is due."""
        try:
            ledger = self._ledger or await self._restore()
            await self._catch_up(ledger)
            await self._tell_due(ledger)
        except ConcurrencyError as error:
            log.warning("somebody else queued the same notification", reason=str(error))
            self._ledger = None
        except CityHallError:
            # What was decided and not stored is decided again from what is stored.
            self._ledger = None
            raise

    async def _restore(self) -> Ledger:
        stored = await self._events.checkpoint(CHECKPOINT)
        if stored is None:
            self._position = await self._events.end()
            await self._events.append([], Checkpoint(CHECKPOINT, self._position, Ledger().encode()))
        else:
            self._position = stored.position
        self._stored = self._position
        self._ledger = Ledger.decode(stored.state if stored else b"")
        return self._ledger

    async def _catch_up(self, ledger: Ledger) -> None:
        while entries := await self._events.read(self._position, READ_EVENTS_MAX):
            before = ledger.encode()
            for entry in entries:
                # Stored with what it causes; if that fails, everything is taken up from the stored place again.
                self._position = entry.position
                await self._take_unless_broken(entry, ledger)
            ledger.forget(self._clock.now())
            # A place that is a little old costs nothing but looking again.
            if ledger.encode() != before or self._position - self._stored >= READ_EVENTS_MAX:
                await self._store([], ledger)
            if len(entries) < READ_EVENTS_MAX:
                return

    async def _take_unless_broken(self, entry: StoredEvent, ledger: Ledger) -> None:
        """Pass over an event on which we break: the engine runs beside us, and its alarms must go on ringing."""
        try:
            await self._take(entry, ledger)
        except CityHallError:
            raise
        except Exception:
            log.exception("nobody is told of an event", position=entry.position, type=entry.type)

    async def _take(self, entry: StoredEvent, ledger: Ledger) -> None:
        if entry.type == AlarmRealarmed.__name__:
            ledger.renew(identity_of(entry.stream))
        if entry.type in RINGS:
            if self._may_concern_somebody(entry):
                await self._ring(identity_of(entry.stream), 0, entry.position, ledger)
        elif entry.type == AlarmEscalated.__name__:
            level, to = entry.payload["level"], entry.payload["to"]
            await self._ring(identity_of(entry.stream), level, entry.position, ledger, to=to)
        elif entry.type == AlarmFloodBegan.__name__:
            message = flood_began_message(entry.payload["count"], entry.payload["first_ring"], self._site)
            cause = _Cause(Occasion.FLOOD, entry.position, "b", message, FLOOD_PRIORITY)
            await self._queue(cause, self._plan.told_of_floods(), ledger)
        elif entry.type == AlarmReturned.__name__ and ledger.owes_an_end(identity_of(entry.stream)):
            await self._say_that_it_is_over(identity_of(entry.stream), entry.position, ledger)

    def _may_concern_somebody(self, entry: StoredEvent) -> bool:
        """Leave a flood of alarms that nobody is told of to itself: most events say which alarm they are of."""
        if entry.type != AlarmRaised.__name__:
            return bool(self._plan.routes)
        raised = entry.payload
        return bool(self._plan.groups_for(raised["priority"], raised["system"], raised["equipment"], 0))

    async def _ring(
        self, identity: str, level: int, position: int, ledger: Ledger, *, to: str = "", mark: str = ""
    ) -> None:
        alarm = await self._alarms.read(identity)
        if not _waits(alarm):
            return
        groups = self._plan.groups_for(alarm.priority, alarm.system, alarm.equipment, level, to)
        now = self._clock.now()
        match ledger.verdict(alarm, level, now, self._plan.again_after_s) if groups else Verdict.NO:
            case Verdict.LATER:
                ledger.owe(alarm, self._plan.again_after_s)
            case Verdict.NOW:
                ringing = [group for group in groups if self._may_ring(group, alarm, position, ledger)]
                ledger.note(alarm, level, now, alone=bool(ringing))
                occasion = Occasion.ESCALATED if level else Occasion.RAISED
                cause = self._about(occasion, alarm, position, mark or ("e" if level else ""), level)
                await self._queue(cause, ringing, ledger)

    def _may_ring(self, group: str, alarm: Alarm, position: int, ledger: Ledger) -> bool:
        """Whether a group is told of this one alone; else it is held for the group's next summary."""
        plan, now = self._plan, self._clock.now()
        if ledger.may_ring(group, alarm.priority, now, plan.flood_after, plan.flood_period_s):
            return True
        ledger.hold(group, alarm.priority, position, Text(alarm.text_zh, alarm.text_en), now)
        return False

    async def _say_that_it_is_over(self, identity: str, position: int, ledger: Ledger) -> None:
        alarm = await self._alarms.read(identity)
        groups = self._plan.told_of_return(alarm.priority, alarm.system, alarm.equipment)
        if groups and ledger.may_say_over(alarm):
            await self._queue(self._about(Occasion.RETURNED, alarm, position, "o"), groups, ledger)

    def _about(self, occasion: Occasion, alarm: Alarm, position: int, mark: str, level: int = 0) -> _Cause:
        message = alarm_message(occasion, alarm, self._site, self._procedures, level=level)
        return _Cause(occasion, position, mark, message, alarm.priority, alarm, level)

    async def _tell_due(self, ledger: Ledger) -> None:
        """Look again at what came again too soon, and sum up what was held back."""
        now = self._clock.now()
        for identity in ledger.due(now):
            alarm = await self._alarms.read(identity)
            await self._ring(identity, 0, alarm.position, ledger, mark="r")
        for group, priority, held in ledger.summaries(now, self._plan.flood_period_s):
            texts = [Text(zh, en) for zh, en in held.texts]
            message = flood_message(priority, held.count, texts, held.since, self._site)
            if group in self._plan.groups:
                await self._queue(_Cause(Occasion.FLOOD, held.cause, "f", message, priority), [group], ledger)

    async def _queue(self, cause: _Cause, groups: Sequence[str], ledger: Ledger) -> None:
        """Queue a message to everybody of some groups; whoever is in two of them gets it once."""
        now, schedules = self._clock.now(), self._site.schedules
        ways = {
            way: group for group in reversed(groups) for way in self._plan.ways(group, cause.priority, now, schedules)
        }
        quiet = self._plan.quiet_until(cause.priority, now, schedules)
        appends = [
            Append(stream_of(event.notification), [event], ACTOR, expected_version=0)
            for (person, channel), group in ways.items()
            for event in [_queued(cause, person, channel, group, now, quiet)]
        ]
        if appends:
            await self._store(appends, ledger)

    async def _store(self, appends: Sequence[Append], ledger: Ledger) -> None:
        """Append with the ledger and the place in the log: the event that is being taken counts as taken."""
        await self._events.append(appends, Checkpoint(CHECKPOINT, self._position, ledger.encode()))
        self._stored = self._position


def _waits(alarm: Alarm) -> bool:
    """Whether somebody is asked to look at an alarm."""
    return alarm.waiting_since is not None and alarm.annunciated and not alarm.drill


def _queued(cause: _Cause, person: str, channel: str, group: str, now: int, quiet: int) -> NotificationQueued:
    title, text = cause.message
    return NotificationQueued(
        notification=f"{cause.position}{cause.mark}-{person}-{channel}",
        occasion=cause.occasion.value,
        person=person,
        channel=channel,
        priority=cause.priority,
        title=title,
        text=text,
        at=now,
        alarm=cause.alarm.alarm_id if cause.alarm else "",
        occurrence=cause.alarm.occurrence if cause.alarm else 0,
        level=cause.level,
        group=group,
        cause=cause.position,
        not_before=quiet,
    )
