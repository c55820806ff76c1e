"""From an alarm's transitions to what rang: pure, and the same for the record and for a replay of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cityhall_bms.domain.alarms import (
    SHELF_MAX_S,
    UNACKNOWLEDGED_STATES,
    Alarm,
    AlarmAcknowledged,
    AlarmRecordedLate,
    AlarmShelved,
    AlarmState,
    AlarmSuppressed,
    AlarmTakenOutOfService,
)
from cityhall_bms.domain.annunciations import NEVER
from cityhall_bms.domain.events import Event

ANSWERS: Final = (AlarmAcknowledged, AlarmShelved, AlarmTakenOutOfService)
"""By these an operator shows that the alarm was noticed."""


@dataclass(frozen=True, slots=True)
class Annunciation:
    """One ring, or one occurrence found in late data. Times are µs UTC, :data:`NEVER` where not (yet)."""

    position: int
    """Event by which it rang; its identity."""
    at: int
    """When that was recorded."""
    alarm_id: str
    occurrence: int
    priority: int
    system: str
    equipment: str
    began: int
    ended: int = NEVER
    acknowledged: int = NEVER
    again: bool = False
    late: bool = False
    drill: bool = False
    withdrawn: bool = False
    waiting: bool = True
    """Whether somebody is still asked to take note."""

    @property
    def settled(self) -> bool:
        """Whether nothing can change it any more."""
        return self.ended != NEVER and not self.waiting

    @property
    def rang(self) -> int:
        """When the operators were told."""
        return NEVER if self.late else self.at


@dataclass(frozen=True, slots=True)
class Change:
    """One event of an alarm, recorded ``at``, with the alarm before and after it."""

    event: Event
    at: int
    before: Alarm
    after: Alarm


def asks(alarm: Alarm) -> bool:
    """Whether operators see it and have not acknowledged it."""
    return alarm.state in UNACKNOWLEDGED_STATES


def rings(before: Alarm, after: Alarm) -> bool:
    """Whether the operators are told (again) by this change: a new occurrence, a re-alarm, or back from hiding."""
    asked_anew = before.state is not AlarmState.UNACKNOWLEDGED or before.waiting_since != after.waiting_since
    return after.state is AlarmState.UNACKNOWLEDGED and asked_anew


def annunciate(unsettled: Iterable[Annunciation], change: Change) -> Sequence[Annunciation]:
    """The alarm's rows that a change makes or alters; ``unsettled`` are those of its rows that can still change."""
    rows = list(unsettled)
    altered = [_altered(row, change) for row in rows]
    changed = [new for old, new in zip(rows, altered, strict=True) if new is not old]
    if isinstance(change.event, AlarmRecordedLate):
        changed.append(_late(change.event, change))
    elif rings(change.before, change.after):
        again = any(row.occurrence == change.after.occurrence for row in rows)
        changed.append(_rung(change, again=again))
    return changed


def unauthorised(change: Change) -> bool:
    """Whether an alarm was hidden without what the rules ask for (the desk refuses this; a record may hold it)."""
    match change.event:
        case AlarmShelved(at=at, until=until, reason=reason):
            return not reason.strip() or until - at > SHELF_MAX_S[change.before.priority] * 1e6
        case AlarmTakenOutOfService(permit=permit, until=until, reason=reason):
            return not permit.strip() or not reason.strip() or until is None
        case AlarmSuppressed(by=by):
            return not by.strip()
    return False


def _altered(row: Annunciation, change: Change) -> Annunciation:
    after = change.after
    if row.ended == NEVER and change.before.active and not after.active:
        row = replace(row, ended=change.at if after.returned_at is None else after.returned_at)
    if row.waiting and not asks(after):
        answered = isinstance(change.event, ANSWERS)
        withdrawn = isinstance(change.event, AlarmSuppressed)
        row = replace(row, waiting=False, withdrawn=withdrawn, acknowledged=change.at if answered else NEVER)
    return row


def _rung(change: Change, *, again: bool) -> Annunciation:
    alarm = change.after
    return Annunciation(
        position=alarm.position,
        at=change.at,
        alarm_id=alarm.alarm_id,
        occurrence=alarm.occurrence,
        priority=alarm.priority,
        system=alarm.system,
        equipment=alarm.equipment,
        began=change.at if alarm.raised_at is None else alarm.raised_at,
        again=again,
        drill=bool(alarm.drill),
    )


def _late(event: AlarmRecordedLate, change: Change) -> Annunciation:
    return Annunciation(
        position=change.after.position,
        at=change.at,
        alarm_id=change.after.alarm_id,
        occurrence=change.after.late_occurrences,
        priority=event.priority,
        system=event.system,
        equipment=event.equipment,
        began=event.began,
        ended=event.ended,
        late=True,
        waiting=False,
    )
