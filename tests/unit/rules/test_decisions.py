"""One event per change, and none for what already stands so."""

from dataclasses import replace

import pytest
from tests.support.rule_trial import rule

from cityhall_bms.domain.alarms import Alarm, AlarmPriorityChanged, AlarmRaised, AlarmReturned, AlarmState
from cityhall_bms.rules.binding import Subject
from cityhall_bms.rules.decisions import abandon, decide
from cityhall_bms.rules.engine import Change, Proposal

SUBJECT = Subject("TCH.01.E.AHU01.SAT", "TCH.01.E.AHU01", "hvac", "一號空調箱", "AHU 1", "TCH.01.E.AHU01.SAT", "°C")
RULE = rule(kind="stale", text_zh="{equipment}：{value} {unit}（{limit}）", text_en="{point} {value}")


def proposal(
    *, raised: bool, value: float | None = 31.456, limit: float | None = 30.0, priority: int = RULE.priority
) -> Proposal:
    kind = Change.RAISED if raised else Change.RETURNED
    return Proposal(RULE, SUBJECT, kind, priority, 5, 5, value, limit)


def standing(base: AlarmState, priority: int = RULE.priority) -> Alarm:
    return Alarm("R~x", base=base, priority=priority)


@pytest.mark.parametrize("base", AlarmState)
@pytest.mark.parametrize("raised", [True, False])
def test_only_a_change_makes_an_event(base: AlarmState, raised: bool) -> None:
    active = base in {AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED}
    event = decide(standing(base), proposal(raised=raised), 1)
    assert (event is None) is (raised is active)
    if event is not None:
        assert isinstance(event, AlarmRaised if raised else AlarmReturned)


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        (31.456, 30.0, "一號空調箱：31.46 °C（30）"),
        (8.0, 8.2, "一號空調箱：8 °C（8.2）"),
        (None, None, "一號空調箱：– °C（–）"),
    ],
)
def test_figures_are_written_as_people_do(value: float | None, limit: float | None, expected: str) -> None:
    event = decide(Alarm("R~x"), proposal(raised=True, value=value, limit=limit), 1)
    assert isinstance(event, AlarmRaised)
    assert event.text_zh == expected


def test_an_alarm_that_nobody_watches_is_returned_once() -> None:
    assert abandon(Alarm("R~x", base=AlarmState.ACKNOWLEDGED), 7, 3) == AlarmReturned(
        observed_at=7, telemetry_position=3
    )
    assert abandon(Alarm("R~x", base=AlarmState.RETURNED_UNACKNOWLEDGED), 7, 3) is None


@pytest.mark.parametrize("kind", [Change.CHANGED, Change.RAISED])
def test_another_severity_changes_the_priority_of_what_stands_and_rings_no_second_alarm(kind: Change) -> None:
    item = replace(proposal(raised=True, priority=2), kind=kind)

    assert decide(standing(AlarmState.ACKNOWLEDGED), item, 9) == AlarmPriorityChanged(
        priority=2,
        text_zh="一號空調箱：31.46 °C（30）",
        text_en="TCH.01.E.AHU01.SAT 31.46",
        observed_at=5,
        value=31.456,
        limit=30.0,
        telemetry_position=9,
    )
    assert decide(standing(AlarmState.ACKNOWLEDGED, priority=2), item, 9) is None


def test_a_severity_of_what_was_not_known_to_stand_raises_it() -> None:
    event = decide(standing(AlarmState.NORMAL), replace(proposal(raised=True, priority=2), kind=Change.CHANGED), 9)
    assert isinstance(event, AlarmRaised)
    assert event.priority == 2
