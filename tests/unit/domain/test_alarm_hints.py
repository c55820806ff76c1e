"""Every console shows and sounds an alarm alike."""

from dataclasses import replace
from typing import Final

import pytest

from cityhall_bms.domain.alarm_hints import Sound, hint
from cityhall_bms.domain.alarms import Alarm, AlarmState

NEVER: Final = Alarm("A1~X")
RINGING: Final = Alarm("A1~X", base=AlarmState.UNACKNOWLEDGED, waiting_since=1)
STILL: Final = replace(RINGING, comment="on my way")
SEEN: Final = replace(RINGING, base=AlarmState.ACKNOWLEDGED, waiting_since=None)
OVER: Final = replace(RINGING, base=AlarmState.RETURNED_UNACKNOWLEDGED)
LATCHED: Final = replace(RINGING, base=AlarmState.LATCHED_UNACKNOWLEDGED)
SHELVED: Final = replace(RINGING, shelved_until=9)
AGAIN: Final = replace(RINGING, waiting_since=2)


@pytest.mark.parametrize(
    ("before", "after", "urgent", "medium"),
    [
        (NEVER, RINGING, Sound.REPEAT, Sound.ONCE),
        (RINGING, STILL, Sound.REPEAT, Sound.NONE),
        (RINGING, AGAIN, Sound.REPEAT, Sound.ONCE),
        (RINGING, SEEN, Sound.NONE, Sound.NONE),
        (RINGING, OVER, Sound.REPEAT, Sound.NONE),
        (RINGING, LATCHED, Sound.REPEAT, Sound.NONE),
        (RINGING, SHELVED, Sound.NONE, Sound.NONE),
        (SHELVED, RINGING, Sound.REPEAT, Sound.ONCE),
        (SEEN, NEVER, Sound.NONE, Sound.NONE),
    ],
)
def test_urgent_and_high_are_heard_until_answered_and_the_others_once(
    before: Alarm, after: Alarm, urgent: Sound, medium: Sound
) -> None:
    for priority, sound in ((1, urgent), (2, urgent), (3, medium), (4, medium)):
        assert hint(replace(before, priority=priority), replace(after, priority=priority)).sound is sound


def test_an_alarm_that_was_never_before_rings() -> None:
    assert hint(None, replace(RINGING, priority=3)).sound is Sound.ONCE


@pytest.mark.parametrize(
    ("priority", "colour", "shape"),
    [(1, "red", "square"), (2, "orange", "diamond"), (3, "yellow", "triangle"), (4, "blue", "circle")],
)
def test_colour_is_never_the_only_sign_and_grey_is_what_nobody_must_see_to(
    priority: int, colour: str, shape: str
) -> None:
    for alarm in (RINGING, SEEN, OVER, LATCHED):
        shown = hint(None, replace(alarm, priority=priority))
        assert (shown.colour, shown.shape) == (colour, shape)
    for alarm in (NEVER, SHELVED):
        assert (hint(RINGING, replace(alarm, priority=priority)).colour) == "grey"
