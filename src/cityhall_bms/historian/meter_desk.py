"""What people say about meters: exchanged, or what a doubtful step counts."""

from typing import Final

from cityhall_bms.domain.counter_events import CounterDecided, MeterExchanged
from cityhall_bms.domain.counters import Decision, StepState
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.events import Event
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.counters import CounterStep, CounterView
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.history import Window

MILLISECOND_US: Final = 1_000
"""Times are written to the millisecond; scans of one point are further apart."""
STEPS_MAX: Final = 10
DECIDABLE: Final = frozenset({StepState.QUARANTINED, StepState.ACCEPTED, StepState.REJECTED, StepState.EXCHANGED})


class CounterDesk:
    """Records what is said; a decision may be taken again, and the later one counts.

    ``EventLogUnavailableError`` when nothing was recorded.
    """

    def __init__(self, events: EventLog, view: CounterView, clock: Clock) -> None:
        self._events = events
        self._view = view
        self._clock = clock

    async def exchange(self, point: str, *, at: int, last_old: float, first_new: float, reason: str, by: str) -> None:
        """Record that a meter was exchanged."""
        if at > self._clock.now():
            msg = f"{point}: an exchange is recorded when it is done, not before"
            raise RefusedError(msg)
        await self._say(point, MeterExchanged(point, at, last_old, first_new, reason), by)

    async def decide(self, point: str, number: int, *, at: int, decision: str, reason: str, by: str) -> None:
        """Record what a doubtful step counts."""
        step = await self._step(point, number, at)
        await self._say(point, CounterDecided(point, step.at, Decision(decision).value, reason), by)

    async def _step(self, point: str, number: int, at: int) -> CounterStep:
        begin = at - at % MILLISECOND_US
        steps = await self._view.steps(number, Window(begin, begin + MILLISECOND_US), STEPS_MAX)
        for step in steps:
            if step.state in DECIDABLE:
                return step
        msg = f"{point} has no step of that time to decide about; GET /api/v1/counters/quarantine lists them"
        raise NotFoundError(msg)

    async def _say(self, point: str, event: Event, by: str) -> None:
        await self._events.append([Append(f"counter/{point}", [event], by)])
