"""The book of rules: which rule was in force when, word for word, so that the past can be explained.

A rule is written to its stream ``rule/<id>`` when it takes effect in another wording than before, and when it is taken
out of force; a start with the same rules writes nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog
from pydantic import ValidationError

from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.events import RuleApplied, RuleWithdrawn, StoredEvent, canonical
from cityhall_bms.domain.rule_book import RULE_STREAMS, RuleRecord, fold_rules, prevailing
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.rules.model import RULE_ADAPTER, Rule

ACTOR: Final = "rules"
READ_EVENTS_MAX: Final = 1000
RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


def definition(rule: Rule) -> dict[str, Any]:
    """Rule as a table of a rule file, with what was left at its default: a default may be another one day."""
    table: dict[str, Any] = rule.model_dump(mode="json", by_alias=True)
    return table


def fingerprint(rule: Rule) -> str:
    """SHA-256 of the canonical text of its definition."""
    return hashlib.sha256(canonical(definition(rule)).encode()).hexdigest()


async def keep_book(rules: Iterable[Rule], events: EventLog, clock: Clock) -> None:
    """Write down what took effect and what was withdrawn; waits while the log is away."""
    chosen = list(rules)
    while True:
        try:
            await events.append(changes(chosen, await _entries(events)))
        except (EventLogUnavailableError, ConcurrencyError) as error:
            log.warning("the book of rules waits for the event log", reason=str(error))
            await clock.sleep(RETRY_S)
        else:
            return


def changes(rules: Iterable[Rule], entries: Iterable[StoredEvent]) -> list[Append]:
    """What must be written, given everything that the streams of rules hold."""
    versions: dict[str, int] = {}
    standing: dict[str, str] = {}
    for entry in entries:
        versions[entry.stream] = entry.version
        if entry.type == RuleApplied.__name__:
            standing[entry.stream] = entry.payload["fingerprint"]
        elif entry.type == RuleWithdrawn.__name__:
            standing.pop(entry.stream, None)
    appends: list[Append] = []
    for rule in rules:
        stream = f"{RULE_STREAMS}{rule.id}"
        text = fingerprint(rule)
        if standing.pop(stream, None) != text:
            event = RuleApplied(rule.id, rule.version, text, definition(rule))
            appends.append(Append(stream, [event], ACTOR, versions.get(stream, 0)))
    for stream in standing:
        gone = RuleWithdrawn(stream.removeprefix(RULE_STREAMS))
        appends.append(Append(stream, [gone], ACTOR, versions[stream]))
    return appends


def in_force(entries: Iterable[StoredEvent], position: int) -> StoredEvent | None:
    """Entry of a rule's stream that was in force at a position of the log; none before it was written down."""
    found = None
    for entry in entries:
        if entry.position < position and entry.type == RuleApplied.__name__:
            found = entry
    return found


def rule_of(entry: StoredEvent) -> Rule | None:
    """Rule of such an entry; none when rules are no longer written like that."""
    return read_wording(entry.payload["definition"])


async def read_records(events: EventLog, known_at: int | None = None) -> dict[str, RuleRecord]:
    """Every rule as its stream has it; with ``known_at`` (µs UTC), had it then."""
    entries = await _entries(events)
    return fold_rules(entry for entry in entries if known_at is None or entry.recorded_at <= known_at)


def taking_effect(described: Mapping[str, Rule], records: Mapping[str, RuleRecord]) -> list[Rule]:
    """Rules to run: :func:`worded`, enabled ones only."""
    return [rule for rule in worded(described, records).values() if rule.enabled]


def worded(described: Mapping[str, Rule], records: Mapping[str, RuleRecord]) -> dict[str, Rule]:
    """Rules of the files by id, disabled ones too, each in its promoted wording where one prevails.

    A promoted wording that this version of the service cannot read leaves the file's in force, and says so.
    """
    chosen = dict(described)
    for name, record in records.items():
        file = described.get(name)
        promotion = prevailing(record, None if file is None else file.version)
        if promotion is None:
            continue
        rule = read_wording(promotion.definition)
        if rule is None:
            log.error("a promoted rule is not readable any more; the file's is in force", rule=name)
        else:
            chosen[name] = rule
    return chosen


def shadows(records: Mapping[str, RuleRecord]) -> list[Rule]:
    """Drafts that run live beside the active rules."""
    drafts = [record.draft for record in records.values() if record.shadow is not None and record.draft is not None]
    return [rule for draft in drafts if (rule := read_wording(draft.definition)) is not None]


def read_wording(definition: Mapping[str, Any]) -> Rule | None:
    """Rule of a definition that was written down; none when rules are no longer written like that."""
    try:
        rule: Rule = RULE_ADAPTER.validate_python(definition)
    except ValidationError:
        return None
    return rule


async def _entries(events: EventLog) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    while True:
        part = await events.read(found[-1].position if found else 0, READ_EVENTS_MAX, RULE_STREAMS)
        found += part
        if len(part) < READ_EVENTS_MAX:
            return found
