"""Handing a shift over: the outgoing operator writes down how things stand, the incoming one signs."""

from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.alarms.numbering import append_numbered
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.hand_overs import (
    HAND_OVER_STREAMS,
    HandOver,
    HandOverPrepared,
    Lists,
    fold_hand_over,
    lists_of,
    sign,
)
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.hand_overs import StandingThen
from cityhall_bms.ports.permits import PermitView

EVENTS_MAX: Final = 10
"""Events of one hand-over; there are two."""


class ShiftDesk:
    """See :class:`~cityhall_bms.ports.hand_overs.HandOverDesk`."""

    def __init__(
        self, time_zone: str, standing: StandingThen, permits: PermitView, events: EventLog, clock: Clock
    ) -> None:
        self._zone = ZoneInfo(time_zone)
        self._standing = standing
        self._permits = permits
        self._events = events
        self._clock = clock

    async def prepare(self, *, by: str, notes: str = "") -> tuple[HandOver, Lists]:
        """Write down how things stand now, under the next number of the day."""
        at = self._clock.now()
        as_of = await self._standing.reflected()
        lists = await self._lists(as_of, at)

        def prepared(name: str) -> HandOverPrepared:
            return HandOverPrepared(name, by, at, notes, as_of, lists.counts, lists.digest)

        entry = await append_numbered(self._events, HAND_OVER_STREAMS, local_day(self._zone, at), by, prepared)
        hand_over = fold_hand_over(None, entry)
        assert hand_over is not None  # noqa: S101 - it was just prepared
        return hand_over, lists

    async def sign(self, hand_over: str, *, by: str, comment: str = "") -> HandOver:
        """Take a shift: once, by somebody else, while its lists are fresh."""
        found = await self._find(hand_over)
        event = sign(found, at=self._clock.now(), by=by, comment=comment)
        [entry] = await self._events.append([Append(HAND_OVER_STREAMS + hand_over, [event], by, found.version)])
        signed = fold_hand_over(found, entry)
        assert signed is not None  # noqa: S101 - it was there before
        return signed

    async def read(self, hand_over: str) -> tuple[HandOver, Lists]:
        """One hand-over, with its lists as the log gives them now: the same ones, for ever."""
        found = await self._find(hand_over)
        return found, await self._lists(found.as_of, found.prepared_at)

    async def _lists(self, as_of: int, at: int) -> Lists:
        return lists_of(await self._standing.alarms_by(as_of), await self._permits.in_force(as_of, at))

    async def _find(self, name: str) -> HandOver:
        hand_over: HandOver | None = None
        for entry in await self._events.read(limit=EVENTS_MAX, stream=HAND_OVER_STREAMS + name):
            hand_over = fold_hand_over(hand_over, entry)
        if hand_over is None:
            msg = f"沒有交接班 {name} / no hand-over is named {name}; GET /api/v1/shifts/hand-overs lists them"
            raise NotFoundError(msg)
        return hand_over
