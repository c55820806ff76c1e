"""What people see of load shedding, and the answers they give."""

from collections.abc import Iterable, Mapping
from typing import Final

from cityhall_bms.domain.energy.shedding import (
    SheddingPlan,
    SheddingState,
    ShedStep,
    answer,
    fold,
)
from cityhall_bms.domain.energy.shedding_events import SHEDDING_STREAM, SheddingEvent
from cityhall_bms.domain.errors import ConcurrencyError, RefusedError
from cityhall_bms.domain.site import Equipment, Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

READ_EVENTS_MAX: Final = 1_000
ATTEMPTS_MAX: Final = 3


class SheddingRecord:
    """The stream of load shedding as this process has read it. Raises ``EventLogUnavailableError``."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._position = 0
        self._state = SheddingState()

    async def state(self) -> SheddingState:
        """Where it stands, by everything that is in the log now."""
        while entries := await self._events.read(self._position, READ_EVENTS_MAX, SHEDDING_STREAM):
            self._state = fold(self._state, entries)
            self._position = entries[-1].position
        return self._state

    async def append(self, events: Iterable[SheddingEvent], actor: str) -> SheddingState:
        """Add what follows from :meth:`state`; ``ConcurrencyError`` when somebody else added something meanwhile."""
        await self._events.append([Append(SHEDDING_STREAM, list(events), actor, self._state.version)])
        return await self.state()


class SheddingDesk:
    """Tells where load shedding stands, and takes answers."""

    def __init__(self, site: Site, events: EventLog, clock: Clock) -> None:
        self.plan: SheddingPlan = site.shedding
        self.points: Mapping[str, int] = {step.name: len(points_of(site, step)) for step in site.shedding.steps}
        """How many points each step of the plan has at this site."""
        self._record = SheddingRecord(events)
        self._clock = clock

    async def state(self) -> SheddingState:
        """Where it stands."""
        return await self._record.state()

    async def answer(self, *, accepted: bool, by: str, reason: str) -> SheddingState:
        """Accept or decline what is proposed; ``RefusedError`` when nothing is."""
        for _ in range(ATTEMPTS_MAX):
            event = answer(await self.state(), accepted=accepted, by=by, reason=reason, at=self._clock.now())
            try:
                return await self._record.append([event], by)
            except ConcurrencyError:
                continue  # it changed just now: look again whether there is anything to answer
        msg = "卸載狀態持續變動，請重試 / load shedding changes all the time; try again"
        raise RefusedError(msg)


def points_of(site: Site, step: ShedStep) -> list[str]:
    """Points that a step of the plan is about, in the order of ``points.csv``."""
    return [
        point.name
        for action in step.actions
        for point in site.points.values()
        if point.role == action.role and _class_of(site.equipment, point.equipment) in action.classes
    ]


def _class_of(equipment: Mapping[str, Equipment], name: str) -> str:
    return equipment[name].brick_class if name in equipment else ""
