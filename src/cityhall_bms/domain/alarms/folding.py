"""From an alarm and one event of its stream to the alarm after it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from cityhall_bms.domain.alarms.events import (
    AlarmAcknowledged,
    AlarmCommented,
    AlarmEscalated,
    AlarmEvent,
    AlarmPriorityChanged,
    AlarmRaised,
    AlarmRealarmed,
    AlarmRecordedLate,
    AlarmReset,
    AlarmReturned,
    AlarmReturnedToService,
    AlarmShelved,
    AlarmSuppressed,
    AlarmTakenOutOfService,
    AlarmUnshelved,
    AlarmUnsuppressed,
)
from cityhall_bms.domain.alarms.state import Alarm, AlarmState, AlarmTrigger, next_base
from cityhall_bms.domain.errors import RefusedError


def evolve(alarm: Alarm, event: AlarmEvent, *, version: int, position: int) -> Alarm:
    """Alarm after one event of its stream; :class:`RefusedError` when it cannot follow."""
    return replace(_EVOLVE[type(event)](alarm, event), version=version, position=position)


def _on_raised(alarm: Alarm, event: AlarmRaised) -> Alarm:
    again = alarm.base in {AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED}
    return replace(
        # Who has not answered yet goes on being asked: an alarm that comes and goes must climb its chain all the same.
        alarm if again else _rung(alarm, event.observed_at),
        rule=event.rule,
        rule_version=event.rule_version,
        subject=event.subject,
        equipment=event.equipment,
        system=event.system,
        priority=event.priority,
        text_zh=event.text_zh,
        text_en=event.text_en,
        latching=event.latching,
        base=next_base(alarm, AlarmTrigger.RAISE),
        occurrence=event.occurrence,
        repeat_count=alarm.repeat_count + 1 if again else 0,
        value=event.value,
        limit=event.limit,
        unit=event.unit,
        drill=event.drill,
        raised_at=event.observed_at,
        returned_at=None,
        comment="",
    )


def _rung(alarm: Alarm, at: int) -> Alarm:
    """Alarm that the operators are asked about anew."""
    return replace(
        alarm, waiting_since=at, acknowledged_at=None, acknowledged_by="", escalation_level=0, escalated_to=""
    )


def _settled(alarm: Alarm, base: AlarmState) -> Alarm:
    """Alarm about which nobody is asked any more."""
    return replace(alarm, base=base, waiting_since=None, escalation_level=0, escalated_to="")


def _on_returned(alarm: Alarm, event: AlarmReturned) -> Alarm:
    base = next_base(alarm, AlarmTrigger.RETURN_LATCHING if alarm.latching else AlarmTrigger.RETURN)
    after = replace(alarm, base=base, returned_at=event.observed_at)
    # A shelf for one occurrence is over with it, in this very event: no moment is left in which it could hide the next.
    return _unshelved(after, event.observed_at) if alarm.shelf_one_shot else after


def _on_priority_changed(alarm: Alarm, event: AlarmPriorityChanged) -> Alarm:
    if not alarm.active:
        msg = f"alarm {alarm.alarm_id} is {alarm.base}: it has no severity that could change"
        raise RefusedError(msg)
    after = replace(
        alarm,
        priority=event.priority,
        text_zh=event.text_zh,
        text_en=event.text_en,
        value=event.value,
        limit=event.limit,
    )
    is_worse = event.priority < alarm.priority
    return replace(_rung(after, event.observed_at), base=AlarmState.UNACKNOWLEDGED) if is_worse else after


def _on_realarmed(alarm: Alarm, event: AlarmRealarmed) -> Alarm:
    return replace(_rung(alarm, event.at), base=next_base(alarm, AlarmTrigger.REALARM))


def _on_recorded_late(alarm: Alarm, event: AlarmRecordedLate) -> Alarm:
    known = alarm if alarm.rule else _introduced(alarm, event)
    return replace(known, late_occurrences=alarm.late_occurrences + 1)


def _introduced(alarm: Alarm, event: AlarmRecordedLate) -> Alarm:
    """Alarm that never rang: what it is about is first said by a late occurrence."""
    return replace(
        alarm,
        rule=event.rule,
        rule_version=event.rule_version,
        subject=event.subject,
        equipment=event.equipment,
        system=event.system,
        priority=event.priority,
        text_zh=event.text_zh,
        text_en=event.text_en,
        unit=event.unit,
    )


def _on_acknowledged(alarm: Alarm, event: AlarmAcknowledged) -> Alarm:
    base = next_base(alarm, AlarmTrigger.ACKNOWLEDGE)
    after = _settled(alarm, base)
    return replace(after, acknowledged_at=event.at, acknowledged_by=event.by, comment=event.comment)


def _on_reset(alarm: Alarm, _event: AlarmReset) -> Alarm:
    base = next_base(alarm, AlarmTrigger.RESET)
    return _settled(alarm, base) if base is AlarmState.NORMAL else replace(alarm, base=base)


def _on_escalated(alarm: Alarm, event: AlarmEscalated) -> Alarm:
    return replace(alarm, escalation_level=event.level, escalated_to=event.to)


def _uncovered(alarm: Alarm, at: int, *, was_covered: bool) -> Alarm:
    """Alarm once something lies over it no more: what is still active must be seen again."""
    if not was_covered:
        msg = f"alarm {alarm.alarm_id} is {alarm.state}: nothing of the kind lies over it"
        raise RefusedError(msg)
    if alarm.active:
        return replace(_rung(alarm, at), base=AlarmState.UNACKNOWLEDGED)
    return _settled(alarm, AlarmState.NORMAL)


def _on_shelved(alarm: Alarm, event: AlarmShelved) -> Alarm:
    return replace(
        alarm,
        shelved_until=event.until,
        shelved_by=event.by,
        shelf_reason=event.reason,
        shelf_one_shot=event.one_shot,
    )


def _unshelved(alarm: Alarm, at: int) -> Alarm:
    after = _uncovered(alarm, at, was_covered=alarm.shelved)
    return replace(after, shelved_until=None, shelved_by="", shelf_reason="", shelf_one_shot=False)


def _on_unsuppressed(alarm: Alarm, event: AlarmUnsuppressed) -> Alarm:
    after = _uncovered(alarm, event.at, was_covered=alarm.suppressed)
    return replace(after, suppressed_by="", suppressed_as="")


def _on_taken_out_of_service(alarm: Alarm, event: AlarmTakenOutOfService) -> Alarm:
    return replace(
        alarm,
        out_of_service_by=event.by,
        out_of_service_until=event.until,
        permit=event.permit,
        out_of_service_reason=event.reason,
    )


def _on_returned_to_service(alarm: Alarm, event: AlarmReturnedToService) -> Alarm:
    after = _uncovered(alarm, event.at, was_covered=alarm.out_of_service)
    return replace(after, out_of_service_by="", out_of_service_until=None, permit="", out_of_service_reason="")


_EVOLVE: Final[dict[type[AlarmEvent], Callable[[Alarm, Any], Alarm]]] = {
    AlarmRaised: _on_raised,
    AlarmReturned: _on_returned,
    AlarmPriorityChanged: _on_priority_changed,
    AlarmRecordedLate: _on_recorded_late,
    AlarmAcknowledged: _on_acknowledged,
    AlarmCommented: lambda alarm, event: replace(alarm, comment=event.comment),
    AlarmReset: _on_reset,
    AlarmRealarmed: _on_realarmed,
    AlarmEscalated: _on_escalated,
    AlarmShelved: _on_shelved,
    AlarmUnshelved: lambda alarm, event: _unshelved(alarm, event.at),
    AlarmSuppressed: lambda alarm, event: replace(alarm, suppressed_by=event.by, suppressed_as=event.relation),
    AlarmUnsuppressed: _on_unsuppressed,
    AlarmTakenOutOfService: _on_taken_out_of_service,
    AlarmReturnedToService: _on_returned_to_service,
}
