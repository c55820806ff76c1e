"""What becomes due with an alarm while people do nothing."""

from dataclasses import replace
from typing import Any

import pytest

from cityhall_bms.domain.alarms import (
    Alarm,
    AlarmEscalated,
    AlarmEvent,
    AlarmRaised,
    AlarmRealarmed,
    AlarmReturned,
    AlarmReturnedToService,
    AlarmState,
    evolve,
)
from cityhall_bms.domain.follow_up import Handling, acknowledge_by, due, on_site_by

T0 = 1_782_864_000_000_000
HANDLING = Handling()
WAITING = Alarm("a", priority=1, base=AlarmState.UNACKNOWLEDGED, waiting_since=T0, raised_at=T0, version=1)
SEEN = Alarm("a", priority=1, base=AlarmState.ACKNOWLEDGED, acknowledged_at=T0, raised_at=T0, version=2)


def after(alarm: Alarm, seconds: float, rung_at: int | None = T0) -> AlarmEvent | None:
    return due(alarm, rung_at, T0 + round(seconds * 1e6), HANDLING)


@pytest.mark.parametrize(("priority", "level", "after_s"), [(1, 0, 60), (1, 1, 180), (1, 2, 300), (2, 0, 600)])
def test_what_nobody_acknowledges_goes_up_the_chain_in_time(priority: int, level: int, after_s: int) -> None:
    alarm = replace(WAITING, priority=priority, escalation_level=level)
    event = after(alarm, after_s)
    assert after(alarm, after_s - 0.001) is None
    assert isinstance(event, AlarmEscalated)
    assert (event.level, event.to) == (level + 1, HANDLING.escalate_to[level])


@pytest.mark.parametrize(("priority", "level"), [(1, 3), (2, 1), (3, 0), (4, 0)])
def test_the_chain_has_an_end(priority: int, level: int) -> None:
    assert after(replace(WAITING, priority=priority, escalation_level=level), 1e6) is None


@pytest.mark.parametrize("base", [AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED])
def test_what_is_over_and_nobody_saw_is_passed_on_as_well(base: AlarmState) -> None:
    assert isinstance(after(replace(WAITING, base=base), 60), AlarmEscalated)


@pytest.mark.parametrize(
    "cover",
    [{"shelved_until": T0 + 10**12}, {"suppressed_by": "S"}, {"out_of_service_by": "李"}, {"drill": "2026-07-01-1"}],
)
@pytest.mark.parametrize("alarm", [WAITING, SEEN])
def test_what_is_hidden_or_a_drill_is_left_alone(alarm: Alarm, cover: dict[str, Any]) -> None:
    assert after(replace(alarm, **cover), 1e6) is None


def test_time_counts_from_when_the_operators_were_told_not_from_when_it_began_far_away() -> None:
    assert after(WAITING, 119, rung_at=T0 + 60_000_000) is None
    assert isinstance(after(WAITING, 120, rung_at=T0 + 60_000_000), AlarmEscalated)
    assert after(WAITING, 1e6, rung_at=None) is None


@pytest.mark.parametrize(("priority", "after_s"), [(1, 900), (2, 3_600), (3, 28_800)])
def test_an_acknowledged_alarm_that_lasts_rings_again(priority: int, after_s: int) -> None:
    alarm = replace(SEEN, priority=priority)
    assert after(alarm, after_s - 0.001) is None
    assert isinstance(after(alarm, after_s), AlarmRealarmed)


def test_the_lowest_priority_never_rings_again() -> None:
    assert after(replace(SEEN, priority=4), 1e7) is None


@pytest.mark.parametrize("base", [AlarmState.NORMAL, AlarmState.LATCHED_ACKNOWLEDGED])
def test_what_is_over_does_not_ring_again(base: AlarmState) -> None:
    assert after(replace(SEEN, base=base), 1e6) is None


def test_what_is_out_of_service_comes_back_at_its_end() -> None:
    alarm = replace(WAITING, out_of_service_by="李", out_of_service_until=T0 + 10_000_000, permit="2026-07-01-1")
    assert after(alarm, 9.999) is None
    assert isinstance(after(alarm, 10), AlarmReturnedToService)


def test_what_is_out_of_service_comes_back_with_its_permit() -> None:
    alarm = replace(WAITING, out_of_service_by="李", out_of_service_until=T0 + 10**9, permit="2026-07-01-1")
    now = T0 + 500
    assert due(alarm, T0, now, HANDLING, permit_end=now + 1) is None
    assert isinstance(due(alarm, T0, now, HANDLING, permit_end=now), AlarmReturnedToService)
    assert due(WAITING, T0, now, HANDLING, permit_end=now) is None


def test_an_alarm_that_comes_and_goes_climbs_its_chain_all_the_same() -> None:
    alarm = Alarm("a")
    for number in range(5):
        at = T0 + number * 30_000_000
        fields = {"rule": "F", "rule_version": 1, "subject": "s", "equipment": "e", "system": "fire", "text_zh": "火警"}
        raised = AlarmRaised(**fields, priority=1, text_en="Fire", latching=False, occurrence=number, observed_at=at)  # type: ignore[arg-type]
        alarm = evolve(alarm, raised, version=2 * number + 1, position=1)
        alarm = evolve(alarm, AlarmReturned(observed_at=at + 5), version=2 * number + 2, position=1)
    assert alarm.waiting_since == T0
    assert isinstance(after(alarm, 121), AlarmEscalated)


def test_the_times_by_which_people_are_to_act() -> None:
    assert acknowledge_by(WAITING) == T0 + 60_000_000
    assert on_site_by(WAITING) == T0 + 300_000_000
    assert acknowledge_by(SEEN) is None
    assert on_site_by(SEEN) == T0 + 300_000_000
    for hidden in (replace(WAITING, suppressed_by="S"), Alarm("a")):
        assert acknowledge_by(hidden) is on_site_by(hidden) is None
