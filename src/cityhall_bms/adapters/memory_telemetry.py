"""The telemetry log in memory, for tests and for trying things out."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence

from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.errors import LeaseLostError, TelemetryLogUnavailableError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.telemetry_log import LoggedBatch


class MemoryTelemetryLog:
    """``TelemetryLog`` that keeps its batches encoded in a list; ``available = False`` plays an outage."""

    def __init__(self, clock: Clock) -> None:
        self.available = True
        self.fill = 0.0
        self._clock = clock
        self._kept: list[tuple[int, bytes]] = []
        self._known: set[str] = set()
        self._claimed: dict[str, int] = {}
        self._end = 0
        self._waiting: set[asyncio.Event] = set()

    async def publish(self, batch: SampleBatch) -> None:
        """Keep the batch, unless it is there already."""
        self.require()
        if batch.message_id in self._known:
            return
        if batch.epoch < self._claimed.get(batch.source, batch.epoch):
            msg = f"telemetry log: another process writes as {batch.source}"
            raise LeaseLostError(msg)
        self._known.add(batch.message_id)
        self._end += 1
        self._kept.append((self._end, batch.encode()))
        for waiting in self._waiting:
            waiting.set()

    async def newest(self, source: str) -> LoggedBatch | None:
        """The newest batch of a source that is kept."""
        self.require()
        for position, data in reversed(self._kept):
            batch = SampleBatch.decode(data)
            if batch.source == source:
                return LoggedBatch(position, batch)
        return None

    async def claim(self, first: SampleBatch, after: int) -> None:
        """Begin a life of a source; from then on batches of earlier ones are refused."""
        newest = await self.newest(first.source)
        is_there = newest is not None and newest.batch.message_id == first.message_id
        if not is_there and (newest.position if newest else 0) != after:
            msg = f"telemetry log: another process began to write as {first.source}"
            raise LeaseLostError(msg)
        self._claimed[first.source] = first.epoch
        await self.publish(first)

    async def reader(self, after: int) -> "MemoryTelemetryReader":
        """Read what comes after a position; from the oldest batch kept if that lies beyond the end."""
        self.require()
        return MemoryTelemetryReader(self, after if after <= self._end else 0)

    async def end(self) -> int:
        """Position of the newest batch ever written; 0 when there is none."""
        self.require()
        return self._end

    async def forget(self, through: int) -> None:
        """Let go of everything up to a position."""
        self.require()
        del self._kept[: bisect_right(self._kept, through, key=lambda item: item[0])]

    async def fill_ratio(self) -> float:
        """As a test has set it."""
        self.require()
        return self.fill

    def batches(self) -> list[SampleBatch]:
        """Everything kept, oldest first."""
        return [SampleBatch.decode(data) for _, data in self._kept]

    def after(self, position: int, limit: int) -> list[LoggedBatch]:
        """Batches after a position that are kept, oldest first."""
        first = bisect_right(self._kept, position, key=lambda item: item[0])
        return [LoggedBatch(place, SampleBatch.decode(data)) for place, data in self._kept[first : first + limit]]

    def require(self) -> None:
        """Fail while an outage is played."""
        if not self.available:
            msg = "telemetry log: an outage is played"
            raise TelemetryLogUnavailableError(msg)

    async def wait(self, seconds: float) -> None:
        """Return when something was published, or after ``seconds`` of the clock."""
        woken = asyncio.Event()
        self._waiting.add(woken)
        try:
            async with asyncio.TaskGroup() as tasks:
                timer = tasks.create_task(self._wake(woken, seconds))
                await woken.wait()
                timer.cancel()
        finally:
            self._waiting.discard(woken)

    async def _wake(self, woken: asyncio.Event, seconds: float) -> None:
        await self._clock.sleep(seconds)
        woken.set()


class MemoryTelemetryReader:
    """``TelemetryReader`` of the above."""

    def __init__(self, log: MemoryTelemetryLog, after: int) -> None:
        self._log = log
        self._position = after

    async def fetch(self, batches_max: int, wait_s: float) -> Sequence[LoggedBatch]:
        """Next batches in order; none when nothing came within ``wait_s`` of the clock."""
        self._log.require()
        fresh = self._log.after(self._position, batches_max)
        if not fresh and wait_s > 0:
            await self._log.wait(wait_s)
            fresh = self._log.after(self._position, batches_max)
        if fresh:
            self._position = fresh[-1].position
        return fresh

    async def close(self) -> None:
        """Nothing is held."""
