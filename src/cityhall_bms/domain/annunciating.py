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


@dataclass(frozen=True, slots=True)
class Settlement:
    """Nobody is asked any more about an alarm that waited; all of its rings until then are settled by it."""

    acknowledged: int
    """When an operator took note; :data:`NEVER` when the question was taken back."""
    withdrawn: bool

    def of(self, row: Annunciation) -> Annunciation:
        """Row afterwards."""
        return replace(row, waiting=False, acknowledged=self.acknowledged, withdrawn=self.withdrawn)


def annunciate(standing: Iterable[Annunciation], change: Change) -> Sequence[Annunciation]:
    """Rows that a change makes or ends; ``standing`` are those of the alarm that have no end yet."""
    rows = list(standing)
    if isinstance(change.event, AlarmRecordedLate):
        return [_late(change.event, change)]
    if change.before.active and not change.after.active:
        ended = change.at if change.after.returned_at is None else change.after.returned_at
        return [replace(row, ended=ended) for row in rows]
    if rings(change.before, change.after):
        return [_rung(change, again=any(row.occurrence == change.after.occurrence for row in rows))]
    return []


def settle(change: Change) -> Settlement | None:
    """What a change says to the rings that wait: an answer, or that nobody owes one any more; none if they go on."""
    if not asks(change.before) or asks(change.after):
        return None
    is_answer = isinstance(change.event, ANSWERS)
    return Settlement(change.at if is_answer else NEVER, isinstance(change.event, AlarmSuppressed))


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
