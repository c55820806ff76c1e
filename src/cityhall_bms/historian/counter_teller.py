"""Tells what happened to counters and figures: restatements as events, counters in quarantine as alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from cityhall_bms.domain.counter_events import FiguresRestated
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError, HistoryUnavailableError
from cityhall_bms.domain.events import DeviceNoticed
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

ACTOR: Final = "historian"
STREAM: Final = "restatements"
KIND: Final = "counter"
WAITING, DECIDED = "quarantined", "normal"
PRIORITY: Final = 255
"""Of 0 to 255, the least urgent: a meter's doubtful step is maintenance."""
PERIOD_S: Final = 5.0
READ_EVENTS_MAX: Final = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """How far restatements are in the event log: its position, the stream's version, and the newest one's number."""

    position: int
    version: int
    through: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """A counter whose newest doubtful step waits for a decision; time µs UTC."""

    number: int
    point: str
    at: int
    from_value: float
    to_value: float


class CounterRecord(Protocol):
    """What history has to tell. Every method raises ``HistoryUnavailableError``."""

    async def told(self) -> Told:
        """How far it was told."""
        ...

    async def note_told(self, told: Told) -> None:
        """Remember how far it is told now."""
        ...

    async def untold(self, after: int) -> Sequence[FiguresRestated]:
        """Restatements after a number, one event per reason; none when there is nothing to tell."""
        ...

    async def doubts(self) -> Sequence[Doubt]:
        """Counters in quarantine of which nobody was told."""
        ...

    async def decided(self) -> Sequence[tuple[int, str]]:
        """Number and name of counters that were told, and are no longer in quarantine."""
        ...

    async def note_doubts(self, numbers: Sequence[int]) -> None:
        """These were told."""
        ...

    async def note_decided(self, numbers: Sequence[int]) -> None:
        """Of these the end was told."""
        ...


class CounterTeller:
    """Looks now and then. What it appended and could not note any more it finds in the log: nothing is told twice."""

    def __init__(self, record: CounterRecord, site: Site, events: EventLog, clock: Clock) -> None:
        self._record = record
        self._site = site
        self._events = events
        self._clock = clock

    async def run(self) -> None:
        """Tell without end; an outage delays it."""
        while True:
            try:
                await self.tell()
            except (HistoryUnavailableError, EventLogUnavailableError) as error:
                log.warning("restatements_wait", error=str(error))
            await self._clock.sleep(PERIOD_S)

    async def tell(self) -> None:
        """Tell everything that is not told yet."""
        while await self._tell_some():
            pass
        await self._notice()

    async def _tell_some(self) -> bool:
        told = await self._caught_up()
        events = await self._record.untold(told.through)
        if not events:
            return False
        try:
            [*_, last] = await self._events.append([Append(STREAM, events, ACTOR, expected_version=told.version)])
        except ConcurrencyError:
            return True  # another historian told them: find out how far
        await self._record.note_told(Told(last.position, last.version, events[-1].through))
        return True

    async def _caught_up(self) -> Told:
        told = await self._record.told()
        while entries := await self._events.read(told.position, READ_EVENTS_MAX, STREAM):
            newest: dict[str, Any] = entries[-1].payload
            told = Told(entries[-1].position, entries[-1].version, newest["through"])
            await self._record.note_told(told)
        return told

    async def _notice(self) -> None:
        doubts = await self._record.doubts()
        for doubt in doubts:
            text = f"{doubt.point} {doubt.from_value:g} → {doubt.to_value:g}：計數異常待決定 step waits for a decision"
            await self._append(doubt.point, WAITING, doubt.at, text)
        if doubts:
            await self._record.note_doubts([doubt.number for doubt in doubts])
        decided = await self._record.decided()
        for _, point in decided:
            await self._append(point, DECIDED, self._clock.now(), "")
        if decided:
            await self._record.note_decided([number for number, _ in decided])

    async def _append(self, name: str, state: str, at: int, message: str) -> None:
        point = self._site.points.get(name)
        if point is None:
            return  # it was taken out of the site: nobody can be asked about it there
        event = DeviceNoticed(point.device, point.address, KIND, "", state, at, message, PRIORITY)
        await self._events.append([Append(f"device/{point.device}", [event], ACTOR)])
