"""One subscription of a session: made, its messages taken, what is missing asked for again, ended."""

from collections.abc import Sequence
from typing import Final

from asyncua import Client, ua

from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua.config import OpcUaConfig
from cityhall_drivers.opcua.delivery import Delivery
from cityhall_drivers.opcua.stack_channel import Channel
from cityhall_drivers.opcua.stack_publishing import Publishing
from cityhall_drivers.opcua.wire import Message

LIFETIME_KEEP_ALIVES: Final = 6


class Subscription:
    """A subscription whose messages go to ``delivery``."""

    def __init__(
        self, client: Client, channel: Channel, publishing: Publishing, config: OpcUaConfig, delivery: Delivery
    ) -> None:
        self.number = 0
        """What the server calls it."""
        self.publishing_ms = 0.0
        self.keep_alive_s = 0.0
        self._client = client
        self._channel = channel
        self._publishing = publishing
        self._config = config
        self._delivery = delivery

    async def begin(self) -> None:
        """Have the server make it, and listen; nothing is monitored yet."""
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
        self.number = granted.SubscriptionId
        self.publishing_ms = granted.RevisedPublishingInterval
        self.keep_alive_s = self.publishing_ms / 1e3 * granted.RevisedMaxKeepAliveCount
        self._delivery.expect_every(self.keep_alive_s)
        self._publishing.add(self.number, self)

    async def monitor(self, items: Sequence[ua.MonitoredItemCreateRequest]) -> list[int]:
        """Have the server monitor these; gives a status for each."""
        results = await self._client.uaclient.session.create_monitored_items(
            ua.CreateMonitoredItemsParameters(
                SubscriptionId=self.number,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=list(items),
            )
        )
        if len(results) != len(items):
            msg = f"the server answered {len(results)} of {len(items)} monitored items"
            raise ua.UaError(msg)
        return [result.StatusCode.value for result in results]

    async def end_early(self) -> None:
        """Have the server forget it, while its session goes on."""
        self._publishing.remove(self.number)
        await self._client.uaclient.session.delete_subscriptions([self.number])

    def trouble(self) -> str | None:
        """Why nothing more can be expected of this subscription; none while it lives."""
        return self._delivery.trouble() or self._publishing.trouble()

    def end(self, reason: str) -> None:
        """Note that nothing more will come."""
        self._delivery.end(reason)

    async def take(self, message: Message) -> None:
        """Take a message, and ask for those that are missing before it."""
        missing = self._delivery.take(message)
        for sequence in reversed(missing):
            again = await self._publishing.republished(self.number, sequence)
            if again is None:
                break  # servers forget the oldest first
            self._delivery.repair(again)
        if missing:
            self._delivery.tell_losses()


def value_item(node: object, handle: int, bound: BoundPoint, queue_size: int) -> ua.MonitoredItemCreateRequest:
    """A point as monitored item, sampled at its own scan interval."""
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=node,
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle,
            SamplingInterval=bound.point.scan_s * 1e3,
            QueueSize=queue_size,
            DiscardOldest=True,
        ),
    )
