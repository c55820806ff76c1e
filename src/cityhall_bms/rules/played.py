"""Alarm handling played over a past: what a rule would have rung beside the causes and permits of that time.

The table of alarm states and the suppression by design are those that run live (`AlarmBook`). What people did then to
alarms of another wording says nothing about this one, so a console is played that answers each ring when its target
time is over and resets what is latched: an alarm that goes on standing then rings again, as it does live.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Final

import numpy as np

from cityhall_bms.domain.alarm_book import AlarmBook
from cityhall_bms.domain.alarms import (
    LATCHED_STATES,
    UNACKNOWLEDGED_STATES,
    Alarm,
    AlarmEvent,
    AlarmRaised,
    AlarmReturned,
    AlarmSuppressed,
    acknowledge,
    alarm_id,
    evolve,
    reset,
)
from cityhall_bms.domain.annunciating import Annunciation, Change, annunciate, settle
from cityhall_bms.domain.annunciations import NEVER, Annunciations
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.follow_up import Handling, acknowledge_by, due
from cityhall_bms.domain.permits import Permit, fold_permit
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.suppression import Row, Suppression
from cityhall_bms.rules.binding import Binding
from cityhall_bms.rules.decisions import decided
from cityhall_bms.rules.engine import Proposal
from cityhall_bms.rules.model import ConditionRule, Rule

OPERATOR: Final = "backtest"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a tested rule: the table, the other rules in force, the permits' entries, how alarms go on."""

    suppression: Suppression = field(default_factory=Suppression)
    rules: Sequence[Rule] = ()
    permits: Sequence[StoredEvent] = ()
    """Entries of permits' streams in the order of the log."""
    handling: Handling = field(default_factory=Handling)

    def causes_of(self, tested: Binding, site: Site) -> list[Rule]:
        """Other rules whose alarms may hide those of a tested rule: they are played along.

        Rules of silence are not: what watches a silent device knows nothing and begins nothing.
        """
        own = {bound.rule.id for bound in tested.rules}
        alarms = list(_alarms(tested))
        rows = [row for row in self.suppression.rows if any(self.suppression.means(row.hides, item) for item in alarms)]
        return [
            rule
            for rule in self.rules
            if isinstance(rule, ConditionRule) and rule.id not in own and self._may_cause(rule, rows, site)
        ]

    def _may_cause(self, rule: ConditionRule, rows: Sequence[Row], site: Site) -> bool:
        members = (item for item in site.equipment.values() if rule.is_for(item.brick_class))
        return any(
            row.cause is not None and self.suppression.means(row.cause, alarm)
            for item in members
            for alarm in [Alarm("", rule=rule.id, equipment=item.name, system=item.system, priority=rule.priority)]
            for row in rows
        )


@dataclass(frozen=True, slots=True)
class Played:
    """What rang, and how many occurrences never did: hidden by design from the first to the last moment."""

    rang: Annunciations
    hidden: int
    hidden_as: Mapping[str, int]
    """How often each row of the table hid an alarm, be it one that had rung before."""


class Console:
    """Plays one rule's alarms at the ticks of a replay: each ``step_us`` from ``start`` (µs UTC)."""

    def __init__(self, rule: str, around: Surroundings, start: int, step_us: int) -> None:
        self._own = alarm_id(rule, "")
        self._around = around
        self._start, self._step_us = start, step_us
        self._book = AlarmBook(around.suppression)
        self._permits = list(around.permits)
        self._open: dict[str, list[Annunciation]] = {}
        """Rings that go on, or wait for an answer, by alarm."""
        self._done: list[Annunciation] = []
        self._raised: list[tuple[str, int, int]] = []
        self._hidden: list[tuple[int, str]] = []
        self._waiting: dict[str, int] = {}
        """Alarms of the rule about which somebody or something does something next, and when."""
        self._looks: list[int] = []
        """Ticks at which something may change though nothing is proposed."""
        for at in _turns(self._permits):
            self._look(at)

    def take(self, proposals: Iterable[Proposal], until: int) -> None:
        """Play a stretch that ends with the tick ``until``; proposals in order."""
        for at, group in groupby(proposals, key=lambda item: item.at):
            self._pass(at)
            self._step(at, list(group))
        self._pass(until + 1)

    def played(self, first: int, until: int) -> Played:
        """What came of it between two times."""
        rows = sorted([*self._done, *chain(*self._open.values())], key=lambda row: (row.at, row.alarm_id))
        rang = {(row.alarm_id, row.occurrence) for row in rows}
        told = [(name, number) for name, number, at in self._raised if first <= at < until]
        hidden = [relation for at, relation in self._hidden if first <= at < until]
        return Played(
            rang=_columns([row for row in rows if row.at < until and row.ended > first]),
            hidden=sum(item not in rang for item in told),
            hidden_as={relation: hidden.count(relation) for relation in sorted(set(hidden))},
        )

    def _pass(self, before: int) -> None:
        """Let time pass up to a tick, that one not included."""
        while self._looks and self._looks[0] < before:
            at = heapq.heappop(self._looks)
            while self._looks and self._looks[0] == at:
                heapq.heappop(self._looks)
            self._step(at, [])

    def _step(self, at: int, proposals: Sequence[Proposal]) -> None:
        while self._permits and self._permits[0].recorded_at <= at:
            self._book.take(self._permits.pop(0))
        for change in changes(self._book, at, decided(self._book, proposals, 0)):
            self._note(change)
        for name in sorted(name for name, when in self._waiting.items() if when <= at):
            self._follow_up(name, at)

    def _note(self, change: Change) -> None:
        if isinstance(change.event, AlarmReturned):
            self._hold_on(change.after)
        if not change.after.alarm_id.startswith(self._own):
            return
        if isinstance(change.event, AlarmRaised):
            self._raised.append((change.after.alarm_id, change.after.occurrence, change.at))
        elif isinstance(change.event, AlarmSuppressed):
            self._hidden.append((change.at, change.event.relation))
        self._annunciate(change)
        self._plan(change.after)

    def _annunciate(self, change: Change) -> None:
        name = change.after.alarm_id
        rows = self._open.get(name, [])
        changed = {row.position: row for row in annunciate([row for row in rows if row.ended == NEVER], change)}
        rows = [changed.pop(row.position, row) for row in rows] + list(changed.values())
        settlement = settle(change)
        if settlement is not None:
            rows = [settlement.of(row) if row.waiting else row for row in rows]
        self._open[name] = [row for row in rows if row.waiting or row.ended == NEVER]
        self._done += [row for row in rows if not row.waiting and row.ended != NEVER]

    def _hold_on(self, cause: Alarm) -> None:
        """Look again when what a cause hid is shown once it has been over for long enough."""
        for row in self._around.suppression.rows:
            if row.cause is not None and row.hold_us and self._around.suppression.means(row.cause, cause):
                self._look((cause.returned_at or 0) + row.hold_us)

    def _plan(self, alarm: Alarm) -> None:
        """Note when something is done next about an alarm."""
        self._waiting.pop(alarm.alarm_id, None)
        when = acknowledge_by(alarm)
        if alarm.base in LATCHED_STATES and when is None:
            when = alarm.returned_at
        elif alarm.acknowledged_at is not None and alarm.active and alarm.annunciated and when is None:
            lasts_s = self._around.handling.realarm_s[alarm.priority - 1]
            when = alarm.acknowledged_at + round(lasts_s * 1e6) if lasts_s else None
        if when is not None:
            self._waiting[alarm.alarm_id] = when
            self._look(when)

    def _follow_up(self, name: str, at: int) -> None:
        alarm = self._book[name]
        del self._waiting[name]
        event: AlarmEvent | None
        if alarm.state in UNACKNOWLEDGED_STATES:
            event = acknowledge(alarm, at=at, by=OPERATOR)
        elif alarm.base in LATCHED_STATES and alarm.annunciated:
            event = reset(alarm, at=at, by=OPERATOR)
        else:
            event = due(alarm, None, at, self._around.handling)
        if event is not None:
            self._note(_folded(self._book, name, event, at))

    def _look(self, at: int) -> None:
        """Look again at the first tick at or after a time."""
        late = -(-(at - self._start) // self._step_us)
        heapq.heappush(self._looks, self._start + max(late, 0) * self._step_us)


def changes(book: AlarmBook, at: int, proposed: Mapping[str, AlarmEvent]) -> list[Change]:
    """Decide a step as the recorder of live alarms does, and fold it at once: what became of alarms, in order."""
    if not proposed and book.is_in_order(at):
        return []
    story, causes = book.decide(at, proposed)
    found = [_folded(book, name, event, at) for name, events in story.items() for event in events]
    book.settle(causes)
    return found


def _folded(book: AlarmBook, name: str, event: AlarmEvent, at: int) -> Change:
    before = book[name]
    # A position in no log: by it rings of one alarm are told apart.
    after = evolve(before, event, version=before.version + 1, position=before.position + 1)
    book.put(after)
    return Change(event, at, before, after)


def _alarms(binding: Binding) -> Iterator[Alarm]:
    """Every alarm that a binding may raise, in each of its priorities."""
    for bound in binding.rules:
        for subject in bound.subjects:
            for level in bound.levels:
                yield Alarm(
                    "",
                    rule=bound.rule.id,
                    subject=subject.name,
                    equipment=subject.equipment,
                    system=subject.system,
                    priority=level.priority,
                )


def _turns(entries: Iterable[StoredEvent]) -> Iterator[int]:
    """Times at which a permit may begin or cease to hide something."""
    permits: dict[str, Permit | None] = {}
    for entry in entries:
        permit = permits[entry.stream] = fold_permit(permits.get(entry.stream), entry)
        yield entry.recorded_at
        if permit is not None:
            yield from (permit.begin, permit.end)


def _columns(rows: Sequence[Annunciation]) -> Annunciations:
    """Rows as columns. The played answers are left out: figures of answers are about people."""
    names = sorted({row.alarm_id for row in rows})
    numbers = {name: number for number, name in enumerate(names)}
    return Annunciations(
        names,
        np.array([numbers[row.alarm_id] for row in rows], np.int64),
        np.array([row.priority for row in rows], np.uint8),
        np.array([row.began for row in rows], np.int64),
        np.array([row.ended for row in rows], np.int64),
        np.array([row.rang for row in rows], np.int64),
        np.full(len(rows), NEVER),
        np.array([row.again for row in rows], np.bool_),
        np.array([row.withdrawn for row in rows], np.bool_),
        np.array([row.drill for row in rows], np.bool_),
    )
