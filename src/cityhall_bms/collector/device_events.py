"""What happens to devices, on its way to the event log; polling never waits for it."""

import asyncio
from collections import deque
from random import Random
from typing import Final

import structlog

from cityhall_bms.collector.backoff import delay_s
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import (
    CollectorOverloaded,
    CollectorRelieved,
    CollectorStarted,
    DeviceLost,
    DeviceNoticed,
    DeviceRestored,
    Event,
    LeaseTaken,
)
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

WAITING_EVENTS_MAX: Final = 10_000
APPEND_EVENTS_MAX: Final = 500
REASON_CHARACTERS_MAX: Final = 500
RETRY_MIN_S: Final = 0.2
RETRY_MAX_S: Final = 10.0

log = structlog.get_logger(__name__)


class DeviceEvents:
    """A bounded queue before the event log, in streams ``device/<name>`` and ``collector/<name>``.

    While the log is away events wait. Should more than ``WAITING_EVENTS_MAX`` wait, the oldest are dropped and
    counted: the newest say how things stand.
    """

    def __init__(self, collector: str, events: EventLog, clock: Clock, random: Random) -> None:
        self.appended = 0
        self.dropped = 0
        self._actor = f"collector/{collector}"
        self._collector = collector
        self._events = events
        self._clock = clock
        self._random = random
        self._waiting: deque[tuple[str, Event]] = deque()
        self._woken = asyncio.Event()
        self._failing = False

    @property
    def waiting(self) -> int:
        """Events that are not in the log yet."""
        return len(self._waiting)

    def started(self, epoch: int) -> None:
        """Note the collector's start (µs UTC)."""
        self._add(self._actor, CollectorStarted(collector=self._collector, epoch=epoch))

    def took_over(self, process: str, before: int, epoch: int) -> None:
        """Note that this process took the place of the collector that began at ``before``; epochs are the tokens."""
        event = LeaseTaken(self._actor, process, f"epoch {before}", epoch, self._clock.now())
        self._add(f"lease/{self._actor}", event)

    def lost(self, device: str, reason: str, observed_at: int) -> None:
        """Note that a device stopped answering."""
        self._add(f"device/{device}", DeviceLost(device=device, reason=_plain(reason), observed_at=observed_at))

    def restored(self, device: str, observed_at: int, down_s: float) -> None:
        """Note that a device answers (again)."""
        self._add(f"device/{device}", DeviceRestored(device=device, observed_at=observed_at, down_s=down_s))

    def noticed(self, notice: DeviceNotice) -> None:
        """Note what a device said of itself."""
        event = DeviceNoticed(
            device=notice.device,
            address=_plain(notice.address),
            kind=_plain(notice.kind),
            from_state=_plain(notice.from_state),
            to_state=_plain(notice.to_state),
            observed_at=notice.at,
            message=_plain(notice.message),
            priority=notice.priority,
            reference=_plain(notice.reference),
        )
        self._add(f"device/{notice.device}", event)

    def overloaded(self, cause: str, skipped: int) -> None:
        """Note that scans are being skipped."""
        self._add(self._actor, CollectorOverloaded(self._collector, cause, skipped, self._clock.now()))

    def relieved(self, skipped: int, lasted_s: float) -> None:
        """Note that this collector keeps up again."""
        self._add(self._actor, CollectorRelieved(self._collector, skipped, round(lasted_s, 1), self._clock.now()))

    async def run(self) -> None:
        """Append what waits, in order, for ever."""
        while True:
            self._woken.clear()
            while self._waiting:
                await self._append_some()
            await self._woken.wait()

    async def _append_some(self) -> None:
        dropped = self.dropped
        some = [self._waiting[place] for place in range(min(len(self._waiting), APPEND_EVENTS_MAX))]
        await self._append([Append(stream, [event], self._actor) for stream, event in some])
        # What was dropped meanwhile was at the front of what is in the log now.
        for _ in range(len(some) - min(self.dropped - dropped, len(some))):
            self._waiting.popleft()
        self.appended += len(some)

    async def _append(self, appends: list[Append]) -> None:
        attempt = 0
        while True:
            try:
                await self._events.append(appends)
            except EventLogUnavailableError as error:
                if not self._failing:
                    self._failing = True
                    log.warning("event log is away; device events wait in memory", reason=str(error))
                await self._clock.sleep(delay_s(attempt, RETRY_MIN_S, RETRY_MAX_S, self._random))
                attempt += 1
            else:
                self._failing = False
                return

    def _add(self, stream: str, event: Event) -> None:
        if len(self._waiting) >= WAITING_EVENTS_MAX:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append((stream, event))
        self._woken.set()


def _plain(reason: str) -> str:
    """Text that an event can hold: a device may put anything into its answer, and no answer may end the collector."""
    cut = reason[:REASON_CHARACTERS_MAX].replace("\x00", "")
    return cut.encode(errors="replace").decode()
