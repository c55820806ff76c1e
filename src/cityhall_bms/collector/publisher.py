"""From the readings of all devices to batches in the telemetry log, in order and without a hole."""

import asyncio
from collections import deque
from random import Random
from typing import Final

import structlog

from cityhall_bms.collector.backoff import delay_s
from cityhall_bms.domain.batch import RawRecord, Readings, SampleBatch
from cityhall_bms.domain.errors import TelemetryLogUnavailableError
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
EPOCH_LOOKBACK: Final = 100
EPOCH_WAIT_S: Final = 0.5
READINGS_BYTES: Final = 600
SAMPLE_BYTES: Final = 21
RAW_BYTES: Final = 40

log = structlog.get_logger(__name__)


class Publisher:
    """Takes readings into a bounded queue and publishes them once per tick until each batch is confirmed.

    One batch is on its way at a time: its sequence is taken only when the one before it is on disk, so sequences are
    gap-free within ``epoch`` (the start, µs UTC). An idle tick publishes an empty batch: time goes on for whoever
    follows the log. While the log is away the queue fills; when it is full :meth:`put` waits.
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
        self._room = asyncio.Event()
        self._room.set()
        self._sequence = 0
        self._unconfirmed: SampleBatch | None = None
        self._failing = False

    @property
    def queue_fill(self) -> float:
        """Share of the queue in use, 0..1 (a little over 1 when it is full)."""
        return self._waiting_bytes / self._waiting_bytes_max

    @property
    def waiting(self) -> int:
        """Readings that are not on disk yet."""
        return len(self._waiting) + len(self._raws) + (self._unconfirmed is not None)

    async def begin(self) -> None:
        """Choose the epoch: now, or just after the newest epoch of ours in the log if our clock was set back.

        Readers take a lower epoch for an old one. A log that is away, or was emptied, cannot tell: then it is now.
        """
        newest: list[LoggedBatch] = []
        try:
            newest = await self._newest()
        except TelemetryLogUnavailableError as error:
            log.warning("telemetry log is away at the start", source=self.source, reason=str(error))
        ours = [logged.batch for logged in newest if logged.batch.source == self.source]
        self.epoch = max(self._clock.now(), max((batch.epoch for batch in ours), default=0) + 1)
        self.ended_at = max((batch.recorded_at for batch in ours), default=0)

    async def _newest(self) -> list[LoggedBatch]:
        """The end of the log; it is given in portions."""
        end = await self._telemetry.end()
        if not end:
            return []
        reader = await self._telemetry.reader(max(end - EPOCH_LOOKBACK, 0))
        newest: list[LoggedBatch] = []
        while portion := await reader.fetch(EPOCH_LOOKBACK, EPOCH_WAIT_S):
            newest += portion
            if newest[-1].position >= end:
                break
        await reader.close()
        return newest

    async def put(self, readings: Readings) -> None:
        """Take readings; waits while the queue is full, which slows whoever reads devices."""
        if not self._room.is_set():
            self.put_waits += 1
        while not self._room.is_set():
            await self._room.wait()
        self._add(readings)

    def offer(self, readings: Readings) -> bool:
        """Take readings if there is room, at once; ``False`` if not (for values that a device pushes)."""
        if not self._room.is_set():
            return False
        self._add(readings)
        return True

    def keep(self, record: RawRecord) -> None:
        """Take what a device sent; it goes out with the next batches, and counts in the queue as its bytes do."""
        self._raws.append(record)
        self._waiting_bytes += _raw_weight(record)
        if self._waiting_bytes >= self._waiting_bytes_max:
            self._room.clear()

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
        while True:
            if self._unconfirmed is None:
                self._unconfirmed = self._next_batch()
            await self._confirm(self._unconfirmed)
            if not self._waiting and not self._raws and not self._gaps:
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
        now = self._clock.now()
        batch = SampleBatch.gather(self.source, self.epoch, self._sequence, now, scans, gaps=gaps, raws=raws)
        self._sequence += 1
        return batch

    async def _confirm(self, batch: SampleBatch) -> None:
        attempt = 0
        while True:
            try:
                await self._telemetry.publish(batch)
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
        if self._waiting_bytes < self._waiting_bytes_max:
            self._room.set()

    def _note_outage(self, error: TelemetryLogUnavailableError) -> None:
        self.log_failures += 1
        if not self._failing:
            self._failing = True
            log.warning("telemetry log is away; samples wait in memory", source=self.source, reason=str(error))

    async def _flush(self) -> None:
        if self._unconfirmed is None and not self._waiting and not self._raws and not self._gaps:
            return
        try:
            async with asyncio.timeout(STOP_FLUSH_S):
                await self._publish_waiting()
        except TimeoutError:
            log.warning("stopped with samples that are not on disk", source=self.source, readings=self.waiting)

    def _add(self, readings: Readings) -> None:
        for first in range(0, len(readings), BATCH_SAMPLES_MAX):
            part = _slice(readings, first) if len(readings) > BATCH_SAMPLES_MAX else readings
            self._waiting.append(part)
            self._waiting_bytes += _weight(part)
        if self._waiting_bytes >= self._waiting_bytes_max:
            self._room.clear()


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
