"""Appends what the engine proposes and what is suppressed because of it, with the checkpoint, exactly once.

The recorder keeps the fold of all alarm streams, operators' events included, and of the permits. Whatever an append's
fate, it is decided again from what the log then holds: an append that was committed before its answer was lost is
recognised by it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import structlog

from cityhall_bms.domain.alarm_book import AlarmBook, Story
from cityhall_bms.domain.alarms import AlarmEvent, stream_of
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.events import EVENT_TYPES, RuleFailed, StoredEvent
from cityhall_bms.domain.permits import PERMIT_STREAMS
from cityhall_bms.domain.suppression import Cause, Suppression
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog
from cityhall_bms.ports.read_models import AlarmView
from cityhall_bms.rules.decisions import abandon, decided
from cityhall_bms.rules.engine import Proposal, RuleFailure

ACTOR: Final = "rules"
RETRY_S: Final = 1.0
LOOK_EVERY_S: Final = 1.0
"""How often it is looked for what others wrote while no rule proposes anything."""
READ_EVENTS_MAX: Final = 1000
CONFLICTS_MAX: Final = 20
"""Lost races with operators after which the recorder takes a breath."""

log = structlog.get_logger(__name__)

Proposed = Callable[[], dict[str, AlarmEvent]]


class RuleRecorder:
    """The rules engine's hand on the event log."""

    def __init__(self, events: EventLog, view: AlarmView, suppression: Suppression, clock: Clock) -> None:
        self._events = events
        self._view = view
        self._clock = clock
        self._book = AlarmBook(suppression)
        self._position = 0
        self._looked_at = 0

    @property
    def active(self) -> Mapping[str, int]:
        """Priority of each alarm of this engine that is active, as of the last look at the log."""
        return {alarm.alarm_id: alarm.priority for alarm in self._book.active if alarm.raised_by == ACTOR}

    async def recover(self, name: str) -> Checkpoint | None:
        """Take every alarm and permit and the latest checkpoint; waits while the log is away."""
        while True:
            try:
                checkpoint = await self._events.checkpoint(name)
                await self._begin()
            except EventLogUnavailableError as error:
                log.warning("rules wait for the event log", reason=str(error))
                await self._clock.sleep(RETRY_S)
            else:
                return checkpoint

    async def is_in_order(self, at: int) -> bool:
        """Tell whether nothing has to be recorded at a step without proposals: no cover begins or ends.

        Every second it looks for what others wrote; while the log is away, it goes by what it knows.
        """
        if abs(at - self._looked_at) >= LOOK_EVERY_S * 1e6:
            self._looked_at = at
            try:
                await self._catch_up()
            except EventLogUnavailableError as error:
                log.info("no look at the event log", reason=str(error))
        return self._book.is_in_order(at)

    async def record(
        self, at: int, proposals: Sequence[Proposal], failures: Sequence[RuleFailure], checkpoint: Checkpoint
    ) -> None:
        """Append what the proposals make of the alarms at a step, and the failures, with the checkpoint."""
        versions: dict[str, int] = {}

        def proposed() -> dict[str, AlarmEvent]:
            return decided(self._book, proposals, checkpoint.position)

        async def failed() -> list[Append]:
            return await self._failures(failures, versions)

        await self._append_surely(at, proposed, failed, checkpoint)

    async def abandon(self, names: Collection[str], at: int, checkpoint: Checkpoint) -> None:
        """Return alarms that no rule is watching any more."""

        def proposed() -> dict[str, AlarmEvent]:
            events = {name: abandon(self._book[name], at, checkpoint.position) for name in sorted(names)}
            return {name: event for name, event in events.items() if event is not None}

        await self._append_surely(at, proposed, _none, checkpoint)

    async def save(self, checkpoint: Checkpoint) -> None:
        """Store a checkpoint alone."""
        await self._surely(lambda: self._events.append([], checkpoint))

    async def _append_surely(
        self, at: int, proposed: Proposed, others: Callable[[], Awaitable[list[Append]]], checkpoint: Checkpoint
    ) -> None:
        causes: tuple[Cause, ...] = ()

        async def attempt() -> list[StoredEvent]:
            nonlocal causes
            await self._catch_up()
            story, causes = self._book.decide(at, proposed())
            return await self._events.append([*self._appends(story), *await others()], checkpoint)

        for entry in await self._surely(attempt):
            self._book.take(entry)
        self._book.settle(causes)

    async def _surely(self, attempt: Callable[[], Awaitable[list[StoredEvent]]]) -> list[StoredEvent]:
        """Try until it is certain; waits while the log is away. The telemetry log keeps what comes meanwhile."""
        conflicts = 0
        while True:
            try:
                return await attempt()
            except ConcurrencyError:
                conflicts += 1
                if conflicts % CONFLICTS_MAX == 0:
                    log.warning("rules lose every race for an alarm", conflicts=conflicts)
                    await self._clock.sleep(RETRY_S)
            except EventLogUnavailableError as error:
                log.warning("alarms wait for the event log", reason=str(error))
                await self._clock.sleep(RETRY_S)

    async def _begin(self) -> None:
        """Begin where the view of alarms stands: reading every event of every alarm would take ever longer."""
        known = await self._view.everything()
        for alarm in known.alarms:
            self._book.put(alarm)
        self._position = known.position
        after = 0
        while entries := await self._events.read(after, READ_EVENTS_MAX, PERMIT_STREAMS):
            for entry in entries:
                self._book.take(entry)
            after = entries[-1].position
        await self._catch_up()

    async def _catch_up(self) -> None:
        while True:
            entries = await self._events.read(self._position, READ_EVENTS_MAX)
            for entry in entries:
                self._book.take(entry)
                self._position = entry.position
            if len(entries) < READ_EVENTS_MAX:
                return

    def _appends(self, story: Story) -> list[Append]:
        return [Append(stream_of(name), events, ACTOR, self._book[name].version) for name, events in story.items()]

    async def _failures(self, failures: Sequence[RuleFailure], versions: dict[str, int]) -> list[Append]:
        """Failures that are not in the log yet; ``versions`` remembers their streams as first seen.

        Others write to a rule's stream as well, like drafts: only a failure that came since then is this one.
        """
        appends: list[Append] = []
        for failure in failures:
            stream = f"rule/{failure.rule}"
            version, failed = await self._failed(stream)
            if failed <= versions.setdefault(stream, version):
                appends.append(Append(stream, [RuleFailed(failure.rule, failure.reason)], ACTOR, version))
        return appends

    async def _failed(self, stream: str) -> tuple[int, int]:
        """Version of a rule's stream, and that of the last failure in it; 0 = none."""
        after = version = failed = 0
        while True:
            entries = await self._events.read(after, READ_EVENTS_MAX, stream)
            for entry in entries:
                after, version = entry.position, entry.version
                failed = version if EVENT_TYPES.get(entry.type) is RuleFailed else failed
            if len(entries) < READ_EVENTS_MAX:
                return version, failed


async def _none() -> list[Append]:
    return []
