"""What people write down about indoor air becomes events."""

from datetime import date
from zoneinfo import ZoneInfo

from cityhall_bms.domain.air_record import (
    AIR_STREAM,
    AirActionNoted,
    AirEntryWithdrawn,
    AirInspected,
    AirSampled,
    InspectionKind,
)
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.events import Event
from cityhall_bms.domain.permits import places_of
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.air_record import AirRecord, Sample
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog


class AirBook:
    """See :class:`~cityhall_bms.ports.air_record.AirDesk`."""

    def __init__(self, site: Site, record: AirRecord, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._places = frozenset().union(*(places_of(name) for name in site.equipment))
        self._record = record
        self._events = events
        self._clock = clock

    async def sample(self, sample: Sample, *, by: str) -> int:
        """A sample was counted; its place is a floor, a zone of one (``05.W``) or equipment."""
        limits = self._site.environment.indoor_air.spot_limits
        if sample.name not in limits:
            msg = f"沒有 {sample.name} 的限值 / no limit is named {sample.name}; there are {', '.join(limits)}"
            raise NotFoundError(msg)
        if sample.place not in self._places and sample.place not in self._site.equipment:
            msg = f"案場沒有 {sample.place} / the site has no floor, zone or equipment {sample.place}"
            raise NotFoundError(msg)
        now = self._clock.now()
        if sample.taken_at > now:
            msg = "採樣時間在未來 / the sample was taken in the future"
            raise RefusedError(msg)
        unit = limits[sample.name].unit
        what = (sample.place, sample.name, sample.value, unit, sample.taken_at, sample.method, sample.report)
        return await self._append(AirSampled(*what, by, now), by)

    async def inspection(self, kind: InspectionKind, day: date, *, by: str, report: str, note: str) -> int:
        """The building was inspected or tested on a day that is not to come."""
        now = self._clock.now()
        if day > local_day(ZoneInfo(self._site.time_zone), now):
            msg = f"{day} 在未來 / {day} is still to come"
            raise RefusedError(msg)
        return await self._append(AirInspected(kind.value, day.isoformat(), report, note, by, now), by)

    async def action(self, equipment: str, role: str, moment: int, action: str, *, by: str) -> int:
        """Something was done about an exceedance."""
        if f"{equipment}.{role}" not in self._site.points:
            msg = f"沒有點位 {equipment}.{role} / no point is named {equipment}.{role}"
            raise NotFoundError(msg)
        now = self._clock.now()
        if moment > now:
            msg = "時間在未來 / that moment is still to come"
            raise RefusedError(msg)
        return await self._append(AirActionNoted(equipment, role, moment, action, by, now), by)

    async def withdraw(self, entry: int, *, by: str, reason: str) -> int:
        """An entry was wrong; it stays in the record, and counts no more."""
        found = await self._record.get(entry)
        if found is None:
            msg = f"沒有紀錄 {entry} / there is no entry {entry}"
            raise NotFoundError(msg)
        if found.withdrawn_at is not None:
            msg = f"紀錄 {entry} 已撤回 / entry {entry} was withdrawn already"
            raise RefusedError(msg)
        return await self._append(AirEntryWithdrawn(entry, reason, by, self._clock.now()), by)

    async def _append(self, event: Event, by: str) -> int:
        [entry] = await self._events.append([Append(AIR_STREAM, [event], by)])
        return entry.position
