"""Records when an alarm flood begins and when it is over: once, whatever is restarted meanwhile."""

from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.flood_watch import FLOOD_STREAM, AlarmFloodBegan, FloodEvent, FloodWatch
from cityhall_bms.domain.floods import WINDOW_US
from cityhall_bms.ports.alarm_figures import AnnunciationView
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

ACTOR: Final = "floods"
PERIOD_S: Final = 1.0
SETTLED_US: Final = 2_000_000
"""What is recorded bears a time that is at most this old when it can be read."""
READ_MAX: Final = 10_000

log = structlog.get_logger(__name__)


class FloodKeeper:
    """Looks every second at what rang. What it decided before follows from the record: it keeps no place of its own."""

    def __init__(self, view: AnnunciationView, events: EventLog, clock: Clock) -> None:
        self._view = view
        self._events = events
        self._clock = clock
        self._watch: FloodWatch | None = None
        self._position = 0
        self._version = 0
        self._decided_until = 0
        self._recorded_on = False

    @property
    def on(self) -> bool:
        """Whether a flood is on, by the record."""
        return self._recorded_on

    @property
    def rang(self) -> int:
        """How many alarms rang within the last ten minutes."""
        return 0 if self._watch is None else len(self._watch.recent)

    async def run(self) -> None:
        """Keep without end; an outage of the event log delays an event and loses none."""
        away = False
        while True:
            try:
                await self.look()
            except EventLogUnavailableError as error:
                if not away:
                    log.warning("floods wait for the event log", reason=str(error))
                away = True
            else:
                away = False
            await self._clock.sleep(PERIOD_S)

    async def look(self) -> None:
        """Record every beginning and end that is due."""
        if self._watch is None:
            self._watch = await self._begin()
        now, end = self._clock.now(), await self._events.end()
        complete = await self._view.position() >= end
        rings = await self._view.rings(self._position, self._decided_until - WINDOW_US, READ_MAX)
        # While some may still come, time stands still at the newest that is here.
        until = now - SETTLED_US if complete and len(rings) < READ_MAX else 0
        try:
            await self._record(self._due(self._watch.advance([at for _, at in rings], until)))
        except (ConcurrencyError, EventLogUnavailableError) as error:
            # Somebody else recorded it, or nobody knows: begin again from what the record says.
            self._watch = None
            log.info("floods are looked at anew", reason=str(error))
            return
        self._position = rings[-1][0] if rings else self._position

    def _due(self, events: Iterable[FloodEvent]) -> list[FloodEvent]:
        """Events that go on from the record: after a start the one that is recorded last follows once more."""
        due, on = [], self._recorded_on
        for event in events:
            begins = isinstance(event, AlarmFloodBegan)
            if event.at > self._decided_until and begins != on:
                due.append(event)
                on = begins
        return due

    async def _begin(self) -> FloodWatch:
        """A watch that starts ten minutes before the last decision, from where the floods since follow again."""
        recorded = await self._recorded()
        self._version = recorded[-1].version if recorded else 0
        self._decided_until = recorded[-1].payload["at"] if recorded else 0
        self._recorded_on = bool(recorded) and recorded[-1].type == AlarmFloodBegan.__name__
        self._position = 0
        return FloodWatch()

    async def _recorded(self) -> Sequence[StoredEvent]:
        entries: Sequence[StoredEvent] = []
        after = 0
        while page := await self._events.read(after, READ_MAX, FLOOD_STREAM):
            entries, after = page, page[-1].position
        return entries

    async def _record(self, due: Sequence[FloodEvent]) -> None:
        if not due:
            return
        await self._events.append([Append(FLOOD_STREAM, due, ACTOR, self._version)])
        self._version += len(due)
        self._decided_until = due[-1].at
        self._recorded_on = isinstance(due[-1], AlarmFloodBegan)
        log.info("alarm flood", events=[type(event).__name__ for event in due])
