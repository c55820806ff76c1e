"""The life of a rule: what may follow what, and what its stream folds to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cityhall_bms.domain import rule_book
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import GENESIS_HASH, Event, RuleApplied, RuleFailed, RuleWithdrawn, StoredEvent
from cityhall_bms.domain.rule_book import RuleRecord, Wording, fold_rule, fold_rules, prevailing, standing_version
from cityhall_bms.domain.rule_events import RuleBacktested, RuleDrafted, RulePromoted, RuleShadowStarted

AT = 1_782_864_000_000_000


def wording(version: int, text: str = "") -> Wording:
    return Wording(version, text or f"print of {version}", {"id": "H13", "version": version}, AT, "ann")


def entries(*events: Event, after: int = 0) -> list[StoredEvent]:
    return [
        StoredEvent(n, AT, "rule/H13", n, type(event).__name__, "ann", event.payload(), GENESIS_HASH, GENESIS_HASH)
        for n, event in enumerate(events, start=after + 1)
    ]


def record_of(*events: Event) -> RuleRecord:
    return fold_rule(RuleRecord("H13"), entries(*events))


def applied(version: int) -> RuleApplied:
    return RuleApplied("H13", version, f"print of {version}", {"id": "H13", "version": version})


def drafted(version: int) -> RuleDrafted:
    return rule_book.draft(RuleRecord("H13"), wording(version))


def backtested(version: int) -> RuleBacktested:
    return RuleBacktested("H13", f"print of {version}", "job", "d" * 64, AT - 1, AT, {"episodes": 3}, AT)


def test_a_draft_needs_a_version_above_the_one_in_force() -> None:
    record = record_of(applied(3))
    with pytest.raises(RefusedError, match="version 4 or above"):
        rule_book.draft(record, wording(3))
    assert rule_book.draft(record, wording(4)).version == 4


def test_the_same_draft_again_is_refused() -> None:
    with pytest.raises(RefusedError, match="this very draft"):
        rule_book.draft(record_of(drafted(2)), wording(2))


@pytest.mark.parametrize(
    ("history", "refusal"),
    [
        ([applied(1)], "has no draft"),
        ([applied(1), drafted(2)], "was not tested"),
        ([applied(1), backtested(2), drafted(2)], "was not tested"),
        ([applied(1), drafted(2), backtested(3)], "was not tested"),
        ([applied(1), drafted(2), backtested(2), drafted(3)], "was not tested"),
    ],
)
def test_pain_35_nothing_is_promoted_without_a_backtest_of_that_very_draft(
    history: Sequence[Event], refusal: str
) -> None:
    with pytest.raises(RefusedError, match=refusal):
        rule_book.promote(record_of(*history), at=AT, by="ann", reason="rings at night")


def test_a_promotion_needs_a_reason_and_carries_its_evidence() -> None:
    record = record_of(applied(1), drafted(2), backtested(2))
    with pytest.raises(RefusedError, match="reason"):
        rule_book.promote(record, at=AT, by="ann", reason="  ")
    event = rule_book.promote(record, at=AT, by="ann", reason="rings at night", shadow={"raised": 1})
    assert event.version == 2
    assert event.evidence == {
        "backtest": "job", "digest": "d" * 64, "first": AT - 1, "until": AT, "summary": {"episodes": 3},
        "shadow": {"raised": 1},
    }  # fmt: skip


def test_a_promoted_wording_prevails_until_the_files_have_a_newer_version() -> None:
    record = record_of(applied(1), drafted(2), backtested(2))
    promoted = fold_rule(record, entries(rule_book.promote(record, at=AT, by="ann", reason="why"), after=3))
    assert prevailing(promoted, 1) == prevailing(promoted, 2) == prevailing(promoted, None) == promoted.promotion
    assert prevailing(promoted, 3) is None
    assert prevailing(None, 1) is None
    assert (promoted.draft, promoted.backtest, promoted.shadow) == (None, None, None)
    assert standing_version(promoted, 1) == 2
    assert standing_version(promoted, 5) == 5


def test_a_shadow_is_of_the_present_draft_only() -> None:
    record = record_of(applied(1), drafted(2))
    running = fold_rule(record, entries(rule_book.start_shadow(record, at=AT, by="ann"), after=2))
    assert running.shadow is not None
    with pytest.raises(RefusedError, match="already"):
        rule_book.start_shadow(running, at=AT, by="ann")
    assert fold_rule(running, entries(drafted(3), after=3)).shadow is None
    assert fold_rule(running, entries(rule_book.end_shadow(running, at=AT, by="ann"), after=3)).shadow is None
    with pytest.raises(RefusedError, match="no draft"):
        rule_book.end_shadow(record, at=AT, by="ann")


def test_what_took_effect_is_kept_for_ever_and_a_failure_until_the_next_wording() -> None:
    record = record_of(applied(1), RuleFailed("H13", "division"), applied(2), RuleWithdrawn("H13"))
    assert [item.version for item in record.versions] == [1, 2]
    assert record.applied is None
    assert record.failure == ""
    assert record_of(applied(1), RuleFailed("H13", "division")).failure == "division"


def test_entries_of_a_newer_version_of_the_service_change_the_version_only() -> None:
    unknown = replace(entries(applied(1))[0], type="RuleSungAloud")
    assert fold_rule(RuleRecord("H13"), [unknown]) == RuleRecord("H13", version=1, position=1)


def test_records_are_kept_apart_by_rule() -> None:
    other = replace(entries(drafted(1))[0], stream="rule/E01", position=9)
    found = fold_rules([*entries(applied(1)), other])
    assert {name: item.draft is not None for name, item in found.items()} == {"H13": False, "E01": True}


class RuleLife(RuleBasedStateMachine):
    """People do whatever they like; what the log then holds is never promoted untested, nor a step back."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Event] = []
        self.tested: set[str] = set()
        self.promoted: list[RulePromoted] = []

    @property
    def record(self) -> RuleRecord:
        return record_of(*self.log)

    def attempt(self, decide: Any) -> Event | None:
        try:
            event: Event = decide()
        except RefusedError:
            return None
        self.log.append(event)
        return event

    @rule(version=st.integers(1, 6))
    def write(self, version: int) -> None:
        self.attempt(lambda: rule_book.draft(self.record, wording(version)))

    @rule(version=st.integers(1, 6))
    def test(self, version: int) -> None:
        self.log.append(backtested(version))
        self.tested.add(f"print of {version}")

    @rule()
    def drop(self) -> None:
        self.attempt(lambda: rule_book.drop_draft(self.record, at=AT, by="ann"))

    @rule()
    def shadow(self) -> None:
        event = self.attempt(lambda: rule_book.start_shadow(self.record, at=AT, by="ann"))
        assert event is None or isinstance(event, RuleShadowStarted)

    @rule()
    def unshadow(self) -> None:
        self.attempt(lambda: rule_book.end_shadow(self.record, at=AT, by="ann"))

    @rule()
    def promote(self) -> None:
        event = self.attempt(lambda: rule_book.promote(self.record, at=AT, by="ann", reason="why"))
        if isinstance(event, RulePromoted):
            self.promoted.append(event)
            self.log.append(applied(event.version))

    @invariant()
    def only_tested_wordings_were_promoted_and_versions_grow(self) -> None:
        assert all(event.fingerprint in self.tested for event in self.promoted)
        versions = [event.version for event in self.promoted]
        assert versions == sorted(set(versions))

    @invariant()
    def a_shadow_runs_the_present_draft(self) -> None:
        record = self.record
        if record.shadow is not None:
            assert record.draft is not None
            assert record.shadow.fingerprint == record.draft.fingerprint


TestRuleLife = RuleLife.TestCase
