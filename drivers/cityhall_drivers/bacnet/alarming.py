"""Alarms that a BACnet device finds itself: heard, looked up, and acknowledged where the site allows it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError, ReadOnlyPointError
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.bacnet.codec import Object
from cityhall_drivers.bacnet.device_time import DeviceClock, date_and_time
from cityhall_drivers.bacnet.notices import Book
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.service import Service
from cityhall_drivers.bacnet.stack import LibraryPeer
from cityhall_drivers.bacnet.stack_browse import object_list
from cityhall_drivers.bacnet.stack_events import (
    NOTIFICATION_CLASS,
    acknowledge,
    enrol,
    event_information,
    event_of,
    withdraw,
)
from cityhall_drivers.bacnet.tags import tag

LOOK_AGAIN_S: Final = 30.0
"""Between two looks at the list of events of a device that tells us nothing by itself."""
LOOK_AGAIN_TOLD_S: Final = 300.0
"""The same where it does: a notification may be lost, and our entry with a restart of the device."""
_PORTION: Final = 10
_LIFE_SAFETY: Final = ("life-safety-point,", "life-safety-zone,")
_DATE, _TIME = 10, 11
_DATE_TIME: Final = (b"\x2e", b"\x2f")


class Alarming(Service):
    """Listens to a device's alarms."""

    _listening: "_Listening | None" = None

    async def listen(self, sink: Callable[[DeviceNotice], None]) -> None:
        """Tell what is in alarm or not acknowledged now, then everything new; returns at ``close``.

        With ``notices`` the device is asked to notify us; where it does not, and without it, its list of events is
        looked at every ``LOOK_AGAIN_S``. :class:`DeviceRefusedError` when it has no such list either.
        """
        clock: DeviceClock | None = None
        with suppress(DeviceRefusedError), self._plain_words("local time"):
            clock = await self._device_clock()
        with self._plain_words("events"):
            classes = await self._classes()
            self._listening = _Listening(self._peer, Book(self._device.name), clock, self._clock, sink)
            await self._listening.run(classes)

    async def end_listening(self) -> None:
        """Let ``listen`` return, and wait until it has; never raises."""
        listening, self._listening = self._listening, None
        if listening is not None:
            await listening.end()

    async def _classes(self) -> list[Object]:
        """Notification classes in which we enrol; none when the site does not want it.

        None of a device behind a router either: it would need the number of our own network, which nobody tells us.
        """
        if not self._config.notices or self._config.network is not None:
            return []
        objects = await object_list(self._peer, self._config.device_instance, _PORTION)
        return [one for one in objects if one.type == NOTIFICATION_CLASS]

    async def acknowledge(self, notice: DeviceNotice, who: str) -> None:
        """Acknowledge a transition by the exact time stamp that the device gave it.

        :class:`ReadOnlyPointError` unless the device's ``acknowledge`` allows it, and for life safety in any case.
        """
        if not self._config.acknowledge or notice.address.startswith(_LIFE_SAFETY):
            msg = f"{self._device.name}: acknowledging is not allowed here; it is done at the panel itself"
            raise ReadOnlyPointError(msg)
        if not notice.reference:
            msg = f"{self._device.name}: {notice.address} asks for no acknowledgement of {notice.to_state}"
            raise DeviceRefusedError(msg)
        with self._plain_words(f"acknowledgement of {notice.address} {notice.to_state}"):
            clock = await self._device_clock()
            date, time = date_and_time(clock.local(self._clock.now()))
            now = _DATE_TIME[0] + tag(_DATE, date) + tag(_TIME, time) + _DATE_TIME[1]
            stamp = bytes.fromhex(notice.reference)
            await acknowledge(self._peer, notice.address, notice.to_state, stamp, now, who)


class _Listening:
    """What goes on between ``listen`` and ``close``."""

    def __init__(
        self,
        peer: LibraryPeer,
        book: Book,
        device_clock: DeviceClock | None,
        clock: Clock,
        sink: Callable[[DeviceNotice], None],
    ) -> None:
        self._peer, self._book, self._device_clock, self._clock, self._sink = peer, book, device_clock, clock, sink
        self._classes: Sequence[Object] = ()
        self._is_told = False
        self.has_begun = False
        """What stands has been told, and everything new will be."""
        self._is_to_end, self._has_ended = asyncio.Event(), asyncio.Event()

    async def run(self, classes: Sequence[Object]) -> None:
        """Listen until :meth:`end` or cancellation, and leave no entry of ours behind."""
        try:
            await self._begin(classes)
            self.has_begun = True
            async with asyncio.TaskGroup() as tasks:
                looking = tasks.create_task(self._keep_on())
                await self._is_to_end.wait()
                looking.cancel()
        finally:
            with suppress(DeviceUnreachableError):
                await withdraw(self._peer, self._classes, self._peer.our_address())
            self._peer.hear(None)
            self._has_ended.set()

    async def end(self) -> None:
        """Let :meth:`run` end, and wait for it."""
        self._is_to_end.set()
        await self._has_ended.wait()

    async def _begin(self, classes: Sequence[Object]) -> None:
        """Enrol first, then look at the list: what comes in between is told twice at most, and passed on once."""
        self._classes = classes
        self._peer.hear(self._heard)
        await self._enrol()
        try:
            await self._look()
        except (ErrorAnswerError, TurnedDownError):
            if not self._is_told:
                raise

    def _heard(self, apdu: object) -> None:
        notice = self._book.told(event_of(apdu), self._device_clock, self._clock.now())
        if notice is not None:
            self._sink(notice)

    async def _enrol(self) -> None:
        if self._classes:
            self._is_told = await enrol(self._peer, self._classes, self._peer.our_address())

    async def _look(self) -> None:
        summaries = await event_information(self._peer)
        for notice in self._book.listed(summaries, self._device_clock, self._clock.now()):
            self._sink(notice)

    async def _keep_on(self) -> None:
        """Look again now and then; a device that does not answer is somebody else's to report."""
        while True:
            await self._clock.sleep(LOOK_AGAIN_TOLD_S if self._is_told else LOOK_AGAIN_S)
            with suppress(DeviceUnreachableError, ErrorAnswerError, TurnedDownError):
                await self._enrol()
                await self._look()
