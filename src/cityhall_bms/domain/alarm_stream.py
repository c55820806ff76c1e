"""Alarms as they follow from what the event log holds of them."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Final, cast

from cityhall_bms.domain.alarms import Alarm, AlarmEvent, AlarmRaised, evolve
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, StoredEvent

ALARM_STREAMS: Final = "alarm/"
"""What the stream of every alarm starts with; reads them all."""


def identity_of(stream: str) -> str:
    """Alarm whose stream this is."""
    return stream.removeprefix(ALARM_STREAMS)


def fold(alarm: Alarm, entries: Iterable[StoredEvent]) -> Alarm:
    """Alarm after further entries of its own stream, in order; entries that it already contains change nothing."""
    for entry in entries:
        if entry.version > alarm.version:
            alarm = _after(alarm, entry)
    return alarm


def _after(alarm: Alarm, entry: StoredEvent) -> Alarm:
    """Alarm after one entry.

    What cannot follow, or is of a type that only a newer version knows, changes nothing but the version: nobody can
    take an entry back, and it must stop neither this alarm nor, with the engine that folds them all, every other.
    """
    known = EVENT_TYPES.get(entry.type)
    if known is not None and issubclass(known, AlarmEvent):
        event = cast("AlarmEvent", entry.event())
        with suppress(RefusedError):
            after = evolve(alarm, event, version=entry.version, position=entry.position)
            return replace(after, raised_by=entry.actor) if isinstance(event, AlarmRaised) else after
    return replace(alarm, version=entry.version, position=entry.position)
