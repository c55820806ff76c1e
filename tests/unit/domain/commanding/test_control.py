"""The life of a command, cell by cell, and who holds a point."""

from itertools import count, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.adapters.command_fold import control_json, control_of
from cityhall_bms.domain.commanding.control import (
    OPEN_STATES,
    TRANSITIONS,
    CommandState,
    PointControl,
    Step,
    command_stream,
    fold,
    next_state,
)
from cityhall_bms.domain.commanding.events import (
    CommandAttempted,
    CommandCancelled,
    CommandConfirmed,
    CommandEvent,
    CommandFailed,
    CommandProposed,
    CommandRefused,
    CommandRelinquished,
    CommandRequested,
    CommandReverted,
    CommandSelected,
    CommandWritten,
    OverrideExpired,
    OverrideExtended,
)
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import GENESIS_HASH, StoredEvent

POINT = "TCH.B2.CN.CHC01.CHWS_SP"
S = CommandState
TABLE = """
           propose   request    cancel     refuse   attempt    write    prove  fail    revert
SELECTED   PROPOSED  REQUESTED  CANCELLED  REFUSED  -          -        -      -       -
PROPOSED   -         REQUESTED  CANCELLED  REFUSED  -          -        -      -       -
REQUESTED  -         -          -          REFUSED  ATTEMPTED  -        DONE   FAILED  -
ATTEMPTED  -         -          -          -        -          WRITTEN  DONE   FAILED  -
WRITTEN    -         -          -          -        -          -        DONE   FAILED  -
DONE       -         -          -          -        -          -        -      -       REVERTED
FAILED     -         -          -          -        -          -        -      -       -
REFUSED    -         -          -          -        -          -        -      -       -
CANCELLED  -         -          -          -        -          -        -      -       -
REVERTED   -         -          -          -        -          -        -      -       -
"""


def cells() -> dict[tuple[CommandState, Step], CommandState | None]:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    return {
        (S(name), Step(step)): None if after == "-" else S(after)
        for name, *afters in rows
        for step, after in zip(head, afters, strict=True)
    }


@pytest.mark.parametrize(("state", "step"), list(product(S, Step)), ids=str)
def test_every_cell_of_the_table(state: CommandState, step: Step) -> None:
    expected = cells()[state, step]
    if expected is None:
        with pytest.raises(RefusedError):
            next_state(state, step)
    else:
        assert next_state(state, step) is expected
    assert (state in OPEN_STATES) == any(key[0] is state for key in TRANSITIONS if key[0] is not S.DONE)


class Story:
    """Events of one point, as the log has them."""

    def __init__(self) -> None:
        self.control = PointControl(POINT)
        self._positions = count(1)

    def tell(self, *events: CommandEvent) -> PointControl:
        for event in events:
            entry = StoredEvent(
                next(self._positions), 0, command_stream(POINT), self.control.version + 1, type(event).__name__, "x",
                event.payload(), GENESIS_HASH, GENESIS_HASH,
            )  # fmt: skip
            self.control = fold(self.control, [entry])
        return self.control


def selected(command: str = "c1", *, at: int = 0, value: float | None = 8.0, priority: int = 8) -> CommandSelected:
    return CommandSelected(command, POINT, value, priority, "r", "w", "operator", "", "", "hash", at + 30, at)


def requested(command: str = "c1", *, at: int = 0, value: float | None = 8.0, priority: int = 8) -> CommandRequested:
    return CommandRequested(command, POINT, value, priority, "r", "w", "operator", "", "", at + 60, at)


def done(command: str = "c1", *, at: int = 1, until: int | None = 100) -> CommandConfirmed:
    return CommandConfirmed(command, 8.0, None, True, at, until)


def attempted(command: str = "c1") -> CommandAttempted:
    return CommandAttempted(command, "collector-1", 1, 8.0, 7.0, 1)


def test_a_proved_command_holds_its_priority_until_its_time() -> None:
    control = Story().tell(selected(), requested(), attempted(), done())
    assert control.open is None
    assert control.last is not None
    assert (control.last.state, control.last.old, control.last.written) == (S.DONE, 7.0, 8.0)
    assert (control.slots[8].value, control.slots[8].until, control.written_at) == (8.0, 100, 1)


def test_a_command_under_way_keeps_others_out_until_its_time_is_over() -> None:
    story = Story()
    story.tell(selected("c1", at=0), selected("c2", at=10))
    assert story.control.open is not None
    assert story.control.open.command == "c1"
    story.tell(selected("c2", at=30))
    assert story.control.open.command == "c2"


def test_a_refusal_beside_a_command_under_way_leaves_it_alone() -> None:
    refused = CommandRefused("c2", POINT, 4.0, 8, "x", "operator", ["limit"], ["5–12"], 1)
    control = Story().tell(selected(), refused)
    assert control.open is not None
    assert control.open.command == "c1"
    alone = Story().tell(refused)
    assert alone.last is not None
    assert (alone.last.state, alone.last.code) == (S.REFUSED, "limit")


def test_failures_are_counted_until_one_succeeds() -> None:
    story = Story()
    story.tell(requested("c1"), attempted("c1"), CommandFailed("c1", "differs", "r", 7.0, 5))
    story.tell(requested("c2", at=60), CommandFailed("c2", "silent", "r", None, 65))
    assert (story.control.failures, story.control.failed_at) == (2, 65)
    assert not story.control.slots
    story.tell(requested("c3", at=130), attempted("c3"), done("c3"))
    assert story.control.failures == 0
    story.tell(CommandReverted("c3", 7.0, 140))
    assert story.control.failures == 1
    assert story.control.slots, "what was wanted stays wanted"


def test_overrides_are_extended_and_end() -> None:
    story = Story()
    story.tell(requested(), attempted(), done(), OverrideExtended("c1", 200, "r", "w", "operator", 90))
    assert story.control.slots[8].until == 200
    story.tell(OverrideExpired("c1", 200))
    assert (story.control.slots[8].expired, story.control.slots[8].until) == (True, 200)
    story.tell(OverrideExpired("c1", 201, kept=True))
    assert (story.control.slots[8].expired, story.control.slots[8].until) == (True, None)
    story.tell(requested("c2", at=300, value=None), attempted("c2"), CommandRelinquished("c2", 7.0, None, 301))
    assert not story.control.slots


ALL = [
    selected(), selected("c2", at=40, priority=12), CommandProposed("c1", ["n"], 900, "w", 1), requested(),
    requested("c2", at=50, priority=12), requested("c3", at=150, value=None), attempted(), attempted("c2"),
    CommandWritten("c1", 8.0, 8, 2), done(), done("c2", until=None), CommandRelinquished("c3", 7.0, None, 3),
    CommandFailed("c1", "differs", "r", 7.0, 3), CommandReverted("c1", 7.0, 4), CommandCancelled("c1", "w", 2),
    CommandRefused("c1", POINT, 8.0, 8, "w", "operator", ["local"], ["r"], 2),
    OverrideExtended("c1", 200, "r", "w", "operator", 3), OverrideExpired("c1", 100), OverrideExpired("c1", 100, kept=True),
]  # fmt: skip


@given(st.lists(st.sampled_from(ALL), max_size=20))
def test_whatever_the_log_holds_is_folded_and_kept_as_json(events: list[CommandEvent]) -> None:
    control = Story().tell(*events)
    assert control.version == len(events), "an entry that cannot follow moves the version all the same"
    assert control_of(control_json(control)) == control
    assert control.open is None or control.open.state in OPEN_STATES
    assert control.last is None or control.last.state not in OPEN_STATES
    assert set(control.slots) <= {8, 12}


@given(st.lists(st.sampled_from(ALL), max_size=12), st.integers(0, 12))
def test_folding_goes_on_from_anywhere(events: list[CommandEvent], split: int) -> None:
    whole, parts = Story(), Story()
    whole.tell(*events)
    parts.tell(*events[:split])
    parts.control = control_of(control_json(parts.control))
    parts.tell(*events[split:])
    assert whole.control == parts.control
