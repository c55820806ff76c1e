"""Alarms as they follow from what the event log holds of them."""

from collections.abc import Iterable
from typing import Final

from cityhall_bms.domain.alarms import Alarm, AlarmEvent, evolve
from cityhall_bms.domain.events import StoredEvent

ALARM_STREAMS: Final = "alarm/"
"""What the stream of every alarm starts with; reads them all."""


def identity_of(stream: str) -> str:
    """Alarm whose stream this is."""
    return stream.removeprefix(ALARM_STREAMS)


def fold(alarm: Alarm, entries: Iterable[StoredEvent]) -> Alarm:
    """Alarm after further entries of its own stream, in order; entries that it already contains change nothing."""
    for entry in entries:
        event = entry.event()
        if entry.version > alarm.version and isinstance(event, AlarmEvent):
            alarm = evolve(alarm, event, version=entry.version, position=entry.position)
    return alarm
