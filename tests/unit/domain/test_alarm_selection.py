"""What concerns a console: what it shows, and what leaves what it shows."""

from dataclasses import replace
from typing import Final

import pytest

from cityhall_bms.domain.alarm_selection import EVERYTHING, Console, StateSelection
from cityhall_bms.domain.alarms import Alarm, AlarmState

RINGING: Final = Alarm(
    "A1~TCH.05.W.AHU01", system="hvac", equipment="TCH.05.W.AHU01", priority=2, base=AlarmState.UNACKNOWLEDGED
)
SEEN: Final = replace(RINGING, base=AlarmState.ACKNOWLEDGED)
HIDDEN: Final = replace(RINGING, shelved_until=9)
OVER: Final = replace(RINGING, base=AlarmState.NORMAL)


@pytest.mark.parametrize(
    ("console", "concerned"),
    [
        (EVERYTHING, True),
        (Console(zones={"05"}), True),
        (Console(zones={"05.W"}), True),
        (Console(zones={"05.E", "06"}), False),
        (Console(zones={"W"}), False),
        (Console(systems={"hvac", "lift"}), True),
        (Console(systems={"lift"}), False),
        (Console(priorities={1, 2}), True),
        (Console(priorities={1}), False),
        (Console(zones={"05"}, systems={"hvac"}, priorities={1}), False),
    ],
)
def test_zone_system_and_priority_must_all_fit(console: Console, concerned: bool) -> None:
    assert console.concerns(None, RINGING) is concerned


@pytest.mark.parametrize(
    ("word", "alarms"),
    [
        ("all", [RINGING, SEEN, HIDDEN, OVER]),
        ("open", [RINGING, SEEN, HIDDEN]),
        ("active", [RINGING, SEEN, HIDDEN]),
        ("unacknowledged", [RINGING]),
        ("shelved", [HIDDEN]),
        ("ACKED", [SEEN]),
        ("NORM", [OVER]),
    ],
)
def test_a_word_for_states_selects_as_the_list_does(word: str, alarms: list[Alarm]) -> None:
    selection = StateSelection.of(word)

    assert [alarm for alarm in (RINGING, SEEN, HIDDEN, OVER) if selection.matches(alarm)] == alarms


def test_an_alarm_that_leaves_what_a_console_shows_is_told_there_once_more() -> None:
    console = Console(states=StateSelection.of("unacknowledged"))

    assert console.concerns(RINGING, SEEN)
    assert not console.concerns(SEEN, OVER)


def test_an_alarm_that_becomes_less_urgent_leaves_the_console_of_the_urgent_ones() -> None:
    console = Console(priorities={1})

    assert console.concerns(replace(RINGING, priority=1), RINGING)


def test_a_word_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="loud"):
        StateSelection.of("loud")
