"""The chain of events as it is checked: any change, gap or foreign link is found at its place."""

from dataclasses import replace

import pytest

from cityhall_bms.adapters.event_chain import Head, chain, draft
from cityhall_bms.domain.audit import first_break
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.rule_events import RuleDraftDropped
from cityhall_bms.ports.event_log import Append


def entries(count: int) -> list[StoredEvent]:
    appends = [Append("rule/H13", [RuleDraftDropped("H13", at, "王小明")], "王小明") for at in range(count)]
    return chain(Head(), {}, draft(appends), 1_782_864_000_000_000)[2]


def test_a_chain_that_nobody_touched_holds_from_its_beginning_and_from_any_place() -> None:
    events = entries(5)
    assert first_break(events, bytes(32)) is None
    assert first_break(events[2:], events[1].hash) is None
    assert first_break(events[2:], None) is None
    assert first_break([], None) is None


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "somebody"},
        {"payload": {"rule": "H14"}},
        {"recorded_at": 0},
        {"hash": bytes(32)},
        {"prev_hash": bytes(32)},
    ],
)
def test_whatever_is_changed_of_an_event_is_found_there(change: dict[str, object]) -> None:
    events = entries(5)
    events[3] = replace(events[3], **change)  # type: ignore[arg-type]
    assert first_break(events, bytes(32)) == 4


def test_a_missing_event_and_a_chain_that_hangs_on_another_are_found() -> None:
    events = entries(5)
    assert first_break(events[:2] + events[3:], bytes(32)) == 4
    assert first_break(events[1:], bytes(32)) == 2
