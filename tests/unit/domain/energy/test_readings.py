"""Readings that people enter: four eyes, corrections, and periods that never share time."""

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cityhall_bms.domain.energy.readings import (
    Entry,
    Ledger,
    ReadingState,
    applied,
    approve,
    enter,
    reject,
)
from cityhall_bms.domain.errors import NotFoundError, RefusedError

NOW = 1_000
PEOPLE = ("王小明", "李大華", "wang")


def entered(ledger: Ledger, begin: int, until: int, amount: float = 5.0, corrects: int = 0) -> Ledger:
    entry = Entry("FUEL", begin, until, amount, corrects=corrects)
    return applied(ledger, enter(ledger, entry, at=NOW, by="王小明"))


def approved(ledger: Ledger, number: int) -> Ledger:
    return applied(ledger, approve(ledger, number, at=NOW, by="李大華"))


def states(ledger: Ledger) -> list[str]:
    return [reading.state.value for reading in ledger.readings.values()]


def test_an_entry_waits_and_counts_when_somebody_else_approved_it() -> None:
    ledger = entered(Ledger("FUEL"), 0, 10)
    assert states(ledger) == ["pending"]
    for same in ("王小明", " 王小明 "):
        with pytest.raises(RefusedError, match="somebody else"):
            approve(ledger, 1, at=NOW, by=same)
    assert states(approved(ledger, 1)) == ["approved"]


def test_what_is_decided_stays_decided() -> None:
    ledger = approved(entered(Ledger("FUEL"), 0, 10), 1)
    with pytest.raises(RefusedError, match="already"):
        approve(ledger, 1, at=NOW, by="wang")
    with pytest.raises(RefusedError, match="already"):
        reject(ledger, 1, at=NOW, by="wang", reason="錯")
    with pytest.raises(NotFoundError):
        approve(ledger, 2, at=NOW, by="wang")


def test_a_rejection_needs_a_reason_and_frees_the_period() -> None:
    ledger = entered(Ledger("FUEL"), 0, 10)
    with pytest.raises(RefusedError, match="reason"):
        reject(ledger, 1, at=NOW, by="李大華", reason=" ")
    ledger = applied(ledger, reject(ledger, 1, at=NOW, by="李大華", reason="與帳單不符"))
    assert states(entered(ledger, 0, 10)) == ["rejected", "pending"]


def test_a_correction_counts_instead_once_it_is_approved() -> None:
    ledger = approved(entered(Ledger("FUEL"), 0, 10), 1)
    with pytest.raises(RefusedError, match="shares time"):
        entered(ledger, 0, 10, 6.0)
    ledger = entered(ledger, 0, 12, 6.0, corrects=1)
    assert states(ledger) == ["approved", "pending"]
    with pytest.raises(RefusedError, match="waits already"):
        entered(ledger, 0, 10, 7.0, corrects=1)
    ledger = approved(ledger, 2)
    assert states(ledger) == ["superseded", "approved"]
    with pytest.raises(RefusedError, match="only approved ones"):
        entered(ledger, 0, 10, 7.0, corrects=1)


@pytest.mark.parametrize(("begin", "until"), [(10, 10), (10, 5), (0, NOW + 1)])
def test_a_period_is_over_and_has_a_length(begin: int, until: int) -> None:
    with pytest.raises(RefusedError):
        entered(Ledger("FUEL"), begin, until)


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf"), 1e13])
def test_an_amount_is_a_number_from_zero_on(amount: float) -> None:
    with pytest.raises(RefusedError):
        entered(Ledger("FUEL"), 0, 10, amount)


def test_periods_that_touch_do_not_share_time() -> None:
    assert states(entered(entered(Ledger("FUEL"), 0, 10), 10, 20)) == ["pending", "pending"]


class Readings(RuleBasedStateMachine):
    """Whatever people do, no two readings that count share time, and nobody approved his own."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger("FUEL")

    @rule(begin=st.integers(0, 30), length=st.integers(1, 12), corrects=st.integers(0, 6), by=st.sampled_from(PEOPLE))
    def somebody_enters(self, begin: int, length: int, corrects: int, by: str) -> None:
        entry = Entry("FUEL", begin, begin + length, 1.0, corrects=corrects)
        self._try(lambda: enter(self.ledger, entry, at=NOW, by=by))

    @rule(number=st.integers(1, 8), by=st.sampled_from(PEOPLE))
    def somebody_approves(self, number: int, by: str) -> None:
        self._try(lambda: approve(self.ledger, number, at=NOW, by=by))

    @rule(number=st.integers(1, 8), by=st.sampled_from(PEOPLE))
    def somebody_rejects(self, number: int, by: str) -> None:
        self._try(lambda: reject(self.ledger, number, at=NOW, by=by, reason="錯"))

    def _try(self, decide) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        try:
            event = decide()
        except (RefusedError, NotFoundError):
            return
        self.ledger = applied(self.ledger, event)

    @invariant()
    def what_counts_shares_no_time(self) -> None:
        counting = sorted(
            (reading.begin, reading.until)
            for reading in self.ledger.readings.values()
            if reading.state is ReadingState.APPROVED
        )
        assert all(one[1] <= other[0] for one, other in pairwise(counting))

    @invariant()
    def nobody_approved_his_own(self) -> None:
        for reading in self.ledger.readings.values():
            if reading.state in {ReadingState.APPROVED, ReadingState.SUPERSEDED}:
                assert reading.decided_by != reading.entered_by


TestReadings = Readings.TestCase
TestReadings.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
