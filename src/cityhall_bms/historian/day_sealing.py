"""Signs every local day when it is over, once, also after an outage of days."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.integrity import SEAL_STREAM, DaySealed
from cityhall_bms.historian.intervals import EPOCH, midnight_us
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.integrity import RecordHeads, SealCopies, Signs

ACTOR: Final = "historian"
GRACE_US: Final = 60_000_000
"""How long after midnight a day is sealed: events of other processes, whose clocks differ, are in by then."""

DAYS_BACK_MAX: Final = 31
"""Days that are sealed afterwards. Each seal covers everything before it, so that none older is needed; and a clock
that once ran far ahead must not fill the log with days that nobody saw."""

PAGE_EVENTS: Final = 1000
LOOK_EVERY_S: Final = 3600.0
RETRY_S: Final = 15.0

log = structlog.get_logger(__name__)


class DaySealer:
    """Of several on one log each day is sealed by the first."""

    def __init__(
        self,
        heads: RecordHeads,
        signer: Signs,
        copies: SealCopies,
        events: EventLog,
        clock: Clock,
        *,
        site: str,
        zone: ZoneInfo,
    ) -> None:
        self._site = site
        self._zone = zone
        self._heads = heads
        self._signer = signer
        self._copies = copies
        self._events = events
        self._clock = clock
        self._sealed: list[DaySealed] = []
        self._read_to = 0

    async def run(self) -> None:
        """Seal days without end; an outage delays a seal and loses none."""
        failing = False
        while True:
            try:
                await self.seal_due()
            except (EventLogUnavailableError, OSError) as error:
                if not failing:
                    log.warning("sealing_waits", error=str(error))
                failing = True
                await self._clock.sleep(RETRY_S)
            else:
                failing = False
                await self._clock.sleep(self._until_next_s())

    async def seal_due(self) -> None:
        """Seal every day that is over and has no seal, and have files of all that have one."""
        await self._catch_up()
        first = await self._heads.first_event_at()
        if first is not None:
            sealed = {seal.day for seal in self._sealed}
            for day in due(self._clock.now(), _local_date(first, self._zone), sealed, self._zone):
                await self._seal(day)
        self._copies.keep(self._sealed)

    async def _seal(self, day: date) -> None:
        position, digest = await self._heads.last_event_before(midnight_us(day + timedelta(days=1), self._zone))
        chains = await self._heads.chains()
        gaps = await self._heads.seal_gaps(day)
        seal = DaySealed(
            site=self._site,
            day=day.isoformat(),
            position=position,
            hash=digest.hex(),
            chains={source: [head.number, head.hash.hex()] for source, head in sorted(chains.items())},
            batches=sum(head.number for head in chains.values()),
            sealed_at=self._clock.now(),
            key=self._signer.key_id,
            gaps=[gaps.number, gaps.digest.hex()],
            raws=await self._heads.seal_raws(day),
        )
        seal = seal.signed(self._signer.sign(seal.statement()))
        try:
            await self._events.append([Append(SEAL_STREAM, [seal], ACTOR, expected_version=len(self._sealed))])
        except ConcurrencyError:
            log.info("day_was_sealed", day=seal.day)
        await self._catch_up()

    async def _catch_up(self) -> None:
        """Read the seals that this process does not know yet."""
        while True:
            entries = await self._events.read(self._read_to, PAGE_EVENTS, SEAL_STREAM)
            for entry in entries:
                event = entry.event()
                if isinstance(event, DaySealed):
                    self._sealed.append(event)
                self._read_to = entry.position
            if len(entries) < PAGE_EVENTS:
                return

    def _until_next_s(self) -> float:
        now = self._clock.now()
        tomorrow = _local_date(now - GRACE_US, self._zone) + timedelta(days=1)
        left_s = (midnight_us(tomorrow, self._zone) + GRACE_US - now) / 1e6
        return min(max(left_s, 1.0), LOOK_EVERY_S)


def due(now: int, first: date, sealed: AbstractSet[str], zone: ZoneInfo) -> Iterator[date]:
    """Days to seal, oldest first: over since a minute, not before the first event, not too far back."""
    today = _local_date(now - GRACE_US, zone)
    for back in range(DAYS_BACK_MAX, 0, -1):
        day = today - timedelta(days=back)
        if day >= first and day.isoformat() not in sealed:
            yield day


def _local_date(at: int, zone: ZoneInfo) -> date:
    return (EPOCH + timedelta(microseconds=at)).astimezone(zone).date()
