"""Judges late data: what live rules missed because it came late is recorded once, and pages nobody.

Stored and forwarded samples, and those that HistoryRead fetched, come through the telemetry log; an import and a
correction of what was decoded are told in the event log. Each is judged once history has it and no more follows.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from cityhall_bms.domain.alarms import AlarmRecordedLate, stream_of
from cityhall_bms.domain.errors import (
    ConcurrencyError,
    EventLogUnavailableError,
    HistoryUnavailableError,
    TelemetryLogUnavailableError,
)
from cityhall_bms.domain.events import HistoryImported, SamplesRestated, StoredEvent
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog
from cityhall_bms.ports.history import Progress, Window
from cityhall_bms.ports.rule_history import RuleHistory
from cityhall_bms.ports.telemetry_log import TelemetryLog, TelemetryReader
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.engine import Proposal
from cityhall_bms.rules.late import Stretch, gathered, late_in, missed, occurrences, touched
from cityhall_bms.rules.memory import memory_us
from cityhall_bms.rules.model import Rule
from cityhall_bms.rules.replay import Replay

ACTOR: Final = "rules"
CHECKPOINT: Final = "late"
SETTLED_US: Final = 60_000_000
"""No more late samples for so long: then a stretch is judged."""
JUDGED_MAX_US: Final = 31 * 86_400_000_000
"""Of a longer stretch, as an import of years, its last 31 days are judged: older alarms help nobody."""
STEP_MIN_US: Final = 10_000_000
STEP_MAX_US: Final = 60_000_000
STEPS: Final = 4_000
FETCH_BATCHES_MAX: Final = 200
FETCH_WAIT_S: Final = 5.0
READ_EVENTS_MAX: Final = 1000
RETRY_S: Final = 5.0
SAVE_EVERY_US: Final = 60_000_000
AWAY: Final = (EventLogUnavailableError, HistoryUnavailableError, TelemetryLogUnavailableError)

ResultT = TypeVar("ResultT")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sources:
    """Both logs, and history with how far it has followed the telemetry log."""

    telemetry: TelemetryLog
    events: EventLog
    history: RuleHistory
    progress: Callable[[], Awaitable[Progress]]


class LateKeeper:
    """Judges with the given rules; begins at the end of both logs, and after that where it left off."""

    def __init__(
        self, rules: Sequence[Rule], site: Site, ids: Mapping[str, int], sources: Sources, clock: Clock
    ) -> None:
        self._rules = list(rules)
        self._site = site
        self._ids = ids
        self._binding = bind(self._rules, site, ids)
        self._watched = frozenset(self._binding.point_ids.tolist())
        self._history = sources.history
        self._progress = sources.progress
        self._telemetry = sources.telemetry
        self._events = sources.events
        self._clock = clock
        self._reader: TelemetryReader | None = None
        self._stretches: list[Stretch] = []
        self._taken = 0
        self._read = 0
        self._saved_at = 0
        self.recorded = 0
        """Occurrences that this process has recorded late."""

    async def run(self) -> None:
        """Follow both logs without end; outages are waited for."""
        await self._surely(self._begin)
        try:
            while True:
                await self._surely(self._turn)
        finally:
            if self._reader is not None:
                await self._reader.close()

    async def _begin(self) -> None:
        checkpoint = await self._events.checkpoint(CHECKPOINT)
        if checkpoint is None:
            self._taken, self._read = await self._telemetry.end(), await self._events.end()
        else:
            table = json.loads(checkpoint.state)
            self._taken, self._read = checkpoint.position, table["read"]
            self._stretches = [Stretch.of(item) for item in table["stretches"]]
        await self._save([])

    async def _turn(self) -> None:
        await self._look_at_telemetry()
        await self._look_at_events()
        now = self._clock.now()
        due = [item for item in self._stretches if now - item.seen_at >= SETTLED_US]
        if due and (await self._progress()).position >= due[0].position:
            await self._judge(due[0])
        elif now - self._saved_at >= SAVE_EVERY_US:
            await self._save([])

    async def _look_at_telemetry(self) -> None:
        if self._reader is None:
            self._reader = await self._telemetry.reader(after=self._taken)
        for logged in await self._reader.fetch(FETCH_BATCHES_MAX, FETCH_WAIT_S):
            self._note(late_in(logged.batch, logged.position, self._watched))
            self._taken = logged.position

    async def _look_at_events(self) -> None:
        entries = await self._events.read(self._read, READ_EVENTS_MAX)
        for entry in entries:
            self._note(self._told(entry))
            self._read = entry.position

    def _told(self, entry: StoredEvent) -> Stretch | None:
        """Stretch that an event says was filled or corrected."""
        interval_us = 0
        match entry.type:
            case HistoryImported.__name__:
                points, interval_us = self._watched, entry.payload["interval_s"] * 1_000_000
            case SamplesRestated.__name__:
                points = self._watched & {self._ids.get(name, -1) for name in entry.payload["points"]}
            case _:
                return None
        until = entry.payload["until"]
        first = max(entry.payload["first"], until - JUDGED_MAX_US)
        return Stretch(first, until - 1, points, 0, self._clock.now(), interval_us) if points else None

    def _note(self, stretch: Stretch | None) -> None:
        if stretch is not None:
            self._stretches = gathered(self._stretches, stretch)

    async def _judge(self, stretch: Stretch) -> None:
        """Replay the rules that look at the touched points, and record what is missing."""
        names = touched(self._binding, stretch.points)
        found: dict[str, list[AlarmRecordedLate]] = {}
        for rule in self._rules:
            if rule.id in names:
                found |= occurrences(await self._replayed(rule, stretch), stretch)
        appends: list[Append] = []
        for name, items in found.items():
            entries = await self._stream(stream_of(name))
            late = missed(items, entries)
            if late:
                appends.append(Append(stream_of(name), late, ACTOR, entries[-1].version if entries else 0))
        self._stretches.remove(stretch)
        try:
            await self._save(appends)
        except BaseException:
            # Not certain: it is judged again, against what the log then holds.
            self._stretches = gathered(self._stretches, stretch)
            raise
        count = sum(len(item.events) for item in appends)
        self.recorded += count
        log.info("late data judged", rules=len(names), first=stretch.first, last=stretch.last, recorded=count)

    async def _replayed(self, rule: Rule, stretch: Stretch) -> list[Proposal]:
        first = max(stretch.first, stretch.last - JUDGED_MAX_US) - memory_us(rule)
        until = min(stretch.last + memory_us(rule), self._clock.now())
        step = max(min(max((until - first) // STEPS, STEP_MIN_US), STEP_MAX_US), stretch.interval_us)
        replay = Replay(bind([rule], self._site, self._ids), self._history, step)
        return [item async for part in replay.run(Window(first, until)) for item in part.proposals]

    async def _stream(self, stream: str) -> list[StoredEvent]:
        entries: list[StoredEvent] = []
        while True:
            part = await self._events.read(entries[-1].position if entries else 0, READ_EVENTS_MAX, stream)
            entries += part
            if len(part) < READ_EVENTS_MAX:
                return entries

    async def _save(self, appends: Sequence[Append]) -> None:
        state = {"read": self._read, "stretches": [item.plain() for item in self._stretches]}
        await self._events.append(appends, Checkpoint(CHECKPOINT, self._taken, json.dumps(state).encode()))
        self._saved_at = self._clock.now()

    async def _surely(self, attempt: Callable[[], Awaitable[ResultT]]) -> ResultT:
        while True:
            try:
                return await attempt()
            except ConcurrencyError:
                continue
            except AWAY as error:
                log.warning("late data wait to be judged", reason=str(error))
                await self._clock.sleep(RETRY_S)
