"""A work order from the word that something is wrong to the proof that it is right."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import GENESIS_HASH, Event, StoredEvent
from cityhall_bms.domain.maintenance.book import Check, WorkRules
from cityhall_bms.domain.maintenance.order_decisions import (
    AlarmStanding,
    arrives_late,
    check_time,
    judged,
    move_order,
)
from cityhall_bms.domain.maintenance.orders import (
    TRANSITIONS,
    CheckResult,
    WorkMoved,
    WorkOpened,
    WorkOrder,
    WorkRecorded,
    WorkState,
    WorkStep,
    fold_order,
)

T0 = 1_782_864_000_000_000
MINUTE = 60_000_000
RULES = WorkRules()
GONE = AlarmStanding(active=False, returned_at=T0)


def entry(version: int, event: Event, recorded_at: int = T0) -> StoredEvent:
    return StoredEvent(
        version, recorded_at, "work-order/x", version, type(event).__name__, "a", event.payload(), GENESIS_HASH,
        GENESIS_HASH,
    )  # fmt: skip


def opened(**changes: Any) -> WorkOpened:
    fields: dict[str, Any] = {
        "order": "2026-07-01-1", "kind": "repair", "source": "alarm", "subject": "TRIP~CHC01", "reference": "TRIP~CHC01~1",
        "equipment": "TCH.B2.CN.CHC01", "place": "", "priority": 2, "text_zh": "跳脫", "text_en": "Trip", "by": "王",
        "at": T0,
    }  # fmt: skip
    return WorkOpened(**(fields | changes))


def order(*events: Event, **changes: Any) -> WorkOrder:
    folded = None
    for version, event in enumerate((opened(**changes), *events), 1):
        folded = fold_order(folded, entry(version, event))
    assert folded is not None
    return folded


def moved(step: str, by: str = "陳", minutes: float = 1.0, **changes: Any) -> WorkMoved:
    return WorkMoved(step, by, T0 + round(minutes * MINUTE), **changes)


TO_FIXED = (
    moved("triage", "王"),
    moved("assign", "王", assignee="陳"),
    moved("arrive", minutes=8),
    moved("fix", minutes=40, comment="換軸封"),
)


def test_a_repair_goes_its_way() -> None:
    found = order(*TO_FIXED, moved("verify", "李", 60), moved("close", "李", 61))
    assert (found.state, found.assignee, found.fixed_by, found.verified_by) == (WorkState.CLOSED, "陳", "陳", "李")
    assert (found.arrived_at, found.closed_at) == (T0 + 8 * MINUTE, T0 + 61 * MINUTE)
    assert [line.what for line in found.log] == ["open", "triage", "assign", "arrive", "fix", "verify", "close"]


@pytest.mark.parametrize("who", ["陳", "王"])
def test_who_did_the_work_does_not_verify_it(who: str) -> None:
    found = order(*TO_FIXED)
    if who == "王":
        assert move_order(found, moved("verify", who, 60), GONE, RULES)
        return
    with pytest.raises(RefusedError, match="somebody else"):
        move_order(found, moved("verify", who, 60), GONE, RULES)


@pytest.mark.parametrize(
    ("alarm", "minutes", "refused"),
    [
        (AlarmStanding(active=True, returned_at=None), 60, "still stands"),
        (AlarmStanding(active=False, returned_at=T0 + 45 * MINUTE), 50, "silent"),
        (AlarmStanding(active=False, returned_at=T0 + 45 * MINUTE), 55, ""),
        (None, 50, ""),
    ],
)
def test_a_repair_is_verified_when_its_alarm_has_been_silent_long_enough(
    alarm: AlarmStanding | None, minutes: float, refused: str
) -> None:
    found = order(*TO_FIXED)
    if not refused:
        move_order(found, moved("verify", "李", minutes), alarm, RULES)
        return
    with pytest.raises(RefusedError, match=refused):
        move_order(found, moved("verify", "李", minutes), alarm, RULES)


@pytest.mark.parametrize(
    ("before", "step", "said"),
    [
        ((), moved("fix", comment="x"), "is new"),
        (TO_FIXED[:1], moved("assign", assignee=" "), "whom"),
        (TO_FIXED[:2], moved("hold"), "why"),
        (TO_FIXED[:3], moved("fix"), "what was done"),
        (TO_FIXED, moved("reopen"), "why"),
        ((), moved("dismiss"), "why"),
    ],
)
def test_a_step_that_says_too_little_is_refused(before: tuple[Event, ...], step: WorkMoved, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        move_order(order(*before), step, None, RULES)


CHECKS = [
    {"name": "dp", "text_zh": "壓差", "text_en": "Difference", "unit": "Pa", "low": 20.0, "high": 150.0},
    {"name": "clean", "text_zh": "清潔", "text_en": "Clean"},
]


def test_work_is_done_when_its_checklist_is() -> None:
    there = (moved("triage"), moved("assign", assignee="陳"), moved("arrive"))
    with pytest.raises(RefusedError, match="2 left"):
        move_order(order(*there, kind="preventive", checks=CHECKS), moved("fix"), None, RULES)
    results = [{"check": name, "ok": True, "value": None, "note": ""} for name in ("dp", "clean")]
    complete = order(*there, WorkRecorded("陳", T0, results), kind="preventive", checks=CHECKS)
    assert move_order(complete, moved("fix"), None, RULES)


@given(st.floats(-1e6, 1e6))
def test_a_reading_is_right_inside_its_limits(value: float) -> None:
    checks = [Check(**check) for check in CHECKS]  # type: ignore[arg-type]
    assert judged(checks, CheckResult("dp", ok=True, value=value)).ok is (20.0 <= value <= 150.0)


@pytest.mark.parametrize(("name", "said"), [("dp", "reading in Pa"), ("other", "has no other")])
def test_a_result_without_its_reading_or_its_check_is_refused(name: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        judged([Check(**check) for check in CHECKS], CheckResult(name, ok=True))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minutes", "priority", "now", "late"),
    [
        (10.0, 2, 60, False),
        (10.1, 2, 60, True),
        (10.1, 3, 60, None),
        (None, 1, 9, None),
        (None, 1, 11, True),
    ],
)
def test_an_urgent_repair_is_late_after_ten_minutes(
    minutes: float | None, priority: int, now: float, late: bool | None
) -> None:
    steps = (
        () if minutes is None else (moved("triage"), moved("assign", assignee="陳"), moved("arrive", minutes=minutes))
    )
    assert arrives_late(order(*steps, priority=priority), T0 + round(now * MINUTE), RULES) is late


def test_a_phone_without_network_tells_later_what_was_done_but_not_as_it_likes() -> None:
    now = T0 + 60 * MINUTE
    check_time(T0 + 20 * MINUTE, now, T0)
    for at, not_before in ((now + 3 * MINUTE, 0), (T0 - 3 * MINUTE, T0), (now - 25 * 60 * MINUTE, 0)):
        with pytest.raises(RefusedError):
            check_time(at, now, not_before)


class Ticket(RuleBasedStateMachine):
    """Any steps by anybody: only what the table has happens, and four eyes saw what is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.order = order()

    @rule(
        step=st.sampled_from(WorkStep),
        by=st.sampled_from(["陳", "李"]),
        comment=st.sampled_from(["", "說明"]),
        standing=st.sampled_from([GONE, AlarmStanding(active=True, returned_at=None)]),
    )
    def act(self, step: WorkStep, by: str, comment: str, standing: AlarmStanding) -> None:
        event = WorkMoved(step.value, by, T0 + 60 * MINUTE, comment, assignee="陳" if step is WorkStep.ASSIGN else "")
        before = self.order
        try:
            move_order(before, event, standing, RULES)
        except RefusedError:
            return
        after = fold_order(before, entry(before.version + 1, event))
        assert after is not None
        assert after.state is TRANSITIONS[before.state, step]
        assert not (step is WorkStep.VERIFY and standing.active)
        self.order = after

    @rule(step=st.sampled_from(WorkStep))
    def an_entry_that_cannot_follow_changes_nothing(self, step: WorkStep) -> None:
        if (self.order.state, step) not in TRANSITIONS:
            assert fold_order(self.order, entry(99, WorkMoved(step.value, "李", T0))) == self.order

    @precondition(lambda self: self.order.state is WorkState.CLOSED and not self.order.dismissed)
    @invariant()
    def what_is_closed_was_fixed_and_verified_by_two(self) -> None:
        assert self.order.fixed_by
        assert self.order.verified_by not in {"", self.order.fixed_by, self.order.assignee}

    @invariant()
    def every_step_is_in_the_history(self) -> None:
        assert len(self.order.log) == self.order.version


TestTicket = Ticket.TestCase
