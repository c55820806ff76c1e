"""Drafts of rules: read completely before they are kept, tested, run as shadows, promoted."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from cityhall_bms.domain import rule_book
from cityhall_bms.domain.errors import ConcurrencyError, Problem, SiteError
from cityhall_bms.domain.events import Event
from cityhall_bms.domain.rule_book import RuleRecord, Wording, fold_rule, stream_of_rule
from cityhall_bms.domain.rule_events import RuleBacktested
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.rule_views import ShadowDay
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.book import definition, fingerprint
from cityhall_bms.rules.files import RuleFile, read_rules
from cityhall_bms.rules.model import Rule

ATTEMPTS_MAX: Final = 10
READ_EVENTS_MAX: Final = 1000
DRAFT: Final = "draft"
"""What problems of a draft name as their file."""

Decision = Callable[[RuleRecord], Event]


def parse_draft(text: str) -> dict[str, Any]:
    """Table of the one ``[[rule]]`` (or of the bare keys) of a TOML text; :class:`SiteError` with what is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteError([Problem(DRAFT, 0, "toml", str(error), "correct the text")]) from error
    rules = tables.get("rule")
    if rules is None:
        return tables
    if not isinstance(rules, list) or len(rules) != 1 or len(tables) != 1:
        message = "is not one rule" if isinstance(rules, list) else "is no list"
        raise SiteError([Problem(DRAFT, 0, "rule", message, "write one [[rule]] table, and nothing else")])
    table: dict[str, Any] = rules[0]
    return table


def read_draft(rule: str, table: Mapping[str, Any], version: int, site: Site, ids: Mapping[str, int]) -> Rule:
    """Rule of a draft, checked as a rule file is and bound to the site; :class:`SiteError` with every mistake.

    Where it names no ``version`` it gets the given one.
    """
    named = table.get("id", rule)
    if named != rule:
        raise SiteError(
            [Problem(DRAFT, 0, "id", f"is {named!r}, and this is rule {rule}", f"write {rule}, or leave out")]
        )
    found = read_rules([RuleFile(DRAFT, {"rule": [{"version": version, **table, "id": rule}]})])[0]
    problems = bind([found], site, ids).problems
    if problems:
        raise SiteError(list(problems))
    return found


class RuleDesk:
    """Handles what people do to rules; each gives the rule's record as it stands afterwards. ``described``: the files'.

    ``RefusedError`` for what its state does not allow, ``SiteError`` for a draft with mistakes, ``ConcurrencyError``
    when it changed faster than a decision could be taken, ``EventLogUnavailableError`` when nothing was recorded.
    """

    def __init__(
        self, events: EventLog, clock: Clock, site: Site, ids: Mapping[str, int], described: Mapping[str, Rule]
    ) -> None:
        self._events = events
        self._clock = clock
        self._site = site
        self._ids = ids
        self._described = described

    async def record(self, rule: str) -> RuleRecord:
        """One rule as its stream has it now."""
        record = RuleRecord(rule)
        while True:
            entries = await self._events.read(record.position, READ_EVENTS_MAX, stream_of_rule(rule))
            record = fold_rule(record, entries)
            if len(entries) < READ_EVENTS_MAX:
                return record

    async def check(self, rule: str, table: Mapping[str, Any]) -> Rule:
        """Read a wording as a draft is read, and keep nothing."""
        file = self._described.get(rule)
        version = rule_book.standing_version(await self.record(rule), 0 if file is None else file.version) + 1
        return read_draft(rule, table, version, self._site, self._ids)

    async def draft(self, rule: str, table: Mapping[str, Any], *, by: str) -> RuleRecord:
        """Keep a draft in place of the one before."""
        file = self._described.get(rule)
        file_version = 0 if file is None else file.version

        def decide(record: RuleRecord) -> Event:
            version = rule_book.standing_version(record, file_version) + 1
            found = read_draft(rule, table, version, self._site, self._ids)
            wording = Wording(found.version, fingerprint(found), definition(found), self._clock.now(), by)
            return rule_book.draft(record, wording, file_version)

        return await self._act(rule, by, decide)

    async def drop_draft(self, rule: str, *, by: str) -> RuleRecord:
        """Give a draft up."""
        return await self._act(rule, by, lambda record: rule_book.drop_draft(record, at=self._clock.now(), by=by))

    async def start_shadow(self, rule: str, *, by: str) -> RuleRecord:
        """Let a draft run live without ringing."""
        return await self._act(rule, by, lambda record: rule_book.start_shadow(record, at=self._clock.now(), by=by))

    async def end_shadow(self, rule: str, *, by: str) -> RuleRecord:
        """End that."""
        return await self._act(rule, by, lambda record: rule_book.end_shadow(record, at=self._clock.now(), by=by))

    async def promote(self, rule: str, *, by: str, reason: str, days: Sequence[ShadowDay] = ()) -> RuleRecord:
        """Have a draft take effect; ``days`` are those of its shadow run, if it had one."""

        def decide(record: RuleRecord) -> Event:
            run = record.shadow
            shadow = None if run is None else {"since": run.since, "by": run.by, "days": [asdict(day) for day in days]}
            return rule_book.promote(record, at=self._clock.now(), by=by, reason=reason, shadow=shadow)

        return await self._act(rule, by, decide)

    async def backtested(self, event: RuleBacktested, *, by: str) -> RuleRecord:
        """Note that a wording was tested on history."""
        return await self._act(event.rule, by, lambda _: event)

    async def _act(self, rule: str, by: str, decide: Decision) -> RuleRecord:
        for _ in range(ATTEMPTS_MAX):
            record = await self.record(rule)
            append = Append(stream_of_rule(rule), [decide(record)], by, record.version)
            try:
                return fold_rule(record, await self._events.append([append]))
            except ConcurrencyError:
                continue
        msg = f"rule {rule} changed {ATTEMPTS_MAX} times while it was being decided on; try again"
        raise ConcurrencyError(msg)
