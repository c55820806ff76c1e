"""From the event log to alarms as operators list them: pure, and the same for every alarm view."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from cityhall_bms.domain.alarm_stream import ALARM_STREAMS, fold
from cityhall_bms.domain.alarms import UNACKNOWLEDGED_STATES, Alarm, AlarmEvent
from cityhall_bms.domain.events import EVENT_TYPES, StoredEvent

OrderKey: TypeAlias = tuple[bool, int, int, str]
"""Ascending, this is the operators' order: what waits for them, by priority, newest first; the id decides ties."""


def is_of_alarm(entry: StoredEvent) -> bool:
    """Tell whether an entry belongs to an alarm: even one of an unknown type moves its version on."""
    return entry.stream.startswith(ALARM_STREAMS)


def is_alarm_event(entry: StoredEvent) -> bool:
    """Tell whether an entry belongs to an alarm and is of a type that we know: operators are told of it."""
    return is_of_alarm(entry) and issubclass(EVENT_TYPES.get(entry.type, object), AlarmEvent)


def fold_into(alarms: Mapping[str, Alarm], entry: StoredEvent) -> Alarm:
    """Alarm of an entry, after it, from the alarms known before."""
    identity = entry.stream.removeprefix(ALARM_STREAMS)
    return fold(alarms.get(identity, Alarm(identity)), [entry])


def waiting(alarm: Alarm) -> bool:
    """Whether operators see it and have not acknowledged it."""
    return alarm.state in UNACKNOWLEDGED_STATES


def order_key(alarm: Alarm) -> OrderKey:
    """Place of an alarm in the list."""
    return (not waiting(alarm), alarm.priority, -(alarm.raised_at or 0), alarm.alarm_id)


def encode_cursor(key: OrderKey) -> str:
    """Where the next page begins, opaque to the caller."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> OrderKey:
    """Order key of a cursor; ``ValueError`` for a text that is none of ours."""
    try:
        fields: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        fields = None
    match fields:
        case [bool(seen), int(priority), int(newest), str(identity)] if (
            abs(priority) < 2**15 and abs(newest) < 2**63 and "\x00" not in identity
        ):
            return (seen, priority, newest, identity)
    msg = "this is no cursor of the alarm list"
    raise ValueError(msg)
