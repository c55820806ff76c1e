"""From the readings of all devices to batches in the telemetry log, in order and without a hole."""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from cityhall_bms.collector.backoff import delay_s
from cityhall_bms.collector.importance import WAITS_FROM, Importance
from cityhall_bms.domain.batch import RawRecord, Readings, SampleBatch
from cityhall_bms.domain.errors import LeaseLostError, TelemetryLogUnavailableError
from cityhall_bms.domain.gaps import Gap
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.telemetry_log import LoggedBatch, TelemetryLog

WAITING_BYTES_MAX: Final = 64 * 1024**2
BATCH_SAMPLES_MAX: Final = 40_000
"""Keeps an encoded batch well under the megabyte that a NATS message may have, also with a time per sample."""
BATCH_BYTES_MAX: Final = 900_000
GAPS_MAX: Final = 2_000
"""Reports of gaps in one batch; more wait for the next."""
GAP_BYTES: Final = 120
RETRY_MIN_S: Final = 0.1
RETRY_MAX_S: Final = 5.0
STOP_FLUSH_S: Final = 3.0
LOOK_EVERY_S: Final = 0.5
SILENT_S: Final = 3.0
"""A collector publishes once per tick; one that published nothing for so long, while the log answers, is gone."""
SILENT_AFTER_OUTAGE_S: Final = 10.0
"""The same after the log was away: a living one may be in the middle of its back-off."""
READINGS_BYTES: Final = 600
SAMPLE_BYTES: Final = 21
RAW_BYTES: Final = 40

log = structlog.get_logger(__name__)


class Publisher:
    """Takes readings into a bounded queue and publishes them once per tick until each batch is confirmed.

    One batch is on its way at a time: its sequence is taken only when the one before it is on disk, so sequences are
    gap-free within ``epoch`` (the start, µs UTC). An idle tick publishes an empty batch: time goes on for whoever
    follows the log. While the log is away the queue fills; :meth:`put` waits when there is no room for readings of
    their importance (:mod:`~cityhall_bms.collector.importance`): minor points first, at half of it.
    """

    def __init__(
        self,
        source: str,
        telemetry: TelemetryLog,
        clock: Clock,
        random: Random,
        *,
        tick_s: float = 0.5,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        self.source = source
        self.epoch = clock.now()
        self.ended_at = 0
        """When this collector's life before this one ended, µs UTC: its newest batch; 0 when the log has none."""
        self.epoch_before = 0
        """Epoch of that life; 0 when the log has none."""
        self.stood_by_s = 0.0
        """How long another collector with our name was seen at work before we began."""
        self.watch: Callable[[SampleBatch], None] | None = None
        """Told of every batch once, before it goes out: for whoever follows the plant in this process."""
        self.batches = 0
        self.samples = 0
        self.log_failures = 0
        self.put_waits = 0
        """How often a poller had to wait for room."""
        self._telemetry = telemetry
        self._clock = clock
        self._random = random
        self._tick_s = tick_s
        self._waiting: deque[Readings] = deque()
        self._raws: deque[RawRecord] = deque()
        self._gaps: deque[Gap] = deque()
        self._waiting_bytes = 0
        self._unconfirmed_bytes = 0
        self._waiting_bytes_max = waiting_bytes_max
        self._room = {importance: asyncio.Event() for importance in Importance}
        self._importance: NDArray[np.uint8] | None = None
        self._make_room()
        self._sequence = 0
        self._claimed = False
        self._unconfirmed: SampleBatch | None = None
        self._failing = False
        self._more = False
        """Whether the newest batch had no room for all that waited when it was made."""

    @property
    def queue_fill(self) -> float:
        """Share of the queue in use, 0..1 (a little over 1 when it is full)."""
        return self._waiting_bytes / self._waiting_bytes_max

    @property
    def waiting(self) -> int:
        """Readings that are not on disk yet."""
        return len(self._waiting) + len(self._raws) + (self._unconfirmed is not None)

    async def begin(self) -> None:
        """Become the one collector that writes under this name; returns when we are.

        Stands by while the log shows life of another one: of two with one name only one may poll. The epoch is now, or
        just after the newest of ours in the log if our clock was set back: readers take a lower one for an old one.
        A log that is away cannot tell: then measuring comes first, and the name is claimed with the first batch.
        """
        silent_s = SILENT_S
        while not self._claimed:
            try:
                await self._begin_after(await self._until_silent(silent_s))
            except LeaseLostError as error:
                log.info("another collector was faster", source=self.source, reason=str(error))
            except TelemetryLogUnavailableError as error:
                if not self.stood_by_s:
                    log.warning("telemetry log is away at the start", source=self.source, reason=str(error))
                    return
                silent_s = SILENT_AFTER_OUTAGE_S
                await self._clock.sleep(RETRY_MAX_S)

    async def _begin_after(self, newest: LoggedBatch | None) -> None:
        """Claim the name with an empty batch, after the newest of the life before."""
        position = 0
        if newest is not None:
            position, before = newest.position, newest.batch
            self.epoch_before, self.ended_at = before.epoch, before.recorded_at
        self.epoch = max(self._clock.now(), self.epoch_before + 1)
        first = SampleBatch.gather(self.source, self.epoch, 0, self._clock.now(), [])
        await self._telemetry.claim(first, position)
        self._claimed = True
        self._sequence = 1
        self.batches += 1

    async def _claim_late(self, first: SampleBatch) -> None:
        """Claim the name with the first batch that there is: the log was away when this collector began."""
        newest = await self._telemetry.newest(self.source)
        is_other = newest is not None and newest.batch.message_id != first.message_id
        if newest is not None and is_other and max(newest.batch.epoch, newest.batch.recorded_at) >= self.epoch:
            msg = f"another collector writes as {self.source}, or did by a clock that was ahead"
            raise LeaseLostError(msg)
        await self._telemetry.claim(first, newest.position if newest else 0)
        self._claimed = True

    async def _until_silent(self, silent_s: float) -> LoggedBatch | None:
        """Newest batch under our name, once there was no other for so long; a name that nobody used is silent."""
        newest = await self._telemetry.newest(self.source)
        since_s = self._clock.monotonic()
        while newest is not None and self._clock.monotonic() - since_s < silent_s:
            await self._clock.sleep(LOOK_EVERY_S)
            found = await self._telemetry.newest(self.source)
            if found is None or found.position != newest.position:
                if self.stood_by_s == 0.0:
                    log.info("another collector has this name; standing by", source=self.source)
                self.stood_by_s += self._clock.monotonic() - since_s
                newest, since_s = found, self._clock.monotonic()
        return newest

    def rank(self, importance: NDArray[np.uint8]) -> None:
        """Take the importance of every point, at the place of its number; before, all are essential."""
        self._importance = importance

    async def put(self, readings: Readings) -> None:
        """Take readings; waits while the queue is full, which slows whoever reads devices."""
        room = self._room_for(readings)
        if not room.is_set():
            self.put_waits += 1
        while not room.is_set():
            await room.wait()
        self._add(readings)

    def offer(self, readings: Readings) -> bool:
        """Take readings if there is room, at once; ``False`` if not (for values that a device pushes)."""
        if not self._room_for(readings).is_set():
            return False
        self._add(readings)
        return True

    def keep(self, record: RawRecord) -> None:
        """Take what a device sent; it goes out with the next batches, and counts in the queue as its bytes do."""
        self._raws.append(record)
        self._waiting_bytes += _raw_weight(record)
        self._make_room()

    def note(self, gap: Gap) -> None:
        """Take a report of a gap; it goes out with the next batch. There are few, and they never wait for room."""
        self._gaps.append(gap)

    async def run(self) -> None:
        """Publish for ever; when cancelled, what waits is published within a few seconds or is lost."""
        due = self._clock.monotonic()
        try:
            while True:
                await self._clock.sleep(due - self._clock.monotonic())
                await self._publish_waiting()
                due = max(due + self._tick_s, self._clock.monotonic())
        except asyncio.CancelledError:
            await self._flush()
            raise

    async def _publish_waiting(self) -> None:
        """Publish what waits now; what comes meanwhile is the next tick's, or every few readings were a batch."""
        while True:
            if self._unconfirmed is None:
                self._unconfirmed = self._next_batch()
            await self._confirm(self._unconfirmed)
            if not self._more:
                return

    def _next_batch(self) -> SampleBatch:
        scans: list[Readings] = []
        raws: list[RawRecord] = []
        samples = 0
        while self._waiting and (not scans or samples + len(self._waiting[0]) <= BATCH_SAMPLES_MAX):
            readings = self._waiting.popleft()
            self._unconfirmed_bytes += _weight(readings)
            samples += len(readings)
            scans.append(readings)
        gaps = [self._gaps.popleft() for _ in range(min(len(self._gaps), GAPS_MAX))]
        room = BATCH_BYTES_MAX - SAMPLE_BYTES * samples - GAP_BYTES * len(gaps)
        while self._raws and _raw_weight(self._raws[0]) <= room:
            record = self._raws.popleft()
            room -= _raw_weight(record)
            self._unconfirmed_bytes += _raw_weight(record)
            raws.append(record)
        self._more = bool(self._waiting or self._raws or self._gaps)
        now = self._clock.now()
        batch = SampleBatch.gather(self.source, self.epoch, self._sequence, now, scans, gaps=gaps, raws=raws)
        self._sequence += 1
        if self.watch is not None:
            self.watch(batch)
        return batch

    async def _confirm(self, batch: SampleBatch) -> None:
        attempt = 0
        while True:
            try:
                await (self._telemetry.publish(batch) if self._claimed else self._claim_late(batch))
            except LeaseLostError:
                # Whoever has our name now polls the same devices: this one ends, and stands by when it starts again.
                log.error("another collector took over; not on disk", source=self.source, readings=self.waiting)  # noqa: TRY400
                raise
            except TelemetryLogUnavailableError as error:
                self._note_outage(error)
                await self._clock.sleep(delay_s(attempt, RETRY_MIN_S, RETRY_MAX_S, self._random))
                attempt += 1
            else:
                break
        if self._failing:
            self._failing = False
            log.info("telemetry log is back", source=self.source, waiting=len(self._waiting))
        self.batches += 1
        self.samples += len(batch)
        self._unconfirmed = None
        self._waiting_bytes -= self._unconfirmed_bytes
        self._unconfirmed_bytes = 0
        self._make_room()

    def _note_outage(self, error: TelemetryLogUnavailableError) -> None:
        self.log_failures += 1
        if not self._failing:
            self._failing = True
            log.warning("telemetry log is away; samples wait in memory", source=self.source, reason=str(error))

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(STOP_FLUSH_S):
                while self._unconfirmed is not None or self._waiting or self._raws or self._gaps:
                    await self._publish_waiting()
        except TimeoutError:
            log.warning("stopped with samples that are not on disk", source=self.source, readings=self.waiting)

    def _add(self, readings: Readings) -> None:
        for first in range(0, len(readings), BATCH_SAMPLES_MAX):
            part = _slice(readings, first) if len(readings) > BATCH_SAMPLES_MAX else readings
            self._waiting.append(part)
            self._waiting_bytes += _weight(part)
        self._make_room()

    def _make_room(self) -> None:
        """Open or close the queue for each class of points."""
        fill = self.queue_fill
        for importance, waits_from in WAITS_FROM.items():
            room = self._room[importance]
            if fill >= waits_from:
                room.clear()
            elif not room.is_set():
                room.set()

    def _room_for(self, readings: Readings) -> asyncio.Event:
        if self._importance is None or not len(readings):
            return self._room[Importance.ESSENTIAL]
        if self._room[Importance.MINOR].is_set():
            return self._room[Importance.MINOR]  # for anybody, and nothing to look up
        return self._room[Importance(int(self._importance[readings.point].max()))]


def _weight(readings: Readings) -> int:
    return READINGS_BYTES + SAMPLE_BYTES * len(readings)


def _raw_weight(record: RawRecord) -> int:
    return len(record.data) + len(record.device) + RAW_BYTES


def _slice(readings: Readings, first: int) -> Readings:
    part = slice(first, first + BATCH_SAMPLES_MAX)
    return Readings(
        readings.point[part],
        readings.observed_at[part],
        readings.value[part],
        readings.quality[part],
        partial=readings.partial,
    )
