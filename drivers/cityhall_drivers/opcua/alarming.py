"""Alarms that a server finds itself, and certificates that come to their end: told while a session is open."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError, ReadOnlyPointError
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.ports.capabilities import Plain
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.opcua.conditions import Book, Marker, acknowledged_by
from cityhall_drivers.opcua.delivery import Delivery
from cityhall_drivers.opcua.stack import OpcUaSession
from cityhall_drivers.opcua.stack_events import acknowledge, event_of, hear, refresh
from cityhall_drivers.opcua.stack_services import in_service_words
from cityhall_drivers.opcua.stack_subscription import Subscription
from cityhall_drivers.opcua.watching import Watching
from cityhall_drivers.opcua.wire import Message

LOOK_S: Final = 5.0
"""Between two looks whether the subscription of the alarms lives, and whether their list is to be asked for anew."""

log = logging.getLogger(__name__)


class Alarming(Watching):
    """Listens to a server's conditions and alarms."""

    _addresses: set[str]
    """Of the points; an alarm about one of them is told as that point's."""
    _over: asyncio.Event | None = None
    _conditions: Book | None = None
    _hearing = "not heard"
    """Whether alarms are heard, or what the server said against it; for people."""

    async def listen(self, sink: Callable[[DeviceNotice], None]) -> None:
        """Tell what is in alarm or not acknowledged now, then everything new; returns at ``close``.

        Beside that the certificates of the session: 30 and 7 days before one expires, when it has, and when it was
        replaced. :class:`DeviceUnreachableError` when the alarms' subscription is lost while the session may live on.
        """
        over = self._over = asyncio.Event()
        lost: DeviceUnreachableError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                working = [tasks.create_task(self._watch(sink)), tasks.create_task(self._hear(sink))]
                await over.wait()
                for task in working:
                    task.cancel()
        except* DeviceUnreachableError as group:
            lost = DeviceUnreachableError(str(group.exceptions[0]))
        if lost is not None:
            raise lost

    def end_listening(self) -> None:
        """Let ``listen`` return; never raises."""
        if self._over is not None:
            self._over.set()

    async def acknowledge(self, notice: DeviceNotice, who: str) -> None:
        """Acknowledge an alarm by the very event that told it; ``who`` becomes its comment.

        :class:`ReadOnlyPointError` unless the device's ``acknowledge`` allows it.
        """
        named = acknowledged_by(notice.reference)
        if named is None:
            msg = f"{self._device.name}: {notice.kind} 不需確認 needs no acknowledgement"
            raise DeviceRefusedError(msg)
        if not self._config.acknowledge:
            msg = f"{self._device.name}: acknowledging is not allowed here; it is done at the server itself"
            raise ReadOnlyPointError(msg)
        condition, event = named
        latest = event if self._conditions is None else self._conditions.latest(condition, event)
        with in_service_words(f"acknowledgement of {notice.address}"):
            await acknowledge(self._living(), condition, latest, who)

    def _alarm_diagnostics(self) -> dict[str, Plain]:
        if not self._config.notices:
            return {}
        return {"alarms": self._hearing, "alarms_standing": len(self._conditions or ())}

    async def _hear(self, sink: Callable[[DeviceNotice], None]) -> None:
        """Hear the server's events until cancelled; a server that has none is nothing to complain of."""
        if not self._config.notices:
            return
        if self._conditions is None:  # an empty book counts as false
            self._conditions = Book(self._device.name, self._addresses)
        session, events = self._living(), Events(self._device.name, self._conditions, sink, self._clock)
        try:
            with in_service_words("alarms"):
                subscription = await hear(session, self._config.notifier, events)
        except DeviceRefusedError as refusal:
            self._say(str(refusal))
            return
        while (trouble := subscription.trouble()) is None:
            if events.is_list_due:
                await self._list(session, subscription, events)
            await self._clock.sleep(LOOK_S)
        self._say(trouble)
        with in_service_words("alarms"):
            await subscription.end_early()
        raise DeviceUnreachableError(trouble)

    async def _list(self, session: OpcUaSession, subscription: Subscription, events: "Events") -> None:
        """Ask for the list of conditions; a server that has none is heard all the same."""
        events.is_list_due = False
        try:
            with in_service_words("the list of alarms"):
                await refresh(session, subscription)
        except DeviceRefusedError as refusal:
            if "BadRefreshInProgress" in str(refusal):
                events.is_list_due = True
            else:
                self._say(f"heard; {refusal}")
        else:
            self._say("heard")

    def _say(self, words: str) -> None:
        if words != self._hearing:
            log.info("%s: alarms: %s", self._device.name, words)
        self._hearing = words


class Events(Delivery):
    """Receiver of a subscription of events."""

    def __init__(self, device: str, book: Book, sink: Callable[[DeviceNotice], None], clock: Clock) -> None:
        super().__init__(device, clock)
        self.is_list_due = True
        """Whether events may be missing, as they are at the beginning."""
        self._book = book
        self._sink = sink

    def tell_losses(self) -> None:
        """Have the list asked for when messages could not be had again."""
        super().tell_losses()
        self.is_list_due = self.is_list_due or self.messages_lost > 0

    def _push(self, message: Message) -> None:
        for fields in message.events:
            said = event_of(fields)
            if said is Marker.REFRESH_REQUIRED:
                self.is_list_due = True
            elif said is not None:
                for notice in self._book.take(said, self._clock.now()):
                    self._sink(notice)
