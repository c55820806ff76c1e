"""Sends what is queued. Each attempt is an event before it is made, and so is what came of it afterwards."""

import asyncio
from typing import Final

import structlog

from cityhall_bms.alarms.notifying import AlarmReader
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError, LeaseLostError
from cityhall_bms.domain.notifications import (
    NOTIFICATION_STREAMS,
    Notification,
    NotificationAbandoned,
    NotificationAttempted,
    NotificationEvent,
    NotificationState,
    Occasion,
    concluded,
    fold,
    interrupted,
    stream_of,
)
from cityhall_bms.domain.notifications.messages import marked
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog
from cityhall_bms.ports.notifier import Notifier

ACTOR: Final = "notifications"
CHECKPOINT: Final = "notifications sent"
READ_EVENTS_MAX: Final = 500
PERIOD_S: Final = 0.5
RETRY_S: Final = 2.0
AT_ONCE_MAX: Final = 8
"""Messages under way at once, one a channel."""
ABOUT_AN_ALARM: Final = frozenset({Occasion.RAISED, Occasion.ESCALATED})

log = structlog.get_logger(__name__)


class NotificationSender:
    """One per site, by the lease of its role.

    What was under way when a process ended is *uncertain*: said so, and repeated only for priority 1. What nobody
    needs any more, because its alarm was acknowledged or is over, is not sent.
    """

    def __init__(self, notifier: Notifier, alarms: AlarmReader, events: EventLog, clock: Clock) -> None:
        self._notifier = notifier
        self._alarms = alarms
        self._events = events
        self._clock = clock
        self._open: dict[str, Notification] = {}
        self._first: dict[str, int] = {}
        """Position at which each open notification was queued."""
        self._busy: dict[str, str] = {}
        """Notification that is under way, by channel."""
        self._position = self._stored = 0
        self._begun = False

    @property
    def waiting(self) -> int:
        """Notifications that are not settled yet."""
        return len(self._open)

    async def run(self) -> None:
        """Send until cancelled, and then end what is under way in good order."""
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._send_what_is_due(tasks)
            except asyncio.CancelledError as error:
                cancelled = error
        raise cancelled

    async def _send_what_is_due(self, tasks: asyncio.TaskGroup) -> None:
        """Without end; an outage of the event log delays messages and loses none."""
        away = False
        while True:
            try:
                for notification in await self.due():
                    tasks.create_task(self._deliver(notification))
            except EventLogUnavailableError as error:
                if not away:
                    log.warning("notifications wait for the event log", reason=str(error))
                away = True
            else:
                away = False
            await self._clock.sleep(PERIOD_S)

    async def due(self) -> list[Notification]:
        """What is to be sent now, one a channel; each counts as under way from here on."""
        await self._catch_up()
        now = self._clock.now()
        found = []
        for notification in sorted(self._open.values(), key=lambda n: (n.priority, n.queued_at)):
            free = notification.channel not in self._busy and len(self._busy) < AT_ONCE_MAX
            if free and notification.due is not None and notification.due <= now:
                self._busy[notification.channel] = notification.notification
                found.append(notification)
        return found

    async def _catch_up(self) -> None:
        if not self._begun and not self._position:
            stored = await self._events.checkpoint(CHECKPOINT)
            self._position = self._stored = stored.position if stored else 0
        while entries := await self._events.read(self._position, READ_EVENTS_MAX, NOTIFICATION_STREAMS):
            for entry in entries:
                name = entry.stream.removeprefix(NOTIFICATION_STREAMS)
                if entry.version == 1:
                    self._first[name] = entry.position
                if name in self._first:
                    self._keep(fold(self._open.get(name, Notification(name)), [entry]))
                self._position = entry.position
        if not self._begun:
            await self._own_up()
            self._begun = True
        await self._store_place()

    async def _own_up(self) -> None:
        """Say of what an earlier process was sending that nobody knows what came of it."""
        for notification in list(self._open.values()):
            if notification.state is NotificationState.SENDING:
                log.warning("a notification was cut off", notification=notification.notification)
                await self._append(notification, interrupted(notification, self._clock.now()))

    async def _store_place(self) -> None:
        """Remember from where on there is something open, so that a start reads no more than that."""
        place = min(self._first.values(), default=self._position + 1) - 1
        if place > self._stored:
            await self._events.append([], Checkpoint(CHECKPOINT, place, b""))
            self._stored = place

    def _keep(self, notification: Notification) -> None:
        name = notification.notification
        if notification.open:
            self._open[name] = notification
        else:
            self._open.pop(name, None)
            self._first.pop(name, None)

    async def _deliver(self, notification: Notification) -> None:
        try:
            needless = await self._needless(notification)
            if needless:
                await self._append(notification, NotificationAbandoned(at=self._clock.now(), reason=needless))
                return
            attempt = NotificationAttempted(attempt=notification.attempts + 1, at=self._clock.now())
            notification = await self._append(notification, attempt)
            text = marked(notification.text, notification.notification, may_repeat=notification.may_repeat)
            delivery = await self._notifier.send(
                notification.channel, notification.title, text, notification.attachments
            )
            await self._record(notification, concluded(notification, delivery, self._clock.now()))
            log.info(
                "notification", notification=notification.notification, outcome=delivery.outcome, reason=delivery.reason
            )
        except (EventLogUnavailableError, ConcurrencyError) as error:
            # Nothing was sent: what cannot be written down before is not done.
            log.info("notification not sent yet", notification=notification.notification, reason=str(error))
        finally:
            del self._busy[notification.channel]

    async def _needless(self, notification: Notification) -> str:
        """Why nobody needs to be told any more; empty when somebody does."""
        if notification.occasion not in ABOUT_AN_ALARM:
            return ""
        alarm = await self._alarms.read(notification.alarm)
        if alarm.waiting_since is not None and alarm.annunciated:
            return ""
        if alarm.acknowledged_by:
            return f"acknowledged by {alarm.acknowledged_by}"
        return "the alarm is over" if alarm.annunciated else f"the alarm is hidden from the operators ({alarm.state})"

    async def _append(self, notification: Notification, event: NotificationEvent) -> Notification:
        append = Append(stream_of(notification.notification), [event], ACTOR, notification.version)
        notification = fold(notification, await self._events.append([append]))
        self._keep(notification)
        return notification

    async def _record(self, notification: Notification, event: NotificationEvent) -> None:
        """Write down what came of an attempt, however long the event log is away."""
        while True:
            try:
                await self._append(notification, event)
            except EventLogUnavailableError:
                await self._clock.sleep(RETRY_S)
            except (ConcurrencyError, LeaseLostError):
                # Another process took over meanwhile, and says that nobody knows what came of it.
                log.warning("somebody else spoke of a notification under way", notification=notification.notification)
                return
            else:
                return
