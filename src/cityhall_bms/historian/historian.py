"""Copies the telemetry log into history, exactly once, and cleans up behind itself."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from cityhall_bms.domain.errors import (
    CityHallError,
    ConcurrencyError,
    EventLogUnavailableError,
    HistoryUnavailableError,
    TelemetryLogUnavailableError,
)
from cityhall_bms.domain.events import TelemetryLost
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.history import HistorianStore, MissingBatches
from cityhall_bms.ports.telemetry_log import LoggedBatch, TelemetryLog

ACTOR: Final = "historian"
DAYS_AHEAD: Final = 7
PREPARE_EVERY_S: Final = 6 * 3600.0
RECOMPUTE_SHARE: Final = 0.25
"""Part of the time between two looks around that late data may take from live data."""

CROWDED: Final = 0.5
"""Use of the log from which on what is stored is let go of early: room for what is not counts more than a replay."""
FAILURES_COUNTED_MAX: Final = 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HistorianOptions:
    """How a historian goes about it. ``replay_s``: how long the log keeps what is stored, for those who replay it."""

    batches_max: int = 256
    wait_s: float = 1.0
    tend_every_s: float = 10.0
    retry_min_s: float = 0.25
    retry_max_s: float = 5.0
    gap_grace_s: float = 60.0
    replay_s: float = 6 * 3600.0


class Historian:
    """The loop from log to history. An outage of either only makes it wait; nothing is forgotten that is not stored."""

    def __init__(
        self,
        telemetry: TelemetryLog,
        history: HistorianStore,
        events: EventLog,
        clock: Clock,
        options: HistorianOptions | None = None,
    ) -> None:
        self._telemetry = telemetry
        self._history = history
        self._events = events
        self._clock = clock
        self._options = options or HistorianOptions()
        self._stored: deque[tuple[float, int]] = deque()
        self._tended_s = clock.monotonic()
        self._looked_again = False
        self._looking_until = 0
        self._failures = 0
        self.position = 0
        self.end = 0
        """Newest position of the log when it was last asked; ``end - position`` is how far history is behind."""
        self.outages = 0
        self.gaps_reported = 0

    @property
    def samples(self) -> int:
        """Samples stored by this process."""
        return self._history.samples_stored

    async def run(self) -> None:
        """Follow the log until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._make_room())

    async def _follow(self) -> None:
        after: int | None = None
        while True:
            try:
                after = await self._read_on(after)
            except (HistoryUnavailableError, TelemetryLogUnavailableError, EventLogUnavailableError) as error:
                await self._wait_out(error)
                after = None

    async def _read_on(self, after: int | None) -> int | None:
        """Store what the log gives until it must be read from another place: that is returned."""
        if after is None:
            after = await self._resume()
        reader = await self._telemetry.reader(after)
        try:
            while True:
                batches = await reader.fetch(self._options.batches_max, self._options.wait_s)
                self._failures = 0
                if batches:
                    await self._store(batches)
                elif await self._telemetry.end() < self.position:
                    log.warning("telemetry_log_recreated", position=self.position)
                    self._begin_anew()
                    return 0
                if await self._tend(idle=not batches):
                    return 0
        finally:
            await reader.close()

    async def _resume(self) -> int:
        """Where history stands; the oldest batch when the log is another, younger one."""
        self.position = (await self._history.progress()).position
        self.end = await self._telemetry.end()
        self._stored.clear()
        return self.position if self.position <= self.end else 0

    async def _store(self, batches: Sequence[LoggedBatch]) -> None:
        """Store batches, however long the database is away: this reader does not move on without."""
        delay_s = self._options.retry_min_s
        while True:
            try:
                await self._history.store(batches)
            except HistoryUnavailableError as error:
                if delay_s == self._options.retry_min_s:
                    self.outages += 1
                    log.warning("history_unavailable", error=str(error))
                await self._clock.sleep(delay_s)
                delay_s = min(2 * delay_s, self._options.retry_max_s)
            else:
                break
        if delay_s > self._options.retry_min_s:
            log.info("history_available")
        if batches[-1].position < self.position:
            self._begin_anew()
        self.position = batches[-1].position

    def _begin_anew(self) -> None:
        """Read another log, or this one from its oldest batch: positions noted so far may not be stored of it yet."""
        self._stored.clear()
        self.position = 0

    async def _tend(self, *, idle: bool) -> bool:
        """Work that is due now and then; true when the log should be read again from its oldest batch."""
        if idle:
            await self._recompute()
        if self._clock.monotonic() - self._tended_s < self._options.tend_every_s:
            return False
        self._tended_s = self._clock.monotonic()
        self.end = await self._telemetry.end()
        await self._forget()
        await self._history.tidy()
        if not idle:
            await self._recompute()
        return await self._mind_gaps()

    async def _recompute(self) -> None:
        until_s = self._clock.monotonic() + RECOMPUTE_SHARE * self._options.tend_every_s
        while await self._history.recompute() and self._clock.monotonic() < until_s:
            pass

    async def _forget(self) -> None:
        """Let go of what was stored long ago, and of the older half of all that is stored while the log is crowded."""
        now_s = self._clock.monotonic()
        self._stored.append((now_s, self.position))
        kept = len(self._stored)
        if await self._telemetry.fill_ratio() > CROWDED:
            kept //= 2
        through = 0
        while self._stored and (len(self._stored) > kept or self._stored[0][0] < now_s - self._options.replay_s):
            through = self._stored.popleft()[1]
        if through:
            await self._telemetry.forget(through)

    async def _mind_gaps(self) -> bool:
        """Look for missing batches once more from the oldest batch on; tell of those that stay missing."""
        now = self._clock.now()
        if not self._looked_again and await self._history.gap_due(now) is not None:
            # A log that was recreated and has already grown beyond our position shows as a gap.
            self._looked_again, self._looking_until = True, self.end
            return True
        if self.position < self._looking_until:
            return False
        while (gap := await self._history.gap_due(now - round(self._options.gap_grace_s * 1e6))) is not None:
            await self._report(gap)
        return False

    async def _report(self, gap: MissingBatches) -> None:
        event = TelemetryLost(gap.source, gap.epoch, gap.first, gap.last)
        # The n-th gap of a source is the n-th event of its stream: after a crash between the two steps the second
        # attempt is refused, and the gap is told once.
        append = Append(f"telemetry/{gap.source}", [event], ACTOR, expected_version=gap.reported)
        try:
            await self._events.append([append])
        except ConcurrencyError:
            log.info("gap_was_reported", source=gap.source, first=gap.first, last=gap.last)
        await self._history.gap_reported(gap)
        self.gaps_reported += 1
        log.error("telemetry_lost", source=gap.source, epoch=gap.epoch, first=gap.first, last=gap.last)

    async def _make_room(self) -> None:
        while True:
            try:
                await self._history.prepare(DAYS_AHEAD)
                await self._clock.sleep(PREPARE_EVERY_S)
            except HistoryUnavailableError:
                # Not told here: storing meets the same outage and tells it. Rooms are also made on demand.
                await self._clock.sleep(self._options.retry_max_s)

    async def _wait_out(self, error: CityHallError) -> None:
        self.outages += 1
        log.warning("historian_waits", error=str(error))
        await self._clock.sleep(min(self._options.retry_min_s * 2**self._failures, self._options.retry_max_s))
        self._failures = min(self._failures + 1, FAILURES_COUNTED_MAX)
