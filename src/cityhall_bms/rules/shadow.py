"""Drafts that run live beside the active rules: what they would have rung is recorded apart, and nobody is told.

The engine and its loop are those of the alarms; only the hand that writes is another one.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from cityhall_bms.domain.alarms import alarm_id
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError, TelemetryLogUnavailableError
from cityhall_bms.domain.events import Event, StoredEvent, canonical
from cityhall_bms.domain.rule_events import SHADOW_STREAMS, ShadowRaised, ShadowReturned
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog
from cityhall_bms.ports.telemetry_log import TelemetryLog
from cityhall_bms.rules.decisions import identity
from cityhall_bms.rules.engine import Change, Proposal, RuleFailure

ACTOR: Final = "rules"
RETRY_S: Final = 1.0
READ_EVENTS_MAX: Final = 1000

ResultT = TypeVar("ResultT")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stands:
    """What one draft says of one subject; ``priority`` none while it would not ring."""

    version: int
    rule: str = ""
    subject: str = ""
    fingerprint: str = ""
    priority: int | None = None


def checkpoint_name(fingerprints: Mapping[str, str]) -> str:
    """Name of the checkpoints of some drafts together: others begin anew."""
    return f"shadow {hashlib.sha256(canonical(dict(fingerprints)).encode()).hexdigest()[:16]}"


class ShadowRecorder:
    """Writes what drafts would have rung; ``fingerprints`` are those of the drafts that run, by rule.

    Drafts that have no checkpoint yet begin at the end of the telemetry log: what was before is for a backtest.
    """

    def __init__(
        self, events: EventLog, telemetry: TelemetryLog, clock: Clock, fingerprints: Mapping[str, str]
    ) -> None:
        self._events = events
        self._telemetry = telemetry
        self._clock = clock
        self._fingerprints = fingerprints
        self._position = 0
        self._stands: dict[str, Stands] = {}

    @property
    def active(self) -> Mapping[str, int]:
        """Priority of each that would ring now."""
        return {name: stands.priority for name, stands in self._stands.items() if stands.priority is not None}

    async def recover(self, name: str) -> Checkpoint | None:
        """Find out what stands; what a draft left that runs no more, or in another wording, ends here."""

        async def attempt() -> Checkpoint | None:
            await self._catch_up()
            now = self._clock.now()
            await self._append(
                {
                    name: ShadowReturned(stands.rule, stands.fingerprint, stands.subject, now)
                    for name, stands in self._stands.items()
                    if stands.priority is not None and stands.fingerprint != self._fingerprints.get(stands.rule)
                },
                None,
            )
            known = await self._events.checkpoint(name)
            if known is None:
                known = Checkpoint(name, await self._telemetry.end(), b"")
                await self._append({}, known)
            return known

        return await self._surely(attempt)

    async def is_in_order(self, _at: int) -> bool:
        """Nothing covers or uncovers a shadow."""
        return True

    async def record(
        self, _at: int, proposals: Sequence[Proposal], failures: Sequence[RuleFailure], checkpoint: Checkpoint
    ) -> None:
        """Append what drafts would have rung."""
        for failure in failures:
            log.warning("a draft cannot be evaluated and runs no more", rule=failure.rule, reason=failure.reason)

        async def attempt() -> None:
            await self._catch_up()
            events = ((identity(item), self._decided(item, checkpoint.position)) for item in proposals)
            await self._append({name: event for name, event in events if event is not None}, checkpoint)

        await self._surely(attempt)

    async def abandon(self, names: Collection[str], at: int, checkpoint: Checkpoint) -> None:
        """End what no draft stands for any more."""

        async def attempt() -> None:
            await self._catch_up()
            active = self.active
            found = {name: self._stands[name] for name in names if name in active}
            events = {
                name: ShadowReturned(stands.rule, stands.fingerprint, stands.subject, at)
                for name, stands in found.items()
            }
            await self._append(events, checkpoint)

        await self._surely(attempt)

    async def save(self, checkpoint: Checkpoint) -> None:
        """Store a checkpoint alone."""
        await self._surely(lambda: self._append({}, checkpoint))

    def _decided(self, item: Proposal, position: int) -> ShadowRaised | ShadowReturned | None:
        """Event that a proposal comes to; none when it stands so already."""
        stands = self._stands.get(identity(item), Stands(0))
        rule, subject = item.rule.id, item.subject.name
        wording = self._fingerprints.get(rule, "")
        if item.kind is Change.RETURNED:
            if stands.priority is None:
                return None
            return ShadowReturned(rule, wording, subject, item.observed_at, item.value, position)
        if stands.priority == item.priority:
            return None
        return ShadowRaised(rule, wording, subject, item.priority, item.observed_at, item.value, item.limit, position)

    async def _append(self, events: Mapping[str, Event], checkpoint: Checkpoint | None) -> None:
        appends = [
            Append(f"{SHADOW_STREAMS}{name}", [event], ACTOR, self._stands.get(name, Stands(0)).version)
            for name, event in events.items()
        ]
        if appends or checkpoint is not None:
            for entry in await self._events.append(appends, checkpoint):
                self._take(entry)

    async def _catch_up(self) -> None:
        while True:
            entries = await self._events.read(self._position, READ_EVENTS_MAX, SHADOW_STREAMS)
            for entry in entries:
                self._take(entry)
                self._position = entry.position
            if len(entries) < READ_EVENTS_MAX:
                return

    def _take(self, entry: StoredEvent) -> None:
        match entry.event():
            case ShadowRaised() as event:
                stands = Stands(entry.version, event.rule, event.subject, event.fingerprint, event.priority)
                self._stands[alarm_id(event.rule, event.subject)] = stands
            case ShadowReturned() as event:
                stands = Stands(entry.version, event.rule, event.subject, event.fingerprint)
                self._stands[alarm_id(event.rule, event.subject)] = stands

    async def _surely(self, attempt: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Try until it is certain; waits while the log is away."""
        while True:
            try:
                return await attempt()
            except ConcurrencyError:
                continue
            except (EventLogUnavailableError, TelemetryLogUnavailableError) as error:
                log.warning("shadows wait for a log", reason=str(error))
                await self._clock.sleep(RETRY_S)
