"""Patrol rounds and findings, as phones send them and people close them."""

from contextlib import suppress
from dataclasses import asdict
from typing import Final

from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.domain.maintenance.documents import as_values
from cityhall_bms.domain.maintenance.order_decisions import check_time
from cityhall_bms.domain.maintenance.orders import fold_order, order_stream
from cityhall_bms.domain.maintenance.patrol import (
    Finding,
    FindingClosed,
    FindingMade,
    Round,
    RoundWalked,
    close_finding,
    due_at,
    finding_stream,
    fold_finding,
    fold_round,
    round_stream,
)
from cityhall_bms.domain.permits import places_of
from cityhall_bms.domain.site import Site
from cityhall_bms.maintenance.streams import read_record
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.maintenance import FoundWish, RoundWish

FINDINGS_MAX: Final = 50


class PatrolOffice:
    """See :class:`~cityhall_bms.ports.maintenance.PatrolDesk`."""

    def __init__(self, site: Site, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._book = site.maintenance
        floors = frozenset(floor.code for floor in site.floors)
        self._places = floors.union(*(places_of(name) for name in site.equipment))
        self._events = events
        self._clock = clock

    async def walk(self, wish: RoundWish, *, by: str) -> Round:
        """Record a round with its findings, all or none; what was recorded before is given back."""
        self._check(wish)
        findings = [self._made(wish, number, found, by) for number, found in enumerate(wish.findings, 1)]
        stops = [asdict(stop) for stop in wish.stops]
        names = [event.finding for event in findings]
        walked = RoundWalked(wish.round, wish.route, wish.begun, by, wish.ended, stops, names)
        appends = [Append(round_stream(wish.round), [walked], by, 0)]
        appends += [Append(finding_stream(event.finding), [event], by, 0) for event in findings]
        # Refused where the phone did not hear our answer, and sent it again.
        with suppress(ConcurrencyError):
            await self._events.append(appends)
        missing = f"沒有巡檢 {wish.round} / no round is named {wish.round}"
        return await read_record(self._events, round_stream(wish.round), fold_round, missing)

    async def finding(self, finding: str) -> Finding:
        """Give one finding."""
        missing = f"沒有巡檢缺失 {finding} / no finding is named {finding}"
        return await read_record(self._events, finding_stream(finding), fold_finding, missing)

    async def close(self, finding: str, event: FindingClosed) -> Finding:
        """Say that it is right again."""
        found = await self.finding(finding)
        close_finding(found, event)
        if event.order:
            missing = f"沒有工單 {event.order} / no work order is named {event.order}"
            await read_record(self._events, order_stream(event.order), fold_order, missing)
        [entry] = await self._events.append([Append(finding_stream(finding), [event], event.by, found.version)])
        closed = fold_finding(found, entry)
        assert closed is not None  # noqa: S101 - it was there before
        return closed

    def _check(self, wish: RoundWish) -> None:
        stops = {stop.name for stop in self._book.route(wish.route).stops}
        visited = [stop.stop for stop in wish.stops]
        if unknown := [name for name in visited if name not in stops]:
            msg = f"路線 {wish.route} 沒有 {unknown[0]} / route {wish.route} has no stop {unknown[0]}"
            raise NotFoundError(msg)
        if len(set(visited)) < len(visited):
            msg = "同一站重複 / a stop is visited once in a round"
            raise RefusedError(msg)
        if len(wish.findings) > FINDINGS_MAX or wish.begun > wish.ended:
            most = FINDINGS_MAX
            msg = f"一次巡檢至多 {most} 件缺失，結束不早於開始 / {most} findings at most, and no end before its begin"
            raise RefusedError(msg)
        check_time(wish.ended, self._clock.now())
        for found in wish.findings:
            if found.place not in self._places:
                msg = f"案場沒有 {found.place} / the site has no floor or zone {found.place}"
                raise NotFoundError(msg)
            if found.equipment and found.equipment not in self._site.equipment:
                msg = f"案場沒有 {found.equipment} / the site has no equipment {found.equipment}"
                raise NotFoundError(msg)

    def _made(self, wish: RoundWish, number: int, found: FoundWish, by: str) -> FindingMade:
        return FindingMade(
            finding=f"{wish.round}-{number}",
            round=wish.round,
            place=found.place,
            equipment=found.equipment,
            category=found.category.value,
            severity=found.severity.value,
            text=found.text,
            due_at=due_at(found.severity, wish.ended, self._book.rules),
            by=by,
            at=wish.ended,
            documents=as_values(found.documents),
        )
