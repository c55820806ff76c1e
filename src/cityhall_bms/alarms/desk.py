"""What operators do to alarms: read the stream, decide by the domain's rules, append."""

from collections.abc import Callable
from typing import Final

from cityhall_bms.domain import alarms
from cityhall_bms.domain.alarm_stream import fold
from cityhall_bms.domain.alarms import Alarm, AlarmEvent, stream_of
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

ATTEMPTS_MAX: Final = 10
"""How often a decision is taken again because the alarm changed meanwhile."""
READ_EVENTS_MAX: Final = 1000

Decision = Callable[[Alarm], AlarmEvent]


class AlarmDesk:
    """Handles operators' requests.

    Each gives the alarm as it stands afterwards. ``NotFoundError`` for an alarm that never rang, ``RefusedError`` for
    what its state does not allow, ``ConcurrencyError`` when it changed faster than a decision could be taken,
    ``EventLogUnavailableError`` when nothing was recorded.
    """

    def __init__(self, events: EventLog, clock: Clock) -> None:
        self._events = events
        self._clock = clock

    async def acknowledge(self, alarm_id: str, *, by: str, comment: str = "") -> Alarm:
        """Acknowledge one alarm."""

        def decide(alarm: Alarm) -> AlarmEvent:
            return alarms.acknowledge(alarm, at=self._now(), by=by, comment=comment)

        return await self._act(alarm_id, by, decide)

    async def shelve(self, alarm_id: str, *, by: str, duration_s: float, reason: str) -> Alarm:
        """Put one alarm aside for ``duration_s``."""

        def decide(alarm: Alarm) -> AlarmEvent:
            return alarms.shelve(alarm, at=self._now(), by=by, duration_s=duration_s, reason=reason)

        return await self._act(alarm_id, by, decide)

    async def unshelve(self, alarm_id: str, *, by: str) -> Alarm:
        """Take one alarm back."""
        return await self._act(alarm_id, by, lambda alarm: alarms.unshelve(alarm, at=self._now(), by=by))

    async def unshelve_if_due(self, alarm_id: str, *, by: str) -> Alarm:
        """Take one alarm back whose shelf is over; refused while its time runs."""

        def decide(alarm: Alarm) -> AlarmEvent:
            now = self._now()
            if alarm.shelved_until is not None and alarm.shelved_until > now:
                msg = f"alarm {alarm_id} is shelved for {(alarm.shelved_until - now) / 1e6:.0f} s more"
                raise RefusedError(msg)
            return alarms.unshelve(alarm, at=now, by=by)

        return await self._act(alarm_id, by, decide)

    async def reset(self, alarm_id: str, *, by: str) -> Alarm:
        """Release the latch of one alarm whose condition is over."""
        return await self._act(alarm_id, by, lambda alarm: alarms.reset(alarm, at=self._now(), by=by))

    def _now(self) -> int:
        return self._clock.now()

    async def _act(self, alarm_id: str, by: str, decide: Decision) -> Alarm:
        alarm = Alarm(alarm_id)
        for _ in range(ATTEMPTS_MAX):
            alarm = await self._read(alarm)
            if alarm.version == 0:
                msg = f"no alarm is named {alarm_id}"
                raise NotFoundError(msg)
            append = Append(stream_of(alarm_id), [decide(alarm)], by, alarm.version)
            try:
                return fold(alarm, await self._events.append([append]))
            except ConcurrencyError:
                continue
        msg = f"alarm {alarm_id} changed {ATTEMPTS_MAX} times while it was being decided on; try again"
        raise ConcurrencyError(msg)

    async def _read(self, alarm: Alarm) -> Alarm:
        """Alarm with whatever its stream holds beyond it."""
        while True:
            entries = await self._events.read(alarm.position, READ_EVENTS_MAX, stream_of(alarm.alarm_id))
            alarm = fold(alarm, entries)
            if len(entries) < READ_EVENTS_MAX:
                return alarm
