"""Many ticks at once: what stepping the engine through a block gives, to the event and to the bit of its state.

A year of minutes has half a million ticks, and a step costs the same whether 24 rows take part or 24,000. So conditions
are tested for all ticks of a block together, and the timers' flips are found in running sums instead of one by one.
Whatever does not fit (a rule that fails, a clock that stands) is stepped through.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cityhall_bms.domain.quality import is_good
from cityhall_bms.rules.conditions import Condition, Outcome, Outcomes, Reading
from cityhall_bms.rules.engine import Answer, Engine, EngineState, Proposal, RuleFailure, Step
from cityhall_bms.rules.expressions import ExpressionCondition
from cityhall_bms.rules.grid import Block
from cityhall_bms.rules.language.moment import Flags, Memory, Micros, Ticks
from cityhall_bms.rules.language.through import counted_runs

TICKS_MIN: Final = 8
"""A shorter block is stepped through: it is not worth more."""


def run_block(engine: Engine, state: EngineState, block: Block) -> Step:
    """Take a block in; the proposals in order, and the state after the last tick."""
    if len(block) >= TICKS_MIN and _fits(state, block):
        try:
            return _through(engine, state, block)
        except Exception:  # noqa: BLE001, S110 - the rule that failed is found, and parked at its tick, step by step
            pass
    return step_through(engine, state, block)


def step_through(engine: Engine, state: EngineState, block: Block) -> Step:
    """Step through a block, tick by tick."""
    proposals: list[Proposal] = []
    failures: list[RuleFailure] = []
    for tick, at in enumerate(block.at.tolist()):
        step = engine.step(state, at, block.columns(tick))
        state = step.state
        proposals += step.proposals
        failures += step.failures
    return Step(state, tuple(proposals), tuple(failures))


def _fits(state: EngineState, block: Block) -> bool:
    ascending = int(block.at[0]) > state.at and bool((block.at[1:] > block.at[:-1]).all())
    return ascending and not state.parked


@dataclass(frozen=True, slots=True)
class _Lean:
    """One direction of the timers: where the condition leans so, and for how long it has at each tick."""

    leaning: Flags
    lasted: Micros

    def fires(self, delay: Micros) -> Flags:
        """Where it has leaned for the delay."""
        return self.leaning & (self.lasted >= delay)


def _through(engine: Engine, state: EngineState, block: Block) -> Step:
    ticks, good_at = _grade(engine, state, block)
    with np.errstate(all="ignore"):
        outcomes = {
            bound.rule.id: _outcomes(bound.condition, ticks, state.memory[bound.rule.id])
            for bound in engine.binding.rules
        }
    shape = len(block), engine.binding.row_count
    known, enter, clear, unmet = (np.zeros(shape, np.bool_) for _ in range(4))
    for bound in engine.binding.rules:
        outcome = outcomes[bound.rule.id]
        known[:, bound.rows], enter[:, bound.rows], clear[:, bound.rows] = outcome.known, outcome.enter, outcome.clear
        if outcome.unmet is not None:
            unmet[:, bound.rows] = outcome.unmet
    enter &= known
    clear = (clear & known) | unmet
    decided = known | unmet
    if (enter & clear).any():
        return step_through(engine, state, block)
    active = state.active
    on = _lean(enter, decided, ticks, state, ~active)
    off = _lean(clear, decided, ticks, state, active)
    fires = on.fires(engine.binding.on_delay_us), off.fires(engine.binding.off_delay_us)
    flips = _flips(*fires, active)
    proposals: list[Proposal] = []
    for number in np.flatnonzero(flips.any(axis=1)).tolist():
        now = {rule: outcome.at(number) for rule, outcome in outcomes.items()}
        proposals += engine.proposals(active, ticks.one(number), flips[number], now)
        active = active ^ flips[number]
    last = flips[-1]
    answer = np.where(known[-1], np.where(enter[-1], Answer.TRUE, Answer.FALSE), Answer.UNKNOWN).astype(np.uint8)
    answer[unmet[-1]] = Answer.NOT_APPLICABLE
    after = replace(
        state,
        at=int(block.at[-1]),
        active=active,
        held=np.where(last, 0, np.where(active, off.lasted[-1], on.lasted[-1])),
        leaning=np.where(active, off.leaning[-1], on.leaning[-1]) & ~last,
        answer=answer,
        good_at=good_at,
        memory={**state.memory, **{rule: outcome.memory for rule, outcome in outcomes.items()}},
    )
    return Step(after, tuple(proposals), ())


def _grade(engine: Engine, state: EngineState, block: Block) -> tuple[Ticks, Micros]:
    """What :meth:`Engine.step` decides about samples, of all ticks; and when each point was last good at the end."""
    binding = engine.binding
    at = block.at[:, np.newaxis]
    passed = np.diff(block.at, prepend=state.at or block.at[0])[:, np.newaxis]
    counted = np.minimum(passed, engine.counted_max_us)
    usable = is_good(block.quality) & np.isfinite(block.value) & (at - block.observed_at <= binding.quiet_us)
    moved = np.cumsum(passed - counted, axis=0)
    seen = np.where(binding.by_exception, at, np.minimum(block.observed_at, at)) - moved
    begin = state.good_at if state.at else np.full_like(state.good_at, block.at[0])
    good = np.maximum(np.maximum.accumulate(np.where(usable, seen, np.iinfo(np.int64).min), axis=0), begin) + moved
    silent = at - good > binding.silent_us
    ticks = Ticks(at, block.value, block.observed_at, usable, silent, block.quality, counted)
    return ticks, good[-1]


def _outcomes(condition: Condition, ticks: Ticks, memory: Sequence[Memory]) -> Outcomes:
    """Outcomes of a condition; one that is no expression is stepped."""
    if isinstance(condition, ExpressionCondition):
        return condition.through(ticks, memory)
    found: list[Outcome] = []
    for number in range(len(ticks)):
        found.append(condition.step(ticks.one(number), memory))
        memory = found[-1].memory
    unmet = [outcome.unmet for outcome in found if outcome.unmet is not None]

    def reading(number: int, row: int) -> Reading:
        return found[number].reading(row)

    return Outcomes(
        np.array([outcome.known for outcome in found]),
        np.array([outcome.enter for outcome in found]),
        np.array([outcome.clear for outcome in found]),
        np.array(unmet) if unmet else None,
        tuple(memory),
        reading,
    )


def _lean(leaning: Flags, decided: Flags, ticks: Ticks, state: EngineState, present: Flags) -> _Lean:
    """Running time of one direction; ``present`` are the rows whose timer runs in it at the start."""
    held = np.where(present, state.held, 0)
    was = present & state.leaning
    return _Lean(leaning, counted_runs(leaning, decided & ~leaning, ticks.counted, held, was))


def _flips(on: Flags, off: Flags, active: Flags) -> Flags:
    """Where rows change between inactive and active: each at the first tick after the last that fires their way."""
    flips = np.zeros_like(on)
    for row in np.flatnonzero(np.where(active, off.any(axis=0), on.any(axis=0))).tolist():
        for tick in _alternating(np.flatnonzero(on[:, row]), np.flatnonzero(off[:, row]), active=bool(active[row])):
            flips[tick, row] = True
    return flips


def _alternating(on: Micros, off: Micros, *, active: bool) -> Iterator[int]:
    tick = -1
    while True:
        ways = off if active else on
        place = int(np.searchsorted(ways, tick, "right"))
        if place == len(ways):
            return
        tick = int(ways[place])
        yield tick
        active = not active
