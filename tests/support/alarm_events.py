"""Events of alarms, as a rules engine would write them."""

from typing import Any

from cityhall_bms.domain.alarms import AlarmRaised, alarm_id, stream_of
from cityhall_bms.domain.events import Event
from cityhall_bms.ports.event_log import ANY_VERSION, Append

RAISED_US = 1_782_864_000_000_000


def raised(**changes: Any) -> AlarmRaised:
    """An occurrence of a high-temperature alarm, with whatever a test wants to be different."""
    fields: dict[str, Any] = {
        "rule": "hi",
        "rule_version": 1,
        "subject": "TCH.05F.W.AHU01.SAT",
        "equipment": "TCH.05F.W.AHU01",
        "system": "hvac",
        "priority": 3,
        "text_zh": "送風溫度過高",
        "text_en": "Supply air too warm",
        "latching": False,
        "occurrence": 1,
        "observed_at": RAISED_US,
        "value": 31.5,
        "limit": 30.0,
        "unit": "°C",
    }
    return AlarmRaised(**(fields | changes))


def of_alarm(subject: str, *events: Event, expected_version: int = ANY_VERSION) -> Append:
    """Append to the alarm of rule ``hi`` and a subject."""
    return Append(stream_of(alarm_id("hi", subject)), events, "rules", expected_version)
