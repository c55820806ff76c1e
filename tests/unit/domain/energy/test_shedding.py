"""Load shedding: never twice, back in exact reverse, never faster than its gap, and the same after every restart."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.shedding import (
    ActionKind,
    Move,
    Phase,
    ShedAction,
    SheddingMode,
    SheddingPlan,
    SheddingState,
    ShedStep,
    Sight,
    answer,
    due,
    evolve,
    fold,
    lapsed,
    turn_due,
)
from cityhall_bms.domain.energy.shedding_events import (
    SheddingBegun,
    SheddingEvent,
    SheddingProposed,
    SheddingSettled,
    SheddingTurned,
)
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import GENESIS_HASH, StoredEvent

MINUTE = 60_000_000
WINDOW = 15 * MINUTE
NAMES = ("ev", "zones", "chillers", "fans")
STEPS = tuple(
    ShedStep(name, name, name, (ShedAction(ActionKind.TURNS if name == "fans" else ActionKind.SET, ("C",), name, 0.0),))
    for name in NAMES
)


def plan(mode: SheddingMode = SheddingMode.AUTOMATIC) -> SheddingPlan:
    return SheddingPlan(mode=mode, steps=STEPS)


@dataclass
class Record:
    """The event log of one stream, and the state that follows from it."""

    entries: list[StoredEvent] = field(default_factory=list)
    state: SheddingState = field(default_factory=SheddingState)

    def append(self, *events: SheddingEvent) -> None:
        for event in events:
            payload = json.loads(json.dumps(event.payload()))
            number = len(self.entries) + 1
            name = type(event).__name__
            self.entries.append(
                StoredEvent(number, event.at, "shedding", number, name, "t", payload, GENESIS_HASH, GENESIS_HASH)
            )
        self.state = fold(self.state, self.entries)

    def restart(self) -> None:
        self.state = fold(SheddingState(), self.entries)

    @property
    def taken(self) -> list[str]:
        return [shed.step for shed in self.state.taken]


def carry_out(record: Record, move: Move, at: int, failing: Sequence[str] = ()) -> None:
    points = {f"P.{move.step}": None if move.restore else 1.0}
    record.append(SheddingBegun(step=move.step, restore=move.restore, at=at, by="automatic", orders=points))
    failed = {point: "refused" for point in points if move.step in failing and not move.restore}
    done = [point for point in points if point not in failed]
    record.append(SheddingSettled(step=move.step, restore=move.restore, at=at, done=done, failed=failed))


@given(
    shares=st.lists(
        st.one_of(st.floats(0.5, 1.2), st.sampled_from([0.89, 0.9, 0.95]), st.just(math.nan)), min_size=20, max_size=200
    ),
    failing=st.sets(st.sampled_from(NAMES)),
    restarts=st.sets(st.integers(0, 199)),
    missing=st.sets(st.sampled_from(NAMES), max_size=2),
)
def test_whatever_the_demand_does(
    shares: list[float], failing: set[str], restarts: set[int], missing: set[str]
) -> None:
    record, closed = Record(), []
    moves: list[tuple[int, Move]] = []
    stack: list[str] = []
    for minute, share in enumerate(shares):
        at = minute * MINUTE * 5
        if at % WINDOW == 0:
            closed.append((at - WINDOW, share))
        if minute in restarts:
            record.restart()
        move = due(plan(), record.state, Sight(at, share, closed), set(NAMES) - missing)
        assert due(plan(), record.state, Sight(at, math.nan, closed), NAMES) is None, "nothing is decided on nothing"
        if move is None:
            continue
        assert move.step not in missing
        if move.restore:
            assert share < 0.90
            assert move.step == stack.pop(), "exact reverse"
        else:
            assert share >= 0.95
            assert move.step not in stack, "never twice"
            if move.step not in failing:
                stack.append(move.step)
        carry_out(record, move, at, sorted(failing))
        moves.append((at, move))
        assert record.taken == stack, "what nobody followed was not taken"
        assert [NAMES.index(name) for name in stack] == sorted(NAMES.index(name) for name in stack)
    assert all(later - earlier >= 15 * MINUTE for (earlier, _), (later, _) in pairwise(moves))
    record.restart()
    assert record.taken == stack


def test_two_windows_since_the_last_step_must_end_below_before_it_is_given_back() -> None:
    record = Record()
    carry_out(record, Move("ev", restore=False), 3 * WINDOW)
    quiet = [(0, 0.8), (WINDOW, 0.8), (2 * WINDOW, 0.8)]
    assert due(plan(), record.state, Sight(5 * WINDOW, 0.8, quiet), NAMES) is None
    one = [*quiet, (3 * WINDOW, 0.8)]
    assert due(plan(), record.state, Sight(5 * WINDOW, 0.8, one), NAMES) is None
    assert due(plan(), record.state, Sight(5 * WINDOW, 0.8, [*one, (4 * WINDOW, 0.9)]), NAMES) is None
    two = [*one, (4 * WINDOW, 0.899)]
    assert due(plan(), record.state, Sight(5 * WINDOW, 0.93, two), NAMES) is None
    assert due(plan(), record.state, Sight(5 * WINDOW, 0.8, two), NAMES) == Move("ev", restore=True)
    assert due(plan(SheddingMode.OFF), record.state, Sight(5 * WINDOW, 0.8, two), NAMES) == Move("ev", restore=True)


def test_what_could_not_be_given_back_is_tried_again_before_anything_earlier() -> None:
    record = Record()
    carry_out(record, Move("ev", restore=False), 0)
    carry_out(record, Move("zones", restore=False), WINDOW)
    record.append(SheddingBegun(step="zones", restore=True, at=5 * WINDOW, by="automatic", orders={"P.zones": None}))
    failed = {"P.zones": "silent"}
    record.append(SheddingSettled(step="zones", restore=True, at=5 * WINDOW, done=[], failed=failed))
    assert record.taken == ["ev", "zones"]
    quiet = [(n * WINDOW, 0.5) for n in range(2, 6)]
    assert due(plan(), record.state, Sight(6 * WINDOW, 0.5, quiet), NAMES) == Move("zones", restore=True)


def test_a_person_decides_where_nothing_is_automatic() -> None:
    proposing, record = plan(SheddingMode.PROPOSE), Record()
    with pytest.raises(RefusedError):
        answer(record.state, accepted=True, by="王小明", reason="", at=0)
    record.append(SheddingProposed(step="ev", restore=False, at=0, forecast_kw=4800.0, limit_kw=5000.0))
    assert due(proposing, record.state, Sight(MINUTE, 0.97, []), NAMES) is None, "one at a time"
    assert lapsed(proposing, record.state, Sight(MINUTE, 0.93, [])) is None
    assert lapsed(proposing, record.state, Sight(MINUTE, 0.89, [])) is not None, "not due any more"
    assert lapsed(proposing, record.state, Sight(15 * MINUTE, 0.97, [])) is not None, "nobody answered"
    record.append(answer(record.state, accepted=False, by="王小明", reason="會議進行中", at=MINUTE))
    assert record.state.under_way is None
    assert due(proposing, record.state, Sight(15 * MINUTE, 0.97, []), NAMES) is None, "a refusal is heard"
    assert due(proposing, record.state, Sight(16 * MINUTE, 0.97, []), NAMES) == Move("ev", restore=False)
    record.append(SheddingProposed(step="ev", restore=False, at=16 * MINUTE, forecast_kw=4850.0, limit_kw=5000.0))
    record.append(answer(record.state, accepted=True, by="王小明", reason="", at=17 * MINUTE))
    assert record.state.under_way is not None
    assert record.state.under_way.phase is Phase.ACCEPTED
    with pytest.raises(RefusedError):
        answer(record.state, accepted=False, by="李大華", reason="", at=17 * MINUTE)


def test_fans_rest_in_turns_as_long_as_the_step_is_taken() -> None:
    record = Record()
    carry_out(record, Move("fans", restore=False), 0)
    [shed] = record.state.taken
    assert not turn_due(plan(), shed, 9 * MINUTE)
    assert turn_due(plan(), shed, 10 * MINUTE)
    record.append(SheddingTurned(step="fans", restore=False, at=10 * MINUTE, turn=1, orders={"P.other": 0.0}))
    [shed] = record.state.taken
    assert (shed.turn, dict(shed.orders)) == (1, {"P.other": 0.0})
    assert not turn_due(plan(), shed, 19 * MINUTE)


def test_an_event_without_a_place_changes_nothing() -> None:
    state = SheddingState()
    lost = SheddingSettled(step="ev", restore=False, at=0, done=["P"], failed={})
    assert evolve(state, lost) == state
