"""One reader's way through the stream: a throw-away pull consumer that is made anew whenever it falls silent."""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext, api

from cityhall_bms.domain.batch import BatchFormatError, SampleBatch
from cityhall_bms.domain.errors import TelemetryLogUnavailableError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.telemetry_log import LoggedBatch

HEARTBEAT_S: Final = 1.0
SILENCE_MAX_S: Final = 3.0
"""A consumer that owes us heartbeats and sent nothing for so long is dead (nats.py #504)."""
PULL_EXPIRES_S: Final = 10.0
INACTIVE_S: Final = 60.0
"""The server drops the consumer of a reader that vanished after this time."""
ARRIVING_BYTES_MAX: Final = 32 * 1024**2
"""About so much is on its way to us at once, and is handed over at once, however large the batches are."""
BATCHES_AVERAGED: Final = 8
PULL_ENDED: Final = frozenset({"404", "408"})
HEARTBEAT: Final = "100"

log = structlog.get_logger(__name__)


class JetStreamReader:
    """``TelemetryReader``: the place is ours, the server's consumer is disposable.

    The consumer keeps no acknowledgements and lives in memory. One pull is open at a time and outlasts a call of
    :meth:`fetch`, so that a batch is handed over as soon as it is written; what arrives is checked to be without a
    hole, else the consumer is made anew at our place.
    """

    def __init__(self, client: Client, js: JetStreamContext, stream: str, after: int, clock: Clock) -> None:
        self._client = client
        self._js = js
        self._stream = stream
        self._clock = clock
        self._position = after
        self._consumer = ""
        self._generation = 0
        self._subscription: Subscription | None = None
        self._arrived: deque[tuple[int, bytes]] = deque()
        self._woken = asyncio.Event()
        self._owed = 0
        self._delivered = 0
        self._batch_bytes = 0.0
        """How large batches are, on average of the newest."""
        self._heard_at = 0.0
        self._broken = True

    async def open(self) -> None:
        """Make a new consumer at our place; whatever arrived from the old one and was not taken is asked for again."""
        await self._drop()
        end = (await self._js.stream_info(self._stream)).state.last_seq
        if self._position > end:
            log.warning("telemetry log starts anew", position=self._position, end=end)
            self._position = 0
        inbox = self._client.new_inbox()
        self._arrived.clear()
        self._owed = self._delivered = 0
        self._generation += 1
        self._subscription = await self._client.subscribe(inbox, cb=partial(self._on_message, self._generation))
        info = await self._js.add_consumer(
            self._stream,
            api.ConsumerConfig(
                name=inbox.rpartition(".")[2],
                deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self._position + 1,
                ack_policy=api.AckPolicy.NONE,
                inactive_threshold=INACTIVE_S,
                mem_storage=True,
                num_replicas=1,
            ),
        )
        self._consumer = info.name
        self._broken = False

    async def fetch(self, batches_max: int, wait_s: float) -> Sequence[LoggedBatch]:
        """Next batches in order, as soon as there is one; none when nothing came within ``wait_s``.

        ``TelemetryLogUnavailableError`` when the log is away; fetching again goes on where this reader was.
        """
        deadline = self._clock.monotonic() + wait_s
        while True:
            # Before looking: what arrives from here on, also while asking, wakes the wait below.
            self._woken.clear()
            if self._arrived:
                return self._take(batches_max)
            try:
                await self._ask(batches_max)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                self._broken = True
                msg = f"telemetry log: read: {str(error) or type(error).__name__}"
                raise TelemetryLogUnavailableError(msg) from error
            remaining_s = deadline - self._clock.monotonic()
            if remaining_s <= 0 and not self._arrived:
                return ()
            await self._wait(min(remaining_s, HEARTBEAT_S))

    async def close(self) -> None:
        """Stop reading; never raises."""
        self._broken = True
        await self._drop()

    async def _ask(self, batches_max: int) -> None:
        """See to it that a pull is open at a living consumer."""
        if not self._client.is_connected:
            msg = "telemetry log: not connected to its server"
            raise TelemetryLogUnavailableError(msg)
        silent = self._owed > 0 and self._clock.monotonic() - self._heard_at > SILENCE_MAX_S
        if self._broken or silent:
            await self.open()
        if self._owed > 0:
            return
        asked = min(batches_max, max(1, int(ARRIVING_BYTES_MAX / max(self._batch_bytes, 1.0))))
        request = {
            "batch": asked,
            "expires": round(PULL_EXPIRES_S * 1e9),
            "idle_heartbeat": round(HEARTBEAT_S * 1e9),
        }
        self._owed = asked
        self._heard_at = self._clock.monotonic()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        assert self._subscription is not None  # noqa: S101 - open() above made it
        await self._client.publish(subject, json.dumps(request).encode(), reply=self._subscription.subject)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _on_message(self, generation: int, message: Msg) -> None:
        if generation != self._generation:
            return
        self._heard_at = self._clock.monotonic()
        status = (message.headers or {}).get(api.Header.STATUS.value)
        if status is None:
            self._on_batch(message)
        elif status in PULL_ENDED:
            self._owed = 0
        elif status != HEARTBEAT:
            # 409: the consumer was deleted or moved; 503: nobody knows it any more.
            self._owed, self._broken = 0, True
        if status != HEARTBEAT:
            self._woken.set()

    def _on_batch(self, message: Msg) -> None:
        sequence = message.metadata.sequence
        if self._broken or sequence.consumer != self._delivered + 1:
            # A delivery was lost on its way: nothing after it may be handed over.
            self._broken = True
            return
        self._delivered = sequence.consumer
        self._owed -= 1
        self._batch_bytes += (len(message.data) - self._batch_bytes) / BATCHES_AVERAGED
        self._arrived.append((sequence.stream, message.data))

    def _take(self, batches_max: int) -> list[LoggedBatch]:
        taken: list[LoggedBatch] = []
        room = ARRIVING_BYTES_MAX
        while self._arrived and len(taken) < batches_max and room > 0:
            position, data = self._arrived.popleft()
            room -= len(data)
            self._position = position
            try:
                taken.append(LoggedBatch(position, SampleBatch.decode(data)))
            except BatchFormatError as error:
                # Its sequence is then missing, which the historian records as lost; stopping here would lose all.
                log.warning("telemetry log holds what is no batch", position=position, reason=str(error))
        return taken

    async def _drop(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is None:
            return
        try:
            await subscription.unsubscribe()
        except (nats.errors.Error, OSError) as error:
            log.debug("consumer dropped badly", reason=str(error))
