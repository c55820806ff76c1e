"""What the event log keeps of rules that people change: drafts, backtests, shadows, promotions. Times are µs UTC."""

from dataclasses import dataclass
from typing import Any, Final

from cityhall_bms.domain.events import Event, stored

SHADOW_STREAMS: Final = "shadow/"
"""What the streams of all that drafts would have rung start with: apart from alarms by name."""


@stored
@dataclass(frozen=True, slots=True)
class RuleDrafted(Event):
    """Somebody wrote another wording of a rule, or a new one; it changes nothing yet and replaces the draft before."""

    rule: str
    version: int
    fingerprint: str
    definition: dict[str, Any]
    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class RuleDraftDropped(Event):
    """A draft was given up; its shadow ends with it."""

    rule: str
    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class RuleBacktested(Event):
    """A wording was tested on the history from ``first`` to ``until``; ``digest`` (SHA-256) names the whole result."""

    rule: str
    fingerprint: str
    backtest: str
    digest: str
    first: int
    until: int
    summary: dict[str, Any]
    at: int


@stored
@dataclass(frozen=True, slots=True)
class RuleShadowStarted(Event):
    """A draft runs live from now on, beside the active rule, and rings nothing."""

    rule: str
    fingerprint: str
    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class RuleShadowEnded(Event):
    """A draft runs live no more."""

    rule: str
    fingerprint: str
    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class RulePromoted(Event):
    """A draft is to take effect; ``evidence`` is what spoke for it: its backtest and how its shadow fared."""

    rule: str
    version: int
    fingerprint: str
    definition: dict[str, Any]
    reason: str
    evidence: dict[str, Any]
    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class ShadowRaised(Event):
    """A draft would have raised an alarm, or made it more or less urgent. Nobody is told."""

    rule: str
    fingerprint: str
    subject: str
    priority: int
    observed_at: int
    value: float | None = None
    limit: float | None = None
    telemetry_position: int = 0


@stored
@dataclass(frozen=True, slots=True)
class ShadowReturned(Event):
    """What a draft would have raised would have ended, or its shadow did."""

    rule: str
    fingerprint: str
    subject: str
    observed_at: int
    value: float | None = None
    telemetry_position: int = 0
