"""What becomes due with an alarm while people do nothing: a step up the chain, ringing again, the end of a repair.

All of it is computed from the record, so that a restart or an outage changes nothing but the moment at which it is
written down.
"""

from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.alarm_figures import ACKNOWLEDGE_WITHIN_S
from cityhall_bms.domain.alarms import (
    UNACKNOWLEDGED_STATES,
    Alarm,
    AlarmEvent,
    AlarmState,
    escalate,
    realarm,
    return_to_service,
)

ACTOR: Final = "system"
ON_SITE_WITHIN_S: Final = {1: 300.0, 2: 600.0, 3: 4 * 3_600.0, 4: 3 * 86_400.0}
"""Within which time somebody is to be at the place, by priority."""

Steps = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Handling:
    """How alarms are followed up, by priority 1 to 4. Times are in s."""

    realarm_s: tuple[float, float, float, float] = (900.0, 3_600.0, 28_800.0, 0.0)
    """After how long an acknowledged alarm that still stands rings again; 0: never."""
    escalate_s: tuple[Steps, Steps, Steps, Steps] = ((60.0, 180.0, 300.0), (600.0,), (), ())
    """After how long, unacknowledged, it is passed on: the first step, the second..."""
    escalate_to: tuple[str, ...] = ("值班長", "值班工程師", "主管")
    """To whom each step goes, for people; who that is now is said by the rosters."""

    @property
    def climbing(self) -> frozenset[int]:
        """Priorities whose alarms are passed on."""
        return frozenset(priority for priority, steps in enumerate(self.escalate_s, 1) if steps)


def due(
    alarm: Alarm, rung_at: int | None, now: int, handling: Handling, permit_end: int | None = None
) -> AlarmEvent | None:
    """What is due now (µs UTC), if anything; of several the first, so that the next call gives the next.

    ``rung_at`` is when the operators began to be asked by the log's time: what was found late must not be passed on
    before anybody could see it. Of a drill nobody is told again. ``permit_end`` is that of the permit under which it is
    out of service, which somebody may have closed: nothing stays hidden longer than what it was allowed for.
    """
    ends = [end for end in (alarm.out_of_service_until, permit_end) if end is not None]
    if alarm.out_of_service and ends and min(ends) <= now:
        return return_to_service(alarm, at=now, by=ACTOR)
    if alarm.drill:
        return None
    if alarm.state in UNACKNOWLEDGED_STATES and rung_at is not None:
        return _escalated(alarm, rung_at, now, handling)
    if alarm.state is AlarmState.ACKNOWLEDGED and alarm.acknowledged_at is not None:
        after_s = handling.realarm_s[alarm.priority - 1]
        if after_s and alarm.acknowledged_at + round(after_s * 1e6) <= now:
            return realarm(alarm, at=now)
    return None


def _escalated(alarm: Alarm, rung_at: int, now: int, handling: Handling) -> AlarmEvent | None:
    steps = handling.escalate_s[alarm.priority - 1]
    level = alarm.escalation_level
    if level >= len(steps) or rung_at + round(steps[level] * 1e6) > now:
        return None
    return escalate(alarm, level=level + 1, to=handling.escalate_to[level], at=now)


def acknowledge_by(alarm: Alarm) -> int | None:
    """Until when somebody is to acknowledge it (µs UTC); none when nobody needs to, or it is hidden."""
    if alarm.waiting_since is None or alarm.state not in UNACKNOWLEDGED_STATES:
        return None
    return alarm.waiting_since + round(ACKNOWLEDGE_WITHIN_S[alarm.priority] * 1e6)


def on_site_by(alarm: Alarm) -> int | None:
    """Until when somebody is to be at the place (µs UTC); none when it is over, or hidden."""
    if alarm.raised_at is None or not (alarm.active and alarm.annunciated):
        return None
    return alarm.raised_at + round(ON_SITE_WITHIN_S[alarm.priority] * 1e6)
