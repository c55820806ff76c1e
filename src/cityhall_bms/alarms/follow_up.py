"""Follows alarms up while people do nothing: up the chain, ringing again, back into service."""

import asyncio
from collections.abc import Collection
from typing import Final

import structlog

from cityhall_bms.alarms.keeping import keep
from cityhall_bms.alarms.standing import Standing
from cityhall_bms.domain.alarms import Alarm, AlarmEvent, stream_of
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.follow_up import ACTOR, Handling, due
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.permits import PermitView
from cityhall_bms.ports.read_models import AlarmView

RETRY_S: Final = 2.0

log = structlog.get_logger(__name__)


class FollowUpKeeper:
    """Decides every second on what the view shows, and appends only to a stream that is still at that very version.

    So whatever is due is recorded once: a second keeper, one that was restarted, or an operator who acts at the same
    time moves the stream on, and the decision is taken again on what then stands.
    """

    def __init__(
        self, view: AlarmView, permits: PermitView, events: EventLog, clock: Clock, handling: Handling
    ) -> None:
        self._standing = Standing(view, handling.climbing)
        self._permits = permits
        self._events = events
        self._clock = clock
        self._handling = handling

    async def run(self) -> None:
        """Keep without end; an outage of the event log delays what is due and loses none of it."""
        await self._load()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._standing.follow())
            tasks.create_task(keep("follow-up", self.take_due, self._clock))

    async def take_due(self) -> None:
        """Record everything that is due now."""
        alarms = list(self._standing)
        ends = await self._permit_ends({alarm.permit for alarm in alarms if alarm.out_of_service and alarm.permit})
        for alarm in alarms:
            await self._take_due(alarm, ends.get(alarm.permit))

    async def _take_due(self, alarm: Alarm, permit_end: int | None) -> None:
        while (event := self._due(alarm, permit_end)) is not None:
            append = Append(stream_of(alarm.alarm_id), [event], ACTOR, alarm.version)
            try:
                alarm = self._standing.after(alarm, await self._events.append([append]))
            except ConcurrencyError:
                return  # somebody acted on it: what then stands comes with the view

    def _due(self, alarm: Alarm, permit_end: int | None) -> AlarmEvent | None:
        return due(alarm, self._standing.rung_at(alarm), self._clock.now(), self._handling, permit_end)

    async def _permit_ends(self, names: Collection[str]) -> dict[str, int]:
        """When the permits of repairs end, or ended."""
        permits = [await self._permits.get(name) for name in names]
        return {permit.permit: permit.end for permit in permits if permit is not None}

    async def _load(self) -> None:
        while True:
            try:
                await self._standing.load()
            except EventLogUnavailableError as error:
                log.warning("the follow-up of alarms waits for the event log", reason=str(error))
                await self._clock.sleep(RETRY_S)
            else:
                return
