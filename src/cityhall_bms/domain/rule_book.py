"""The life of one rule: the fold of its stream ``rule/<id>``, and what people may do to it.

A rule of the files takes effect by itself (:class:`~cityhall_bms.domain.events.RuleApplied`). What people change while
the service runs begins as a draft, is tested on history, may run beside the active rule without ringing, and is
promoted with its evidence. All times are µs UTC.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, RuleApplied, RuleFailed, RuleWithdrawn, StoredEvent
from cityhall_bms.domain.rule_events import (
    RuleBacktested,
    RuleDraftDropped,
    RuleDrafted,
    RulePromoted,
    RuleShadowEnded,
    RuleShadowStarted,
)

RULE_STREAMS: Final = "rule/"
"""What the stream of every rule starts with; reads them all."""


def stream_of_rule(rule: str) -> str:
    """Stream of a rule."""
    return f"{RULE_STREAMS}{rule}"


@dataclass(frozen=True, slots=True)
class Wording:
    """A rule as it is written in a table of a rule file."""

    version: int
    fingerprint: str
    definition: Mapping[str, Any]
    at: int
    by: str = ""
    position: int = 0
    """Position in the event log at which it was written down."""


@dataclass(frozen=True, slots=True)
class BacktestSeal:
    """That a wording was tested on history, and what came of it in few figures."""

    fingerprint: str
    backtest: str
    digest: str
    first: int
    until: int
    summary: Mapping[str, Any]
    at: int


@dataclass(frozen=True, slots=True)
class Shadow:
    """A draft that runs live beside the active rule."""

    fingerprint: str
    since: int
    by: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """A draft that was promoted, by whom and why."""

    version: int
    fingerprint: str
    definition: Mapping[str, Any]
    reason: str
    evidence: Mapping[str, Any]
    at: int
    by: str


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule as its stream has it. ``applied`` is what rings now; none before a start wrote it down."""

    rule: str
    applied: Wording | None = None
    versions: tuple[Wording, ...] = ()
    """Every wording that ever took effect, oldest first."""
    draft: Wording | None = None
    backtest: BacktestSeal | None = None
    """Latest backtest of the present draft."""
    shadow: Shadow | None = None
    promotion: Promotion | None = None
    """Latest one."""
    failure: str = ""
    """Why it is parked, if it is."""
    version: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    event: Any
    at: int
    actor: str
    position: int


def _applied(record: RuleRecord, entry: _Entry) -> RuleRecord:
    event: RuleApplied = entry.event
    wording = Wording(event.version, event.fingerprint, event.definition, entry.at, entry.actor, entry.position)
    return replace(record, applied=wording, versions=(*record.versions, wording), failure="")


def _drafted(record: RuleRecord, entry: _Entry) -> RuleRecord:
    event: RuleDrafted = entry.event
    draft = Wording(event.version, event.fingerprint, event.definition, event.at, event.by, entry.position)
    same = record.backtest is not None and record.backtest.fingerprint == event.fingerprint
    # A shadow of another wording would tell of something that is no longer proposed.
    shadow = record.shadow if record.shadow and record.shadow.fingerprint == event.fingerprint else None
    return replace(record, draft=draft, backtest=record.backtest if same else None, shadow=shadow)


def _backtested(record: RuleRecord, entry: _Entry) -> RuleRecord:
    event: RuleBacktested = entry.event
    if record.draft is None or record.draft.fingerprint != event.fingerprint:
        return record
    seal = BacktestSeal(
        event.fingerprint, event.backtest, event.digest, event.first, event.until, event.summary, event.at
    )
    return replace(record, backtest=seal)


def _promoted(record: RuleRecord, entry: _Entry) -> RuleRecord:
    event: RulePromoted = entry.event
    promotion = Promotion(
        event.version, event.fingerprint, event.definition, event.reason, event.evidence, event.at, event.by
    )
    return replace(record, promotion=promotion, draft=None, backtest=None, shadow=None)


_EVOLVE: Final[dict[type[Event], Callable[[RuleRecord, _Entry], RuleRecord]]] = {
    RuleApplied: _applied,
    RuleWithdrawn: lambda record, _: replace(record, applied=None),
    RuleFailed: lambda record, entry: replace(record, failure=entry.event.reason),
    RuleDrafted: _drafted,
    RuleDraftDropped: lambda record, _: replace(record, draft=None, backtest=None, shadow=None),
    RuleBacktested: _backtested,
    RuleShadowStarted: lambda record, entry: replace(
        record, shadow=Shadow(entry.event.fingerprint, entry.event.at, entry.event.by)
    ),
    RuleShadowEnded: lambda record, _: replace(record, shadow=None),
    RulePromoted: _promoted,
}


def fold_rule(record: RuleRecord, entries: Iterable[StoredEvent]) -> RuleRecord:
    """Record after further entries of its own stream, in order; entries that it contains already change nothing."""
    for entry in entries:
        if entry.version <= record.version:
            continue
        known = EVENT_TYPES.get(entry.type)
        change = None if known is None else _EVOLVE.get(known)
        if change is not None:
            record = change(record, _Entry(entry.event(), entry.recorded_at, entry.actor, entry.position))
        record = replace(record, version=entry.version, position=entry.position)
    return record


def fold_rules(entries: Iterable[StoredEvent]) -> dict[str, RuleRecord]:
    """Records of all rules, of all entries of their streams, by rule."""
    records: dict[str, RuleRecord] = {}
    for entry in entries:
        rule = entry.stream.removeprefix(RULE_STREAMS)
        records[rule] = fold_rule(records.get(rule) or RuleRecord(rule), [entry])
    return records


def standing_version(record: RuleRecord, file_version: int) -> int:
    """Version that a draft must be above: of what is in force, promoted or in the files; 0 for a new rule."""
    applied = 0 if record.applied is None else record.applied.version
    return max(applied, 0 if record.promotion is None else record.promotion.version, file_version)


def draft(record: RuleRecord, wording: Wording, file_version: int = 0) -> RuleDrafted:
    """Decide a draft; refused unless its version is above the one in force, and when it changes nothing.

    ``file_version`` is that of the files, 0 where they do not have the rule.
    """
    standing = standing_version(record, file_version)
    if wording.version <= standing:
        msg = f"rule {record.rule} is at version {standing}: a draft needs version {standing + 1} or above"
        raise RefusedError(msg)
    if record.draft is not None and record.draft.fingerprint == wording.fingerprint:
        msg = f"rule {record.rule} has this very draft already"
        raise RefusedError(msg)
    return RuleDrafted(
        record.rule, wording.version, wording.fingerprint, dict(wording.definition), wording.at, wording.by
    )


def drop_draft(record: RuleRecord, *, at: int, by: str) -> RuleDraftDropped:
    """Decide to give a draft up; refused when there is none."""
    _draft_of(record)
    return RuleDraftDropped(record.rule, at, by)


def start_shadow(record: RuleRecord, *, at: int, by: str) -> RuleShadowStarted:
    """Decide to let a draft run live without ringing; refused without a draft, and when it does already."""
    wording = _draft_of(record)
    if record.shadow is not None:
        msg = f"the draft of rule {record.rule} runs as a shadow already"
        raise RefusedError(msg)
    return RuleShadowStarted(record.rule, wording.fingerprint, at, by)


def end_shadow(record: RuleRecord, *, at: int, by: str) -> RuleShadowEnded:
    """Decide the end of a shadow; refused when there is none."""
    if record.shadow is None:
        msg = f"no draft of rule {record.rule} runs as a shadow"
        raise RefusedError(msg)
    return RuleShadowEnded(record.rule, record.shadow.fingerprint, at, by)


def promote(
    record: RuleRecord, *, at: int, by: str, reason: str, shadow: Mapping[str, Any] | None = None
) -> RulePromoted:
    """Decide a promotion; refused without a reason, a draft, and a backtest of that very draft.

    ``shadow`` are the figures of its shadow run, if it had one.
    """
    wording = _draft_of(record)
    if not reason.strip():
        msg = "a promotion needs a reason"
        raise RefusedError(msg)
    seal = record.backtest
    if seal is None:
        msg = (
            f"the draft of rule {record.rule} was not tested on history yet: POST /api/v1/rules/{record.rule}/backtest"
        )
        raise RefusedError(msg)
    evidence: dict[str, Any] = {
        "backtest": seal.backtest,
        "digest": seal.digest,
        "first": seal.first,
        "until": seal.until,
        "summary": dict(seal.summary),
    }
    if shadow is not None:
        evidence["shadow"] = dict(shadow)
    return RulePromoted(
        record.rule, wording.version, wording.fingerprint, dict(wording.definition), reason, evidence, at, by
    )


def _draft_of(record: RuleRecord) -> Wording:
    if record.draft is None:
        msg = f"rule {record.rule} has no draft: PUT /api/v1/rules/{record.rule}/draft"
        raise RefusedError(msg)
    return record.draft


def prevailing(record: RuleRecord | None, file_version: int | None) -> Promotion | None:
    """Promotion that is in force over the files: they do not have the rule, or not in a newer version."""
    promotion = None if record is None else record.promotion
    if promotion is None or (file_version is not None and file_version > promotion.version):
        return None
    return promotion
