"""The life of one alarm: a table, and the events it is made of (ISA-18.2 / IEC 62682, OPC UA Part 9).

An alarm is one (rule, subject) for ever; what comes and goes are its occurrences. The base state follows
:data:`TRANSITIONS`; shelving, suppression by design and out-of-service lie over it and hide it from the operator,
while the condition goes on being evaluated.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import Event, stored


class AlarmState(StrEnum):
    """What an operator sees."""

    NORMAL = "NORM"
    UNACKNOWLEDGED = "UNACK"
    ACKNOWLEDGED = "ACKED"
    RETURNED_UNACKNOWLEDGED = "RTNUN"
    LATCHED_UNACKNOWLEDGED = "LATUN"
    LATCHED_ACKNOWLEDGED = "LATAK"
    SHELVED = "SHLVD"
    SUPPRESSED_BY_DESIGN = "DSUPR"
    OUT_OF_SERVICE = "OOSRV"


class AlarmTrigger(StrEnum):
    """What can happen to the base state."""

    RAISE = "raise"
    RETURN = "return"
    RETURN_LATCHING = "return_latching"
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    REALARM = "realarm"


S, T = AlarmState, AlarmTrigger
TRANSITIONS: Final[dict[tuple[AlarmState, AlarmTrigger], AlarmState]] = {
    (S.NORMAL, T.RAISE): S.UNACKNOWLEDGED,
    (S.UNACKNOWLEDGED, T.ACKNOWLEDGE): S.ACKNOWLEDGED,
    (S.UNACKNOWLEDGED, T.RETURN): S.RETURNED_UNACKNOWLEDGED,
    (S.UNACKNOWLEDGED, T.RETURN_LATCHING): S.LATCHED_UNACKNOWLEDGED,
    (S.ACKNOWLEDGED, T.RETURN): S.NORMAL,
    (S.ACKNOWLEDGED, T.RETURN_LATCHING): S.LATCHED_ACKNOWLEDGED,
    (S.ACKNOWLEDGED, T.REALARM): S.UNACKNOWLEDGED,
    (S.RETURNED_UNACKNOWLEDGED, T.ACKNOWLEDGE): S.NORMAL,
    (S.RETURNED_UNACKNOWLEDGED, T.RAISE): S.UNACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, T.ACKNOWLEDGE): S.LATCHED_ACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, T.RESET): S.RETURNED_UNACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, T.RAISE): S.UNACKNOWLEDGED,
    (S.LATCHED_ACKNOWLEDGED, T.RESET): S.NORMAL,
    (S.LATCHED_ACKNOWLEDGED, T.RAISE): S.UNACKNOWLEDGED,
}
"""Base state and trigger to the next base state; a pair that is absent cannot happen."""

ACTIVE_STATES: Final = frozenset({S.UNACKNOWLEDGED, S.ACKNOWLEDGED})
UNACKNOWLEDGED_STATES: Final = frozenset({S.UNACKNOWLEDGED, S.RETURNED_UNACKNOWLEDGED, S.LATCHED_UNACKNOWLEDGED})

SHELF_MAX_S: Final[dict[int, float]] = {1: 0.0, 2: 3_600.0, 3: 8 * 3_600.0, 4: 24 * 3_600.0}
"""Longest shelf per priority, s; priority 1 is not shelvable (`docs/reference/alarms.md`)."""


def alarm_id(rule: str, subject: str) -> str:
    """Identity of an alarm, fit for an address: one for each rule and subject."""
    return f"{rule}~{subject}"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it stands; the fold of its events. Times are µs UTC."""

    alarm_id: str
    rule: str = ""
    rule_version: int = 0
    subject: str = ""
    equipment: str = ""
    system: str = ""
    priority: int = 4
    text_zh: str = ""
    text_en: str = ""
    latching: bool = False
    base: AlarmState = AlarmState.NORMAL
    occurrence: int = 0
    repeat_count: int = 0
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    raised_at: int | None = None
    returned_at: int | None = None
    acknowledged_at: int | None = None
    acknowledged_by: str = ""
    comment: str = ""
    shelved_until: int | None = None
    shelved_by: str = ""
    shelf_reason: str = ""
    suppressed_by: str = ""
    out_of_service_by: str = ""
    version: int = 0
    """Version of the alarm's stream: how many events it is the fold of."""
    position: int = 0
    """Position in the event log of the latest of them."""

    @property
    def active(self) -> bool:
        """Whether the condition is true now."""
        return self.base in ACTIVE_STATES

    @property
    def acknowledged(self) -> bool:
        """Whether nobody needs to acknowledge anything."""
        return self.base not in UNACKNOWLEDGED_STATES

    @property
    def state(self) -> AlarmState:
        """Displayed state: out of service over suppressed over shelved over the base state."""
        if self.out_of_service_by:
            return AlarmState.OUT_OF_SERVICE
        if self.suppressed_by:
            return AlarmState.SUPPRESSED_BY_DESIGN
        if self.shelved_until is not None:
            return AlarmState.SHELVED
        return self.base

    @property
    def annunciated(self) -> bool:
        """Whether the operator is shown (and rung) this alarm."""
        return self.state == self.base


@dataclass(frozen=True, slots=True)
class AlarmEvent(Event):
    """Base of the events in an alarm's stream ``alarm/<alarm_id>``."""


@stored
@dataclass(frozen=True, slots=True)
class AlarmRaised(AlarmEvent):
    """The condition became true for its on-delay: a new occurrence."""

    rule: str
    rule_version: int
    subject: str
    equipment: str
    system: str
    priority: int
    text_zh: str
    text_en: str
    latching: bool
    occurrence: int
    observed_at: int
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    telemetry_position: int = 0


@stored
@dataclass(frozen=True, slots=True)
class AlarmReturned(AlarmEvent):
    """The condition became false past its deadband, for its off-delay."""

    observed_at: int
    value: float | None = None
    telemetry_position: int = 0


@stored
@dataclass(frozen=True, slots=True)
class AlarmAcknowledged(AlarmEvent):
    """An operator has seen it."""

    at: int
    by: str
    comment: str = ""


@stored
@dataclass(frozen=True, slots=True)
class AlarmReset(AlarmEvent):
    """An operator released the latch of an alarm whose condition is over."""

    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class AlarmRealarmed(AlarmEvent):
    """An acknowledged alarm rings again because it lasts or became worse."""

    at: int


@stored
@dataclass(frozen=True, slots=True)
class AlarmShelved(AlarmEvent):
    """An operator put it aside until a time."""

    at: int
    by: str
    until: int
    reason: str


@stored
@dataclass(frozen=True, slots=True)
class AlarmUnshelved(AlarmEvent):
    """The shelf ended: by an operator, or by itself when ``by`` is ``system``."""

    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class AlarmSuppressed(AlarmEvent):
    """A suppression by design hides it."""

    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class AlarmUnsuppressed(AlarmEvent):
    """The suppression ended."""

    at: int


@stored
@dataclass(frozen=True, slots=True)
class AlarmTakenOutOfService(AlarmEvent):
    """Maintenance took it out of service under a permit."""

    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class AlarmReturnedToService(AlarmEvent):
    """Maintenance gave it back."""

    at: int
    by: str


def stream_of(identity: str) -> str:
    """Event stream of one alarm."""
    return f"alarm/{identity}"


def next_base(alarm: Alarm, trigger: AlarmTrigger) -> AlarmState:
    """Base state after a trigger; :class:`RefusedError` when the table has no such cell."""
    try:
        return TRANSITIONS[alarm.base, trigger]
    except KeyError:
        msg = f"alarm {alarm.alarm_id} is {alarm.base}: it cannot take '{trigger}'"
        raise RefusedError(msg) from None


def _on_raised(alarm: Alarm, event: AlarmRaised) -> Alarm:
    again = alarm.base in {AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED}
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
        latching=event.latching,
        base=next_base(alarm, AlarmTrigger.RAISE),
        occurrence=event.occurrence,
        repeat_count=alarm.repeat_count + 1 if again else 0,
        value=event.value,
        limit=event.limit,
        unit=event.unit,
        raised_at=event.observed_at,
        returned_at=None,
        acknowledged_at=None,
        acknowledged_by="",
        comment="",
    )


def _on_returned(alarm: Alarm, event: AlarmReturned) -> Alarm:
    trigger = AlarmTrigger.RETURN_LATCHING if alarm.latching else AlarmTrigger.RETURN
    return replace(alarm, base=next_base(alarm, trigger), returned_at=event.observed_at)


def _on_acknowledged(alarm: Alarm, event: AlarmAcknowledged) -> Alarm:
    base = next_base(alarm, AlarmTrigger.ACKNOWLEDGE)
    return replace(alarm, base=base, acknowledged_at=event.at, acknowledged_by=event.by, comment=event.comment)


def _uncovered(alarm: Alarm) -> AlarmState:
    """Base state once nothing lies over it any more: what is still active must be seen again."""
    return AlarmState.UNACKNOWLEDGED if alarm.active else AlarmState.NORMAL


def _on_unshelved(alarm: Alarm, _event: AlarmUnshelved) -> Alarm:
    return replace(alarm, base=_uncovered(alarm), shelved_until=None, shelved_by="", shelf_reason="")


_EVOLVE: Final[dict[type[AlarmEvent], Callable[[Alarm, Any], Alarm]]] = {
    AlarmRaised: _on_raised,
    AlarmReturned: _on_returned,
    AlarmAcknowledged: _on_acknowledged,
    AlarmReset: lambda alarm, _: replace(alarm, base=next_base(alarm, AlarmTrigger.RESET)),
    AlarmRealarmed: lambda alarm, _: replace(alarm, base=next_base(alarm, AlarmTrigger.REALARM)),
    AlarmShelved: lambda alarm, event: replace(
        alarm, shelved_until=event.until, shelved_by=event.by, shelf_reason=event.reason
    ),
    AlarmUnshelved: _on_unshelved,
    AlarmSuppressed: lambda alarm, event: replace(alarm, suppressed_by=event.by),
    AlarmUnsuppressed: lambda alarm, _: replace(alarm, base=_uncovered(alarm), suppressed_by=""),
    AlarmTakenOutOfService: lambda alarm, event: replace(alarm, out_of_service_by=event.by),
    AlarmReturnedToService: lambda alarm, _: replace(alarm, base=_uncovered(alarm), out_of_service_by=""),
}


def evolve(alarm: Alarm, event: AlarmEvent, *, version: int, position: int) -> Alarm:
    """Alarm after one event of its stream."""
    return replace(_EVOLVE[type(event)](alarm, event), version=version, position=position)


def acknowledge(alarm: Alarm, *, at: int, by: str, comment: str = "") -> AlarmAcknowledged:
    """Decide an acknowledgement; refused when there is nothing to acknowledge or the alarm is hidden."""
    if not alarm.annunciated:
        msg = f"alarm {alarm.alarm_id} is {alarm.state}: return it to the operators first"
        raise RefusedError(msg)
    next_base(alarm, AlarmTrigger.ACKNOWLEDGE)
    return AlarmAcknowledged(at=at, by=by, comment=comment)


def reset(alarm: Alarm, *, at: int, by: str) -> AlarmReset:
    """Decide the release of a latch; refused while the condition lasts."""
    next_base(alarm, AlarmTrigger.RESET)
    return AlarmReset(at=at, by=by)


def shelve(alarm: Alarm, *, at: int, by: str, duration_s: float, reason: str) -> AlarmShelved:
    """Decide a shelf of ``duration_s``; refused above the priority's maximum, without a reason, or twice."""
    longest = SHELF_MAX_S[alarm.priority]
    if not reason.strip():
        msg = "a shelf needs a reason"
        raise RefusedError(msg)
    if not 0 < duration_s <= longest:
        msg = f"priority {alarm.priority} may be shelved for {longest:.0f} s at most, not for {duration_s:.0f} s"
        raise RefusedError(msg)
    if not alarm.annunciated or alarm.version == 0:
        msg = f"alarm {alarm.alarm_id} is {alarm.state}: it cannot be shelved"
        raise RefusedError(msg)
    return AlarmShelved(at=at, by=by, until=at + round(duration_s * 1e6), reason=reason)


def unshelve(alarm: Alarm, *, at: int, by: str) -> AlarmUnshelved:
    """Decide the end of a shelf; refused when there is none."""
    if alarm.shelved_until is None:
        msg = f"alarm {alarm.alarm_id} is not shelved"
        raise RefusedError(msg)
    return AlarmUnshelved(at=at, by=by)
