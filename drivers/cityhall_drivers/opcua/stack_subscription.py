"""One subscription: made, listened to with several Publish requests at once, repaired, ended with its session."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np
from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua.codec import decode
from cityhall_drivers.opcua.config import OpcUaConfig
from cityhall_drivers.opcua.pushes import Pushes
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
LIFETIME_KEEP_ALIVES: Final = 6
_FAILURES: Final = (OSError, TimeoutError, ua.UaError, ValueError)


class Subscription:
    """A subscription of a session, whose messages go to ``pushes``. The client handle is the place in the plan."""

    def __init__(self, client: Client, channel: Channel, config: OpcUaConfig, pushes: Pushes, timeout_s: float) -> None:
        self.pushes = pushes
        self.publishing_ms = 0.0
        self.keep_alive_s = 0.0
        self._client = client
        self._channel = channel
        self._config = config
        self._timeout_s = timeout_s
        self._id = 0
        self._received: deque[tuple[int, int]] = deque(maxlen=ACKNOWLEDGED_MAX)
        self._listening = 0
        self._listeners: list[asyncio.Task[None]] = []

    async def create(self, points: Sequence[BoundPoint], items_max: int) -> None:
        """Make the subscription and its monitored items; refused points are pushed as bad."""
        keep_alives = max(round(self._config.keep_alive_s * 1e3 / self._config.publishing_interval_ms), 1)
        request = ua.CreateSubscriptionRequest()
        request.Parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=self._config.publishing_interval_ms,
            RequestedMaxKeepAliveCount=keep_alives,
            RequestedLifetimeCount=LIFETIME_KEEP_ALIVES * keep_alives,
            MaxNotificationsPerPublish=0,
            PublishingEnabled=True,
            Priority=0,
        )
        granted = (await self._channel.call(request, ua.CreateSubscriptionResponse)).Parameters
        self._id = granted.SubscriptionId
        self.publishing_ms = granted.RevisedPublishingInterval
        self.keep_alive_s = self.publishing_ms / 1e3 * granted.RevisedMaxKeepAliveCount
        self.pushes.expect_every(self.keep_alive_s)
        for first in range(0, len(points), items_max):
            await self._monitor(points, range(first, min(first + items_max, len(points))))

    def listen(self) -> None:
        """Begin to ask for messages."""
        self._listeners = [
            asyncio.create_task(self._listen())  # noqa: TID251 - they end in `stop`, and `trouble` tells their bugs
            for _ in range(PUBLISH_REQUESTS)
        ]
        self._listening = PUBLISH_REQUESTS

    def trouble(self) -> str | None:
        """Why nothing more can be expected of this subscription; none while it lives."""
        for listener in self._listeners:
            if listener.done() and not listener.cancelled() and listener.exception() is not None:
                return f"listening failed: {listener.exception()!r}"
        return self.pushes.trouble()

    async def stop(self) -> None:
        """Ask for no more messages; the server forgets the subscription with its session."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)

    async def _monitor(self, points: Sequence[BoundPoint], handles: range) -> None:
        nodes = self.pushes.plan.nodes
        results = await self._client.uaclient.session.create_monitored_items(
            ua.CreateMonitoredItemsParameters(
                SubscriptionId=self._id,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=[self._item(nodes[handle], handle, points[handle]) for handle in handles],
            )
        )
        if len(results) != len(handles):
            msg = f"the server answered {len(results)} of {len(handles)} monitored items"
            raise ua.UaError(msg)
        self.pushes.refuse([(handle, result.StatusCode.value) for handle, result in zip(handles, results, strict=True)])

    def _item(self, node: object, handle: int, bound: BoundPoint) -> ua.MonitoredItemCreateRequest:
        """A point as monitored item, sampled at its own scan interval."""
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=node,
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(
                ClientHandle=handle,
                SamplingInterval=bound.point.scan_s * 1e3,
                QueueSize=self._config.queue_size,
                DiscardOldest=True,
            ),
        )

    async def _listen(self) -> None:
        """Ask for one message after the other; any failure ends the subscription, so that it is made anew."""
        try:
            while self.pushes.trouble() is None:
                received = list(self._received)
                self._received.clear()
                # No time-out: the server answers when there is news, and its silence is noticed by `pushes`.
                body = await self._channel.ask(PUBLISH_REQUEST, publish_parameters(received), None)
                await self._take(self._message(body))
        except ua.uaerrors.BadTooManyPublishRequests as error:
            # The server takes fewer than we have in flight; the others go on.
            self._listening -= 1
            if not self._listening:
                self.pushes.end(f"the server takes no Publish request ({error})")
        except _FAILURES as error:
            self.pushes.end(f"the subscription is lost: {type(error).__name__}: {error}")

    async def _take(self, message: Message) -> None:
        if not message.is_keep_alive:
            self._received.append((self._id, message.sequence))
        missing = self.pushes.take(message)
        for sequence in reversed(missing):
            if not await self._republished(sequence):
                break  # servers forget the oldest first
        if missing:
            self.pushes.tell_losses()

    async def _republished(self, sequence: int) -> bool:
        """Ask once for a missing message. asyncua's own server answers unknown numbers with an empty message."""
        try:
            body = await self._channel.ask(REPUBLISH_REQUEST, republish_parameters(self._id, sequence), self._timeout_s)
            message = republish_response(body)
        except (ua.UaStatusCodeError, UnexpectedBytesError):
            return False
        if message.is_keep_alive or message.sequence != sequence:
            return False
        self._received.append((self._id, sequence))
        self.pushes.repair(message)
        return True

    def _message(self, body: bytes) -> Message:
        """Data changes of an answer; the library decodes what the fast decoder refuses."""
        try:
            return publish_response(body)
        except UnexpectedBytesError:
            self.pushes.decoded_by_library += 1
        response = struct_from_binary(ua.PublishResponse, Buffer(body))
        response.ResponseHeader.ServiceResult.check()
        message = response.Parameters.NotificationMessage
        changes: list[ua.MonitoredItemNotification] = []
        for notification in message.NotificationData or ():
            if isinstance(notification, ua.StatusChangeNotification):
                self.pushes.end(f"the server ended the subscription (status 0x{notification.Status.value:08X})")
            elif isinstance(notification, ua.DataChangeNotification):
                changes += notification.MonitoredItems or ()
        handles = np.array([item.ClientHandle for item in changes], np.uint32)
        columns = decode(item.Value for item in changes)
        return Message(message.SequenceNumber, not message.NotificationData, handles, columns)
