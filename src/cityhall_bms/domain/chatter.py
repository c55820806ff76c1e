"""Noticing as it happens that an alarm chatters: the screen then shows it once, with a count; the record keeps all."""

from collections import deque
from dataclasses import dataclass, field

from cityhall_bms.domain.alarm_habits import CHATTERING_TRANSITIONS, CHATTERING_WITHIN_US
from cityhall_bms.domain.alarms import Alarm


@dataclass(slots=True)
class _Burst:
    active: bool = False
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=CHATTERING_TRANSITIONS))
    changes: int = 0
    """Since it began to chatter, 0 while it does not."""


@dataclass(slots=True)
class ChatterWatch:
    """Bursts of the alarms that changed within the last minute: three changes, and until a minute without one."""

    _bursts: dict[str, _Burst] = field(default_factory=dict)

    def take(self, alarm: Alarm) -> int:
        """Take an alarm as it stands now; gives by how many changes it has been chattering, 0 when it does not."""
        burst = self._bursts.setdefault(alarm.alarm_id, _Burst())
        if alarm.active == burst.active:
            return burst.changes
        at = (alarm.raised_at if alarm.active else alarm.returned_at) or 0
        burst.active = alarm.active
        if burst.recent and at - burst.recent[-1] > CHATTERING_WITHIN_US:
            burst.recent.clear()
            burst.changes = 0
        burst.recent.append(at)
        is_quick = len(burst.recent) == CHATTERING_TRANSITIONS and at - burst.recent[0] <= CHATTERING_WITHIN_US
        if burst.changes or is_quick:
            burst.changes = burst.changes + 1 if burst.changes else CHATTERING_TRANSITIONS
        return burst.changes

    def changes(self, alarm_id: str, now: int) -> int:
        """By how many changes an alarm has been chattering; 0 once a minute passed without one."""
        burst = self._bursts.get(alarm_id)
        if burst is None or not burst.recent or now - burst.recent[-1] > CHATTERING_WITHIN_US:
            return 0
        return burst.changes
