"""What operators do to alarms: take the alarm as it stands, decide by the domain's rules, append."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from cityhall_bms.alarms.permits import read_permit
from cityhall_bms.domain import alarms
from cityhall_bms.domain.alarm_stream import fold
from cityhall_bms.domain.alarms import SHELF_MAX_S, Alarm, AlarmEvent, stream_of
from cityhall_bms.domain.errors import (
    CityHallError,
    ConcurrencyError,
    EventLogUnavailableError,
    NotFoundError,
    RefusedError,
)
from cityhall_bms.ports.alarm_desk import Outcome
from cityhall_bms.ports.alarm_log import caught_up
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.read_models import AlarmView

ATTEMPTS_MAX: Final = 10
"""How often a decision is taken again because the alarm changed meanwhile."""
AT_ONCE: Final = 100
"""Alarms of one request that are decided on at the same time; the log commits them together."""

Decision = Callable[[Alarm], AlarmEvent]


class AlarmDesk:
    """See :class:`~cityhall_bms.ports.alarm_desk.AlarmDesk`.

    The view says how an alarm stands, and the log whether it still does: however long the life of an alarm, a decision
    costs a question and an append, and one question more where the view is behind.
    """

    def __init__(self, view: AlarmView, events: EventLog, clock: Clock) -> None:
        self._view = view
        self._events = events
        self._clock = clock

    async def acknowledge(self, alarm_id: str, *, by: str, comment: str = "") -> Alarm:
        """Acknowledge one alarm."""

        def decide(alarm: Alarm) -> AlarmEvent:
            return alarms.acknowledge(alarm, at=self._now(), by=by, comment=comment)

        return await self._act(alarm_id, by, decide)

    async def acknowledge_each(self, alarm_ids: Sequence[str], *, by: str, comment: str = "") -> list[Outcome]:
        """Acknowledge several alarms, each for itself."""
        return await _each(alarm_ids, lambda alarm_id: self.acknowledge(alarm_id, by=by, comment=comment))

    async def comment(self, alarm_id: str, *, by: str, comment: str) -> Alarm:
        """Write something down about one alarm."""
        return await self._act(alarm_id, by, lambda alarm: alarms.comment(alarm, at=self._now(), by=by, text=comment))

    async def shelve(
        self, alarm_id: str, *, by: str, reason: str, until: int | None = None, one_shot: bool = False
    ) -> Alarm:
        """Put one alarm aside until a time (µs UTC), at the latest; without one for as long as its priority allows."""

        def decide(alarm: Alarm) -> AlarmEvent:
            now = self._now()
            lasts_s = SHELF_MAX_S[alarm.priority] if until is None else (until - now) / 1e6
            return alarms.shelve(alarm, at=now, by=by, duration_s=lasts_s, reason=reason, one_shot=one_shot)

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

    async def reset_each(self, alarm_ids: Sequence[str], *, by: str) -> list[Outcome]:
        """Release the latches of several alarms, each for itself."""
        return await _each(alarm_ids, lambda alarm_id: self.reset(alarm_id, by=by))

    async def take_out_of_service(
        self, alarm_id: str, *, by: str, permit: str, reason: str, until: int | None = None
    ) -> Alarm:
        """Take one alarm out of service under a permit that covers it, until its end if no earlier one is given."""
        allowed = await read_permit(self._events, permit)

        def decide(alarm: Alarm) -> AlarmEvent:
            now = self._now()
            if not allowed.covers(alarm.equipment, alarm.system, now):
                about = alarm.equipment or alarm.subject
                msg = f"許可 {permit} 目前不適用於 {about} / permit {permit} is not in force for {about}"
                raise RefusedError(msg)
            end = allowed.end if until is None else until
            if end > allowed.end:
                msg = f"停用不得超過許可 {permit} 的期限 / no alarm is out of service longer than its permit"
                raise RefusedError(msg)
            return alarms.take_out_of_service(alarm, at=now, by=by, permit=permit, until=end, reason=reason)

        return await self._act(alarm_id, by, decide)

    async def return_to_service(self, alarm_id: str, *, by: str) -> Alarm:
        """Give one alarm back to the operators."""
        return await self._act(alarm_id, by, lambda alarm: alarms.return_to_service(alarm, at=self._now(), by=by))

    def _now(self) -> int:
        return self._clock.now()

    async def _act(self, alarm_id: str, by: str, decide: Decision) -> Alarm:
        alarm = await self._view.get(alarm_id) or Alarm(alarm_id)
        # Mostly the view is not behind. Where it is, the log refuses the version, or the state is another one there.
        with suppress(RefusedError, NotFoundError, ConcurrencyError):
            return await self._append(alarm, by, decide)
        for _ in range(ATTEMPTS_MAX - 1):
            alarm = await caught_up(self._events, alarm)
            with suppress(ConcurrencyError):
                return await self._append(alarm, by, decide)
        msg = f"警報 {alarm_id} 變動頻繁，請再試 / alarm {alarm_id} changed {ATTEMPTS_MAX} times meanwhile; try again"
        raise ConcurrencyError(msg)

    async def _append(self, alarm: Alarm, by: str, decide: Decision) -> Alarm:
        """Alarm after what is decided of it as it is known; ``ConcurrencyError`` when it stands otherwise by now."""
        if alarm.version == 0:
            msg = f"沒有警報 {alarm.alarm_id} / no alarm is named {alarm.alarm_id}"
            raise NotFoundError(msg)
        append = Append(stream_of(alarm.alarm_id), [decide(alarm)], by, alarm.version)
        return fold(alarm, await self._events.append([append]))


async def _each(alarm_ids: Sequence[str], act: Callable[[str], Awaitable[Alarm]]) -> list[Outcome]:
    """Act on each alarm once, some at the same time, and tell of each how it went.

    ``EventLogUnavailableError`` when the log could be reached for none of them.
    """
    names = list(dict.fromkeys(alarm_ids))
    places = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Outcome:
        async with places:
            try:
                return Outcome(name, await act(name), None)
            except CityHallError as error:
                return Outcome(name, None, error)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one(name)) for name in names]
    outcomes = [task.result() for task in running]
    failures = [outcome.failure for outcome in outcomes]
    if failures and all(isinstance(failure, EventLogUnavailableError) for failure in failures):
        raise EventLogUnavailableError(str(failures[0]))
    return outcomes
