"""Present values of this API process, and the stretch of telemetry that streams are served from."""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from cityhall_bms.api.tail import Tail
from cityhall_bms.domain.errors import HistoryUnavailableError, TelemetryLogUnavailableError
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import HistoryStore
from cityhall_bms.ports.telemetry_log import LoggedBatch, TelemetryLog

FETCH_BATCHES_MAX: Final = 200
FETCH_WAIT_S: Final = 1.0
RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


class LiveFeed:
    """Follows the telemetry log into a :class:`LiveTable`; reading a value touches no database."""

    def __init__(self, log_: TelemetryLog, history: HistoryStore, scan_s: Mapping[int, float], clock: Clock) -> None:
        self._log = log_
        self._history = history
        self._clock = clock
        self.table = LiveTable(scan_s)
        self.tail: Tail[LoggedBatch] = Tail(0)
        self.started = asyncio.Event()
        """Set once there are values; before, :attr:`tail` begins nowhere."""

    @property
    def ready(self) -> bool:
        """Whether there are values."""
        return self.started.is_set()

    async def run(self) -> None:
        """Load the newest values and follow; goes on by itself after an outage."""
        await self._load()
        while True:
            try:
                await self._follow()
            except TelemetryLogUnavailableError as error:
                log.warning("live values stand still", reason=str(error))
                await self._clock.sleep(RETRY_S)

    async def _load(self) -> None:
        while True:
            try:
                latest = await self._history.latest()
                break
            except HistoryUnavailableError as error:
                log.warning("no snapshot of values yet", reason=str(error))
                await self._clock.sleep(RETRY_S)
        self.table.load(latest.point, latest.at, latest.value, latest.quality)
        self.tail.restart(latest.position)
        self.started.set()

    async def _follow(self) -> None:
        reader = await self._log.reader(after=self.tail.end)
        try:
            while True:
                for logged in await reader.fetch(FETCH_BATCHES_MAX, FETCH_WAIT_S):
                    if logged.position <= self.tail.end:
                        # Positions only ever rise within a log: this is another one.
                        self.tail.restart(logged.position - 1)
                    self.table.apply(logged.batch)
                    self.tail.push(logged.position, logged)
        finally:
            await reader.close()
