"""An alarm as the event log has it."""

from typing import Final

from cityhall_bms.domain.alarm_stream import fold
from cityhall_bms.domain.alarms import Alarm, stream_of
from cityhall_bms.ports.event_log import EventLog

READ_EVENTS_MAX: Final = 1_000


async def caught_up(events: EventLog, alarm: Alarm) -> Alarm:
    """The alarm with whatever its stream holds beyond it; ``EventLogUnavailableError`` when nobody can tell."""
    while True:
        entries = await events.read(alarm.position, READ_EVENTS_MAX, stream_of(alarm.alarm_id))
        alarm = fold(alarm, entries)
        if len(entries) < READ_EVENTS_MAX:
            return alarm
