"""What operators and keepers may do to an alarm: each gives the event, or refuses with :class:`RefusedError`."""

from typing import Final

from cityhall_bms.domain.alarms.events import (
    AlarmAcknowledged,
    AlarmCommented,
    AlarmEscalated,
    AlarmRealarmed,
    AlarmReset,
    AlarmReturnedToService,
    AlarmShelved,
    AlarmTakenOutOfService,
    AlarmUnshelved,
)
from cityhall_bms.domain.alarms.state import Alarm, AlarmTrigger, next_base
from cityhall_bms.domain.errors import RefusedError

SHELF_MAX_S: Final[dict[int, float]] = {1: 0.0, 2: 3_600.0, 3: 8 * 3_600.0, 4: 24 * 3_600.0}
"""Longest shelf per priority, s; priority 1 is not shelvable (`docs/reference/alarms.md`)."""


def acknowledge(alarm: Alarm, *, at: int, by: str, comment: str = "") -> AlarmAcknowledged:
    """Decide an acknowledgement; refused when there is nothing to acknowledge or the alarm is hidden."""
    _check_shown(alarm)
    next_base(alarm, AlarmTrigger.ACKNOWLEDGE)
    return AlarmAcknowledged(at=at, by=by, comment=comment)


def comment(alarm: Alarm, *, at: int, by: str, text: str) -> AlarmCommented:
    """Decide a comment on an alarm, whatever its state; refused when it says nothing."""
    if not text.strip():
        msg = f"備註不得空白 / a comment on alarm {alarm.alarm_id} needs a text"
        raise RefusedError(msg)
    return AlarmCommented(at=at, by=by, comment=text)


def reset(alarm: Alarm, *, at: int, by: str) -> AlarmReset:
    """Decide the release of a latch; refused while the condition lasts."""
    next_base(alarm, AlarmTrigger.RESET)
    return AlarmReset(at=at, by=by)


def realarm(alarm: Alarm, *, at: int, reason: str = "lasted") -> AlarmRealarmed:
    """Decide that an acknowledged alarm rings again; refused when it is hidden, over or not acknowledged."""
    _check_shown(alarm)
    next_base(alarm, AlarmTrigger.REALARM)
    return AlarmRealarmed(at=at, reason=reason)


def escalate(alarm: Alarm, *, level: int, to: str, at: int) -> AlarmEscalated:
    """Decide the next step up the chain; refused when nobody is asked any more, or that step was taken already."""
    _check_shown(alarm)
    if alarm.acknowledged or level != alarm.escalation_level + 1:
        msg = f"alarm {alarm.alarm_id} is {alarm.state} at level {alarm.escalation_level}: level {level} is not due"
        raise RefusedError(msg)
    return AlarmEscalated(level=level, to=to, at=at)


def shelve(alarm: Alarm, *, at: int, by: str, duration_s: float, reason: str, one_shot: bool = False) -> AlarmShelved:
    """Decide a shelf of ``duration_s``, or until the occurrence is over if that is sooner (``one_shot``).

    Refused above the priority's maximum, without a reason, or twice.
    """
    longest = SHELF_MAX_S[alarm.priority]
    if not reason.strip():
        msg = "擱置需填事由 / a shelf needs a reason"
        raise RefusedError(msg)
    if duration_s <= 0:
        msg = "擱置的結束時間已過 / the end of the shelf is over already; give a later one"
        raise RefusedError(msg)
    if duration_s > longest:
        msg = (
            f"優先 {alarm.priority} 最長擱置 {longest:.0f} 秒 / "
            f"priority {alarm.priority} may be shelved for {longest:.0f} s at most, not for {duration_s:.0f} s"
        )
        raise RefusedError(msg)
    if not alarm.annunciated or alarm.version == 0:
        msg = f"警報現為 {alarm.state}，不能擱置 / alarm {alarm.alarm_id} is {alarm.state}: it cannot be shelved"
        raise RefusedError(msg)
    if one_shot and not alarm.active:
        msg = (
            "警報未作用，不能一次性擱置 / "
            f"alarm {alarm.alarm_id} is not active: a shelf for one occurrence has nothing to end with"
        )
        raise RefusedError(msg)
    return AlarmShelved(at=at, by=by, until=at + round(duration_s * 1e6), reason=reason, one_shot=one_shot)


def unshelve(alarm: Alarm, *, at: int, by: str) -> AlarmUnshelved:
    """Decide the end of a shelf; refused when there is none."""
    if not alarm.shelved:
        msg = f"警報未被擱置 / alarm {alarm.alarm_id} is not shelved"
        raise RefusedError(msg)
    return AlarmUnshelved(at=at, by=by)


def take_out_of_service(
    alarm: Alarm, *, at: int, by: str, permit: str, until: int, reason: str
) -> AlarmTakenOutOfService:
    """Decide that maintenance takes an alarm over until ``until``; refused without permit, reason or end, or twice."""
    if not permit.strip() or not reason.strip():
        msg = f"停用需有許可與事由 / alarm {alarm.alarm_id} goes out of service only under a permit and with a reason"
        raise RefusedError(msg)
    if until <= at:
        msg = f"停用的結束時間已過 / alarm {alarm.alarm_id}: the end of its time out of service is over already"
        raise RefusedError(msg)
    if alarm.out_of_service:
        whose = alarm.out_of_service_by
        msg = f"已由 {whose} 停用 / alarm {alarm.alarm_id} is out of service already, by {whose}"
        raise RefusedError(msg)
    return AlarmTakenOutOfService(at=at, by=by, permit=permit, until=until, reason=reason)


def return_to_service(alarm: Alarm, *, at: int, by: str) -> AlarmReturnedToService:
    """Decide that maintenance gives an alarm back; refused when it is in service."""
    if not alarm.out_of_service:
        msg = f"警報未停用 / alarm {alarm.alarm_id} is in service"
        raise RefusedError(msg)
    return AlarmReturnedToService(at=at, by=by)


def _check_shown(alarm: Alarm) -> None:
    if not alarm.annunciated:
        msg = f"現為 {alarm.state}，請先恢復 / alarm {alarm.alarm_id} is {alarm.state}: return it to the operators"
        raise RefusedError(msg)
