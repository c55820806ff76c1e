"""A Sparkplug edge node that is born, tells its changes by alias, and is born again when it is asked to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt
from tests.support.mqtt_broker import MqttBroker
from tests.support.sparkplug import M, bd_seq, payload

from cityhall_bms.ports.clock import Clock


class EdgeNode:
    """Node ``E`` of group ``G``; ``values`` by metric. Its times are those of ``clock``."""

    def __init__(self, values: dict[str, float], clock: Clock) -> None:
        self.births = 0
        self._values = dict(values)
        self._alias = {name: number for number, name in enumerate(values, 1)}
        self._clock = clock
        self._client: aiomqtt.Client | None = None
        self._sequence = 0
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def born(self, broker: MqttBroker) -> AsyncIterator[None]:
        will = aiomqtt.Will("spBv1.0/G/NDEATH/E", payload(bd_seq(1)), 1)
        async with broker.client(will) as client, asyncio.TaskGroup() as tasks:
            self._client = client
            await client.subscribe("spBv1.0/G/NCMD/E", qos=1)
            await self._give_birth()
            listening = tasks.create_task(self._obey(client))
            try:
                yield
            finally:
                listening.cancel()

    async def change(self, name: str, value: float) -> None:
        """Take another value, and tell it."""
        async with self._turn:
            self._values[name] = value
            self._sequence = (self._sequence + 1) % 256
            metric = M(None, value, kind=None, alias=self._alias[name], at_ms=self._now_ms())
            await self._publish("NDATA", payload(metric, seq=self._sequence, at_ms=self._now_ms()))

    async def _obey(self, client: aiomqtt.Client) -> None:
        async for _ in client.messages:
            await self._give_birth()

    async def _give_birth(self) -> None:
        async with self._turn:
            self.births += 1
            self._sequence = 0
            now = self._now_ms()
            metrics = [M(name, value, alias=self._alias[name], at_ms=now) for name, value in self._values.items()]
            await self._publish("NBIRTH", payload(bd_seq(1), *metrics, seq=0, at_ms=now))

    async def _publish(self, kind: str, data: bytes) -> None:
        assert self._client is not None
        await self._client.publish(f"spBv1.0/G/{kind}/E", data, qos=0)

    def _now_ms(self) -> int:
        return self._clock.now() // 1000
