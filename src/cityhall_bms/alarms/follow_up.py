"""Follows alarms up while people do nothing: up the chain, ringing again, back into service."""

import asyncio
from typing import Final

import structlog

from cityhall_bms.alarms.keeping import keep
from cityhall_bms.alarms.standing import Standing
from cityhall_bms.domain.alarms import Alarm, AlarmEvent, return_to_service, stream_of
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
        for alarm in self._standing:
            await self._take_due(alarm)

    async def _take_due(self, alarm: Alarm) -> None:
        while (event := await self._due(alarm)) is not None:
            append = Append(stream_of(alarm.alarm_id), [event], ACTOR, alarm.version)
            try:
                alarm = self._standing.after(alarm, await self._events.append([append]))
            except ConcurrencyError:
                return  # somebody acted on it: what then stands comes with the view

    async def _due(self, alarm: Alarm) -> AlarmEvent | None:
        now = self._clock.now()
        event = due(alarm, self._standing.rung_at(alarm), now, self._handling)
        if event is None and alarm.out_of_service and alarm.permit:
            permit = await self._permits.get(alarm.permit)
            # Nothing stays hidden longer than what it was allowed for.
            if permit is not None and permit.end <= now:
                return return_to_service(alarm, at=now, by=ACTOR)
        return event

    async def _load(self) -> None:
        while True:
            try:
                await self._standing.load()
            except EventLogUnavailableError as error:
                log.warning("the follow-up of alarms waits for the event log", reason=str(error))
                await self._clock.sleep(RETRY_S)
            else:
                return
