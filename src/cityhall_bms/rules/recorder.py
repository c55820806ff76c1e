"""Appends what the engine proposes, with the checkpoint, exactly once.

The recorder keeps the fold of all alarm streams, operators' events included. Whatever an append's fate, it is decided
again from what the log then holds: an append that was committed before its answer was lost is recognised by it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from cityhall_bms.domain.alarm_stream import ALARM_STREAMS, fold, identity_of
from cityhall_bms.domain.alarms import Alarm, AlarmRaised, AlarmReturned, stream_of
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.events import RuleFailed
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog
from cityhall_bms.rules.decisions import abandon, decide, identity
from cityhall_bms.rules.engine import Proposal, RuleFailure

ACTOR: Final = "rules"
RETRY_S: Final = 1.0
READ_EVENTS_MAX: Final = 1000
CONFLICTS_MAX: Final = 20
"""Lost races with operators after which the recorder takes a breath."""

log = structlog.get_logger(__name__)

Compose = Callable[[], Awaitable[list[Append]]]


class RuleRecorder:
    """The rules engine's hand on the event log."""

    def __init__(self, events: EventLog, clock: Clock) -> None:
        self._events = events
        self._clock = clock
        self._position = 0
        self._alarms: dict[str, Alarm] = {}
        self._raised_here: set[str] = set()

    @property
    def active(self) -> frozenset[str]:
        """Alarms of this engine that are active, as of the last look at the log."""
        return frozenset(name for name in self._raised_here if self._alarms[name].active)

    async def recover(self, name: str) -> Checkpoint | None:
        """Read every alarm and the latest checkpoint; waits while the log is away."""
        while True:
            try:
                checkpoint = await self._events.checkpoint(name)
                await self._catch_up()
            except EventLogUnavailableError as error:
                log.warning("rules wait for the event log", reason=str(error))
                await self._clock.sleep(RETRY_S)
            else:
                return checkpoint

    async def record(
        self, proposals: Sequence[Proposal], failures: Sequence[RuleFailure], checkpoint: Checkpoint
    ) -> None:
        """Append what the proposals make of the alarms, and the failures, with the checkpoint."""
        versions: dict[str, int] = {}

        async def compose() -> list[Append]:
            appends = [
                self._append(identity(item), event)
                for item in proposals
                if (event := decide(self._alarm(identity(item)), item, checkpoint.position)) is not None
            ]
            return appends + await self._failures(failures, versions)

        await self._append_surely(compose, checkpoint)

    async def abandon(self, names: Sequence[str], at: int, checkpoint: Checkpoint) -> None:
        """Return alarms that no rule is watching any more."""

        async def compose() -> list[Append]:
            return [
                self._append(name, event)
                for name in sorted(names)
                if (event := abandon(self._alarm(name), at, checkpoint.position)) is not None
            ]

        await self._append_surely(compose, checkpoint)

    async def save(self, checkpoint: Checkpoint) -> None:
        """Store a checkpoint alone."""
        await self._append_surely(_nothing, checkpoint)

    async def _append_surely(self, compose: Compose, checkpoint: Checkpoint) -> None:
        """Try until it is certain; waits while the log is away. The telemetry log keeps what comes meanwhile."""
        conflicts = 0
        while True:
            try:
                if compose is not _nothing:
                    await self._catch_up()
                await self._events.append(await compose(), checkpoint)
            except ConcurrencyError:
                conflicts += 1
                if conflicts % CONFLICTS_MAX == 0:
                    log.warning("rules lose every race for an alarm", conflicts=conflicts)
                    await self._clock.sleep(RETRY_S)
            except EventLogUnavailableError as error:
                log.warning("alarms wait for the event log", reason=str(error))
                await self._clock.sleep(RETRY_S)
            else:
                return

    async def _catch_up(self) -> None:
        while True:
            entries = await self._events.read(self._position, READ_EVENTS_MAX, ALARM_STREAMS)
            for entry in entries:
                name = identity_of(entry.stream)
                self._alarms[name] = fold(self._alarm(name), [entry])
                if entry.type == AlarmRaised.__name__ and entry.actor == ACTOR:
                    self._raised_here.add(name)
                self._position = entry.position
            if len(entries) < READ_EVENTS_MAX:
                return

    def _alarm(self, name: str) -> Alarm:
        return self._alarms.get(name) or Alarm(name)

    def _append(self, name: str, event: AlarmRaised | AlarmReturned) -> Append:
        return Append(stream_of(name), [event], ACTOR, self._alarm(name).version)

    async def _failures(self, failures: Sequence[RuleFailure], versions: dict[str, int]) -> list[Append]:
        """Failures that are not in the log yet; ``versions`` remembers their streams as first seen."""
        appends: list[Append] = []
        for failure in failures:
            stream = f"rule/{failure.rule}"
            version = await self._version(stream)
            if versions.setdefault(stream, version) == version:
                appends.append(Append(stream, [RuleFailed(failure.rule, failure.reason)], ACTOR, version))
        return appends

    async def _version(self, stream: str) -> int:
        after = version = 0
        while True:
            entries = await self._events.read(after, READ_EVENTS_MAX, stream)
            if entries:
                after, version = entries[-1].position, entries[-1].version
            if len(entries) < READ_EVENTS_MAX:
                return version


async def _nothing() -> list[Append]:
    return []


def orphans(active: frozenset[str], rows: Mapping[str, int]) -> list[str]:
    """Active alarms that no rule and subject stand for any more."""
    return sorted(name for name in active if name not in rows)
