"""The messages of one session: asked for with several Publish requests at once, each handed to its subscription."""

import asyncio
from collections import deque
from typing import Any, Final, Protocol

import numpy as np
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from cityhall_drivers.opcua.codec import decode
from cityhall_drivers.opcua.stack_channel import Channel
from cityhall_drivers.opcua.values import UnexpectedBytesError
from cityhall_drivers.opcua.wire import (
    PUBLISH_REQUEST,
    REPUBLISH_REQUEST,
    Message,
    publish_parameters,
    publish_response,
    republish_parameters,
    republish_response,
)

PUBLISH_REQUESTS: Final = 3
"""In flight at once, so that a message needs not wait for the way of the request before it."""
ACKNOWLEDGED_MAX: Final = 100
"""Acknowledgements kept for the next request; a server forgets old messages by itself."""
_FAILURES: Final = (OSError, TimeoutError, ua.UaError, ValueError)


class Receiver(Protocol):
    """A subscription of the session."""

    async def take(self, message: Message) -> None:
        """Take one message that names this subscription."""
        ...

    def end(self, reason: str) -> None:
        """Note that nothing more will come."""
        ...


class Publishing:
    """Listens for as long as there are receivers. A failure ends them all, so that everything is made anew."""

    def __init__(self, channel: Channel, timeout_s: float) -> None:
        self.decoded_by_library = 0
        """Messages of changes that held something our own decoder does not claim to understand."""
        self._channel = channel
        self._timeout_s = timeout_s
        self._receivers: dict[int, Receiver] = {}
        self._received: deque[tuple[int, int]] = deque(maxlen=ACKNOWLEDGED_MAX)
        self._listeners: list[asyncio.Task[None]] = []
        self._listening = 0

    def add(self, subscription: int, receiver: Receiver) -> None:
        """Hand the messages of a subscription to ``receiver`` from now on."""
        self._receivers[subscription] = receiver
        if not self._listening:
            self._listeners = [
                asyncio.create_task(self._listen())  # noqa: TID251 - they end in `stop`, and `trouble` tells their bugs
                for _ in range(PUBLISH_REQUESTS)
            ]
            self._listening = PUBLISH_REQUESTS

    def remove(self, subscription: int) -> None:
        """Forget a subscription; messages that name it are thrown away."""
        self._receivers.pop(subscription, None)

    def trouble(self) -> str | None:
        """Why nothing more can be expected although no receiver was told; none while all is well."""
        for listener in self._listeners:
            if listener.done() and not listener.cancelled() and listener.exception() is not None:
                return f"listening failed: {listener.exception()!r}"
        return None

    async def stop(self) -> None:
        """Ask for no more messages; the server forgets the subscriptions with their session."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)

    async def republished(self, subscription: int, sequence: int) -> Message | None:
        """Ask once for a missing message; none when the server has forgotten it.

        asyncua's own server answers unknown numbers with an empty message.
        """
        question = republish_parameters(subscription, sequence)
        try:
            body = await self._channel.ask(REPUBLISH_REQUEST, question, self._timeout_s)
        except ua.UaStatusCodeError:
            return None
        message = _republished(body)
        if message.is_keep_alive or message.sequence != sequence:
            return None
        self._received.append((subscription, sequence))
        return message

    async def _listen(self) -> None:
        """Ask for one message after the other."""
        try:
            while self._receivers:
                received = list(self._received)
                self._received.clear()
                # No time-out: the server answers when there is news, and its silence is noticed by the receivers.
                body = await self._channel.ask(PUBLISH_REQUEST, publish_parameters(received), None)
                await self._hand_over(self._published(body))
        except ua.uaerrors.BadTooManyPublishRequests as error:
            # The server takes fewer than we have in flight; the others go on.
            if self._listening == 1:
                self._end(f"the server takes no Publish request ({error})")
        except _FAILURES as error:
            self._end(f"the subscription is lost: {type(error).__name__}: {error}")
        finally:
            self._listening -= 1

    async def _hand_over(self, message: Message) -> None:
        receiver = self._receivers.get(message.subscription)
        if receiver is None:
            return
        if not message.is_keep_alive:
            self._received.append((message.subscription, message.sequence))
        await receiver.take(message)

    def _end(self, reason: str) -> None:
        for receiver in self._receivers.values():
            receiver.end(reason)

    def _published(self, body: bytes) -> Message:
        """A message; the library decodes what the fast decoder refuses."""
        try:
            return publish_response(body)
        except UnexpectedBytesError:
            message = published(body)
        self.decoded_by_library += bool(len(message.handles))
        return message


def published(body: bytes) -> Message:
    """The message of a PublishResponse, decoded by the library; raised as its exception when it is a failure."""
    response = struct_from_binary(ua.PublishResponse, Buffer(body))
    response.ResponseHeader.ServiceResult.check()
    return _message(response.Parameters.NotificationMessage, response.Parameters.SubscriptionId)


def _republished(body: bytes) -> Message:
    try:
        return republish_response(body)
    except UnexpectedBytesError:
        return _message(struct_from_binary(ua.RepublishResponse, Buffer(body)).NotificationMessage, 0)


def _message(decoded: Any, subscription: int) -> Message:  # noqa: ANN401 - the library's untyped value
    """What the library decoded, as ours."""
    changes: list[ua.MonitoredItemNotification] = []
    events: list[list[Any]] = []
    ended: int | None = None
    for notification in decoded.NotificationData or ():
        if isinstance(notification, ua.StatusChangeNotification):
            ended = notification.Status.value
        elif isinstance(notification, ua.DataChangeNotification):
            changes += notification.MonitoredItems or ()
        elif isinstance(notification, ua.EventNotificationList):
            events += [[field.Value for field in one.EventFields or ()] for one in notification.Events or ()]
    return Message(
        decoded.SequenceNumber,
        not decoded.NotificationData,
        np.array([item.ClientHandle for item in changes], np.uint32),
        decode(item.Value for item in changes),
        subscription,
        events,
        ended,
    )
