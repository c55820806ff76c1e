"""What becomes of days that are over: their greatest quarter hours are kept, they are packed, archived, let go of."""

from datetime import timedelta
from typing import Final

import structlog

from cityhall_bms.domain.errors import EventLogUnavailableError, HistoryUnavailableError
from cityhall_bms.domain.integrity import RETENTION_STREAM, SamplesLetGo
from cityhall_bms.historian.intervals import EPOCH
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.keeping import Archive, DemandStore, KeepingStore, Retention

ROUND_S: Final = 60.0
"""Between two looks around."""
EXPIRE_EVERY_S: Final = 3_600.0
ACTOR: Final = "historian"

log = structlog.get_logger(__name__)


class HistoryKeeper:
    """One per database is enough; a second one does the same work again and no harm."""

    def __init__(
        self,
        store: KeepingStore,
        events: EventLog,
        retention: Retention,
        clock: Clock,
        archive: Archive | None = None,
        demand: DemandStore | None = None,
    ) -> None:
        self._store = store
        self._events = events
        self._archive = archive
        self._demand = demand
        self._retention = retention
        self._clock = clock
        self._expired_s = float("-inf")
        self.days_of_demand = 0
        self.days_packed = 0
        self.days_emptied = 0
        self.days_archived = 0
        self.rows_expired = 0

    async def run(self) -> None:
        """Look around without end; an outage only makes it wait."""
        while True:
            try:
                await self.tidy()
            except (EventLogUnavailableError, HistoryUnavailableError) as error:
                log.info("history_keeper_waits", error=str(error))
            await self._clock.sleep(ROUND_S)

    async def tidy(self) -> None:
        """Do everything that is due now; quarters first, while the samples they are made of are at hand."""
        while self._demand is not None and await self._demand.keep_one() is not None:
            self.days_of_demand += 1
        before = (EPOCH + timedelta(microseconds=self._clock.now())).date() - timedelta(days=self._retention.scans)
        while (day := await self._store.next_day(before)) is not None:
            if not await self._store.pack(day, self._clock.now()):
                break  # scans come for it just now; there is no hurry
            self.days_packed += 1
            log.info("history_day_packed", day=day.isoformat())
        while await self._store.empty_one(self._clock.now()) is not None:
            self.days_emptied += 1
        while self._archive is not None and (day := await self._archive.next_day()) is not None:
            await self._archive.write(day, self._clock.now())
            self.days_archived += 1
            log.info("history_day_archived", day=day.isoformat())
        if self._clock.monotonic() - self._expired_s >= EXPIRE_EVERY_S:
            await self._let_go()
            self._expired_s = self._clock.monotonic()

    async def _let_go(self) -> None:
        """Let go of what was kept long enough. Samples go only once the event log says so, or it looks like a theft."""
        before = await self._store.to_let_go(self._retention, self._clock.now())
        if before is not None:
            event = SamplesLetGo(
                before=before.isoformat(),
                samples_days=self._retention.samples,
                classes_days=sorted(self._retention.samples_of or {}),
                archived=self._retention.archived,
                at=self._clock.now(),
            )
            await self._events.append([Append(RETENTION_STREAM, [event], ACTOR)])
        self.rows_expired += await self._store.expire(self._retention, self._clock.now())
