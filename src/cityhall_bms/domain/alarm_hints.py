"""How a console shows and sounds an alarm, so that all consoles of a building do it alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.annunciating import asks, rings

REPEATING_PRIORITY_MAX: Final = 2
"""Urgent and high alarms are heard until somebody answers; the others once."""


class Sound(StrEnum):
    """What is heard from a transition on, until the alarm's next one."""

    REPEAT = "repeat"
    ONCE = "once"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Hint:
    """Sound, colour and shape; colour is never the only sign."""

    sound: Sound
    colour: str
    shape: str


SIGNS: Final[Mapping[int, tuple[str, str]]] = {
    1: ("red", "square"),
    2: ("orange", "diamond"),
    3: ("yellow", "triangle"),
    4: ("blue", "circle"),
}
"""Colour and shape by priority."""
GREY: Final = "grey"


def hint(before: Alarm | None, after: Alarm) -> Hint:
    """How an alarm is shown and heard after a transition; grey is normal, and what is hidden from operators."""
    colour, shape = SIGNS[after.priority]
    told = after.annunciated and after.state is not AlarmState.NORMAL
    return Hint(_sound(before, after), colour if told else GREY, shape)


def _sound(before: Alarm | None, after: Alarm) -> Sound:
    if not asks(after):
        return Sound.NONE
    if after.priority <= REPEATING_PRIORITY_MAX:
        return Sound.REPEAT
    return Sound.ONCE if rings(before or Alarm(after.alarm_id), after) else Sound.NONE
