"""Permits: opened and closed by people, and closed by themselves when their time is over."""

from typing import Final
from zoneinfo import ZoneInfo

import structlog

from cityhall_bms.alarms.keeping import keep
from cityhall_bms.alarms.numbering import append_numbered
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.domain.permits import (
    PERMIT_STREAMS,
    Permit,
    PermitOpened,
    Scope,
    close_permit,
    fold_permit,
    open_permit,
    permit_stream,
    places_of,
)
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.permits import PermitView, PermitWish

ACTOR: Final = "system"
EVENTS_MAX: Final = 10
"""Events of one permit; there are two."""

log = structlog.get_logger(__name__)


async def read_permit(events: EventLog, name: str) -> Permit:
    """Permit as the log has it; ``NotFoundError`` when there is none of that name."""
    permit: Permit | None = None
    for entry in await events.read(limit=EVENTS_MAX, stream=permit_stream(name)):
        permit = fold_permit(permit, entry)
    if permit is None:
        msg = f"沒有許可 {name} / no permit is named {name}; GET /api/v1/permits?open=false lists them"
        raise NotFoundError(msg)
    return permit


class PermitOffice:
    """See :class:`~cityhall_bms.ports.permits.PermitDesk`."""

    def __init__(self, site: Site, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._places = frozenset().union(*(places_of(name) for name in site.equipment))
        self._events = events
        self._clock = clock

    async def open(self, wish: PermitWish, *, by: str) -> Permit:
        """Open one under the next number of the day."""
        self._check_known(wish.scope)
        at = self._clock.now()

        def opened(name: str) -> PermitOpened:
            return PermitOpened(
                permit=name,
                kind=wish.kind.value,
                equipment=list(wish.scope.equipment),
                zones=list(wish.scope.zones),
                systems=list(wish.scope.systems),
                begin=wish.begin,
                until=wish.until,
                reason=wish.reason,
                by=by,
                at=at,
            )

        open_permit(opened(""))
        day = local_day(ZoneInfo(self._site.time_zone), at)
        permit = fold_permit(None, await append_numbered(self._events, PERMIT_STREAMS, day, by, opened))
        assert permit is not None  # noqa: S101 - it was just opened
        return permit

    async def close(self, permit: str, *, by: str, comment: str = "") -> Permit:
        """End one; ``NotFoundError`` when there is none of that name, ``RefusedError`` when it was closed."""
        found = await read_permit(self._events, permit)
        event = close_permit(found, at=self._clock.now(), by=by, comment=comment)
        [entry] = await self._events.append([Append(permit_stream(permit), [event], by, found.version)])
        closed = fold_permit(found, entry)
        assert closed is not None  # noqa: S101 - it was there before
        return closed

    def _check_known(self, scope: Scope) -> None:
        for kind, names, known in (
            ("equipment", scope.equipment, self._site.equipment.keys()),
            ("floor or zone", scope.zones, self._places),
        ):
            for name in names:
                if name not in known:
                    msg = f"案場沒有 {name} / the site has no {kind} {name}"
                    raise NotFoundError(msg)


class PermitKeeper:
    """Closes permits whose time is over: once, also when several keepers or an operator do so at the same time."""

    def __init__(self, view: PermitView, office: PermitOffice, clock: Clock) -> None:
        self._view = view
        self._office = office
        self._clock = clock

    async def run(self) -> None:
        """Keep the ends of permits without end."""
        await keep("permits", self.close_due, self._clock)

    async def close_due(self) -> None:
        """Close every permit that is over."""
        for permit in await self._view.due(self._clock.now()):
            try:
                await self._office.close(permit.permit, by=ACTOR)
            except (RefusedError, ConcurrencyError) as error:
                # The view lags behind the log: somebody closed it meanwhile.
                log.info("permit left alone", permit=permit.permit, reason=str(error))
