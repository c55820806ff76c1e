"""The rules engine: a pure step from (state, time, samples) to (state, proposals).

Every row (rule and subject) is a tri-state condition with two timers, advanced for all rows at once:

- *true* long enough (``on_delay_s``) proposes an alarm, *false* past the deadband long enough (``off_delay_s``)
  proposes its return; the opposite known answer sets the timer back to zero;
- *unknown* (a sample or a prerequisite is not good, or too old) holds everything: the alarm stays as it is and the
  timer pauses. A stretch of time counts only if the condition was known at both of its ends;
- a prerequisite that is known not to hold makes the rule NOT-APPLICABLE: nothing can begin, and what is active ends.

Live, backtest and shadow are this same code, fed from different logs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import is_good
from cityhall_bms.rules.binding import Binding, BoundRule, Subject
from cityhall_bms.rules.conditions import Outcome
from cityhall_bms.rules.language.moment import Flags, Floats, Memory, Micros, Tick
from cityhall_bms.rules.model import Rule

COUNTED_MAX_S: Final = 10.0
"""Longest stretch between two steps that timers count: what nobody watched has not been seen to last."""


class Answer(IntEnum):
    """What a rule says about a subject. Only ``FALSE`` means that all is well."""

    FALSE = 0
    TRUE = 1
    UNKNOWN = 2
    NOT_APPLICABLE = 3


@dataclass(frozen=True, slots=True)
class Columns:
    """Present samples of the watched points, in the order of ``Binding.point_ids``."""

    value: Floats
    quality: NDArray[np.uint8]
    observed_at: Micros


@dataclass(frozen=True, slots=True)
class EngineState:
    """Everything that the engine remembers; arrays are never written to. Times µs."""

    at: int
    """Time of the last step; 0 before the first."""
    active: Flags
    held: Micros
    """How long the condition has leaned to the other side, counted."""
    leaning: Flags
    """Whether it did so at the last step."""
    answer: NDArray[np.uint8]
    good_at: Micros
    """When each watched point was last known good, moved on by time that was not counted."""
    memory: Mapping[str, tuple[Memory, ...]]
    """What the expressions of each rule remember."""
    parked: Mapping[str, int]
    """Version of each rule that could not be evaluated."""


class Change(StrEnum):
    """What becomes of an alarm."""

    RAISED = "raised"
    CHANGED = "changed"
    """Another severity step decides its priority now."""
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of one alarm, proposed ``at`` a tick; ``observed_at`` is the moment by the deciding samples, µs UTC.

    ``priority`` is that of the most severe step that is active from now on; of the last one that was when it returned.
    """

    rule: Rule
    subject: Subject
    kind: Change
    priority: int
    at: int
    observed_at: int
    value: float | None
    limit: float | None


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule that could not be evaluated and is parked from now on."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one tick gave."""

    state: EngineState
    proposals: tuple[Proposal, ...]
    failures: tuple[RuleFailure, ...]


@dataclass(frozen=True, slots=True)
class _Conditions:
    """All rows of one tick."""

    known: Flags
    enter: Flags
    clear: Flags
    answer: NDArray[np.uint8]
    outcomes: Mapping[str, Outcome]
    """Of each rule that could be evaluated."""


class Engine:
    """All rules of a binding. ``counted_max_s`` must be above the usual distance of two steps."""

    def __init__(self, binding: Binding, *, counted_max_s: float = COUNTED_MAX_S) -> None:
        self.binding = binding
        self.counted_max_us = round(counted_max_s * 1e6)

    def start(self) -> EngineState:
        """State before the first step: nothing active, nothing known."""
        rows, points = self.binding.row_count, len(self.binding.point_ids)
        return EngineState(
            at=0,
            active=np.zeros(rows, np.bool_),
            held=np.zeros(rows, np.int64),
            leaning=np.zeros(rows, np.bool_),
            answer=np.full(rows, Answer.UNKNOWN, np.uint8),
            good_at=np.zeros(points, np.int64),
            memory={bound.rule.id: bound.condition.begin() for bound in self.binding.rules},
            parked={},
        )

    def step(self, state: EngineState, at: int, columns: Columns) -> Step:
        """Take the samples as they are at ``at`` (µs UTC). A time before the last step counts as the last step's."""
        at = max(at, state.at)
        passed = at - state.at if state.at else 0
        counted = min(passed, self.counted_max_us)
        tick, good_at = self._grade(state, at, columns, passed)
        # A quotient by zero is no number and so not known; that is no news.
        with np.errstate(all="ignore"):
            conditions, failures = self._evaluate(state, tick)
        held, leaning, flips = self._step_timers(state, conditions, counted)
        proposals = tuple(self.proposals(state.active, tick, flips, conditions.outcomes))
        after = EngineState(
            at=at,
            active=state.active ^ flips,
            held=held,
            leaning=leaning,
            answer=conditions.answer,
            good_at=good_at,
            memory={**state.memory, **{rule: outcome.memory for rule, outcome in conditions.outcomes.items()}},
            parked={**state.parked, **{item.rule: self._version_of(item.rule) for item in failures}},
        )
        return Step(after, proposals, tuple(failures))

    def set_back(self, state: EngineState, at: int) -> EngineState:
        """Go on from an earlier time, because the clock was set back; timers keep what they have counted."""
        return replace(state, at=at, good_at=np.minimum(state.good_at, at))

    def _grade(self, state: EngineState, at: int, columns: Columns, passed: int) -> tuple[Tick, Micros]:
        """Decide which samples may decide, and which points are silent."""
        counted = min(passed, self.counted_max_us)
        age = at - columns.observed_at
        usable = is_good(columns.quality) & np.isfinite(columns.value) & (age <= self.binding.quiet_us)
        before = np.full_like(state.good_at, at) if state.at == 0 else state.good_at + passed - counted
        seen = np.where(self.binding.by_exception, at, np.minimum(columns.observed_at, at))
        good_at = np.where(usable, np.maximum(before, seen), before)
        silent = at - good_at > self.binding.silent_us
        tick = Tick(at, columns.value, columns.observed_at, usable, silent, columns.quality, counted)
        return tick, good_at

    def _evaluate(self, state: EngineState, tick: Tick) -> tuple[_Conditions, list[RuleFailure]]:
        known, enter, clear, unmet = (np.zeros(self.binding.row_count, np.bool_) for _ in range(4))
        failures: list[RuleFailure] = []
        outcomes: dict[str, Outcome] = {}
        for bound in self.binding.rules:
            outcome = None if bound.rule.id in state.parked else _attempt(bound, tick, state, failures)
            if outcome is None:
                continue
            outcomes[bound.rule.id] = outcome
            known[bound.rows], enter[bound.rows], clear[bound.rows] = outcome.known, outcome.enter, outcome.clear
            if outcome.unmet is not None:
                unmet[bound.rows] = outcome.unmet
        enter &= known
        answer = np.where(known, np.where(enter, Answer.TRUE, Answer.FALSE), Answer.UNKNOWN).astype(np.uint8)
        answer[unmet] = Answer.NOT_APPLICABLE
        clear = (clear & known) | unmet
        return _Conditions(known | unmet, enter, clear, answer, outcomes), failures

    def _step_timers(self, state: EngineState, now: _Conditions, counted: int) -> tuple[Micros, Flags, Flags]:
        leaning = np.where(state.active, now.clear, now.enter)
        held = np.where(leaning & state.leaning, state.held + counted, state.held)
        held = np.where(now.known & ~leaning, 0, held)
        delay = np.where(state.active, self.binding.off_delay_us, self.binding.on_delay_us)
        flips = leaning & (held >= delay)
        return np.where(flips, 0, held), leaning & ~flips, flips

    def proposals(self, active: Flags, tick: Tick, flips: Flags, outcomes: Mapping[str, Outcome]) -> Iterable[Proposal]:
        """Give one proposal for each alarm that begins, ends, or takes another priority as rows flip."""
        alarms = {}
        for row in np.flatnonzero(flips).tolist():
            bound = self.binding.rule_of(row)
            alarms[bound.start, (row - bound.start) % len(bound.subjects)] = bound
        for (_, place), bound in alarms.items():
            rows = bound.rows_of(place)
            before = [level for level, row in enumerate(rows) if active[row]]
            now = [level for level, row in enumerate(rows) if active[row] != flips[row]]
            kind = Change.CHANGED if before and now else Change.RAISED if now else Change.RETURNED
            level = min(now or before, key=lambda level: bound.levels[level].priority)
            priority = bound.levels[level].priority
            if kind is Change.CHANGED and priority == min(bound.levels[old].priority for old in before):
                continue
            yield self._proposal(bound, kind, (place, level), tick, outcomes[bound.rule.id])

    def _proposal(self, bound: BoundRule, kind: Change, at: tuple[int, int], tick: Tick, outcome: Outcome) -> Proposal:
        place, level = at
        row = bound.rows_of(place)[level]
        figures = outcome.reading(row - bound.start)
        delay = self.binding.off_delay_us[row] if kind is Change.RETURNED else self.binding.on_delay_us[row]
        moment = min(tick.at, figures.observed_at + int(delay))
        subject, priority = bound.subjects[place], bound.levels[level].priority
        if figures.unit is not None:
            subject = replace(subject, unit=figures.unit)
        return Proposal(bound.rule, subject, kind, priority, int(tick.at), moment, figures.value, figures.limit)

    def _version_of(self, rule: str) -> int:
        return next(bound.rule.version for bound in self.binding.rules if bound.rule.id == rule)


def _attempt(bound: BoundRule, tick: Tick, state: EngineState, failures: list[RuleFailure]) -> Outcome | None:
    """Evaluate one rule; a bug in it parks it, and it alone."""
    try:
        return bound.condition.step(tick, state.memory[bound.rule.id])
    except Exception as error:  # noqa: BLE001 - whatever a rule does must not stop the others
        failures.append(RuleFailure(bound.rule.id, f"{type(error).__name__}: {error}"))
        return None
