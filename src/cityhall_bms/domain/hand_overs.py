"""Handing a shift over: what stood, what was said, and two signatures.

The lists are not copied into the record. It says at which position of the event log they were taken, and a digest
of them: whoever folds the log up to that position gets the same lists, for ever, and can prove it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.alarms import UNACKNOWLEDGED_STATES, Alarm, AlarmState
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, canonical, stored
from cityhall_bms.domain.permits import Permit

HAND_OVER_STREAMS: Final = "hand-over/"
SIGNED_WITHIN_S: Final = 3_600.0
"""For how long lists may be signed: after that they say too little of how things stand."""


class ListName(StrEnum):
    """The lists of a hand-over; every alarm that is not normal is in one of them."""

    UNACKNOWLEDGED = "unacknowledged"
    OPEN = "open"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"


_COVERED: Final = {
    AlarmState.SHELVED: ListName.SHELVED,
    AlarmState.SUPPRESSED_BY_DESIGN: ListName.SUPPRESSED,
    AlarmState.OUT_OF_SERVICE: ListName.OUT_OF_SERVICE,
}


@stored
@dataclass(frozen=True, slots=True)
class HandOverPrepared(Event):
    """The outgoing operator wrote down how things stand; ``as_of`` is the position at which the lists were taken.

    ``counts`` has the alarms of each list and the ``permits`` in force, ``digest`` is :func:`digest` of them.
    """

    hand_over: str
    by: str
    at: int
    notes: str
    as_of: int
    counts: dict[str, int]
    digest: str


@stored
@dataclass(frozen=True, slots=True)
class HandOverSigned(Event):
    """The incoming operator took the shift."""

    hand_over: str
    by: str
    at: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Lists:
    """What stood at a position: alarms in the operators' order, and permits in force."""

    alarms: Mapping[ListName, list[Alarm]]
    permits: list[Permit] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many each list has."""
        return {name.value: len(alarms) for name, alarms in self.alarms.items()} | {"permits": len(self.permits)}

    @property
    def digest(self) -> str:
        """SHA-256 over the names and versions of everything that is listed."""
        listed = {name.value: [[a.alarm_id, a.version] for a in alarms] for name, alarms in self.alarms.items()}
        permits = [[permit.permit, permit.version] for permit in self.permits]
        return hashlib.sha256(canonical(listed | {"permits": permits}).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class HandOver:
    """One hand-over as it stands; the fold of its events. Times are µs UTC."""

    hand_over: str
    prepared_by: str
    prepared_at: int
    as_of: int
    notes: str
    counts: Mapping[str, int]
    digest: str
    signed_by: str = ""
    signed_at: int | None = None
    comment: str = ""
    version: int = 1
    position: int = 0


def lists_of(alarms: Iterable[Alarm], permits: Iterable[Permit]) -> Lists:
    """Sort alarms that are not normal into the lists, keeping their order."""
    lists: dict[ListName, list[Alarm]] = {name: [] for name in ListName}
    for alarm in alarms:
        if alarm.state is not AlarmState.NORMAL:
            lists[_list_of(alarm)].append(alarm)
    return Lists(lists, list(permits))


def _list_of(alarm: Alarm) -> ListName:
    shown = ListName.UNACKNOWLEDGED if alarm.state in UNACKNOWLEDGED_STATES else ListName.OPEN
    return _COVERED.get(alarm.state, shown)


def fold_hand_over(hand_over: HandOver | None, entry: StoredEvent) -> HandOver | None:
    """Hand-over after one entry of its stream; what cannot follow, or is of a newer version, changes nothing."""
    event = entry.event() if entry.type in EVENT_TYPES else None
    match event:
        case HandOverPrepared() if hand_over is None:
            return HandOver(
                hand_over=event.hand_over,
                prepared_by=event.by,
                prepared_at=event.at,
                as_of=event.as_of,
                notes=event.notes,
                counts=event.counts,
                digest=event.digest,
                version=entry.version,
                position=entry.position,
            )
        case HandOverSigned() if hand_over is not None and hand_over.signed_at is None:
            return replace(
                hand_over,
                signed_by=event.by,
                signed_at=event.at,
                comment=event.comment,
                version=entry.version,
                position=entry.position,
            )
    return hand_over


def sign(hand_over: HandOver, *, at: int, by: str, comment: str = "") -> HandOverSigned:
    """Decide a signature; refused to whoever hands over, when somebody signed, or when the lists are too old."""
    if hand_over.signed_at is not None:
        name, whose = hand_over.hand_over, hand_over.signed_by
        msg = f"交接班 {name} 已由 {whose} 簽收 / hand-over {name} was signed by {whose}"
        raise RefusedError(msg)
    if by.strip() == hand_over.prepared_by.strip():
        msg = f"{by} 為交班人，須由他人接班 / {by} hands this shift over: somebody else takes it"
        raise RefusedError(msg)
    if at - hand_over.prepared_at > SIGNED_WITHIN_S * 1e6:
        minutes = f"{SIGNED_WITHIN_S / 60:.0f}"
        msg = f"清單已超過 {minutes} 分鐘，請重新製作 / the lists are older than {minutes} minutes: prepare them anew"
        raise RefusedError(msg)
    return HandOverSigned(hand_over=hand_over.hand_over, by=by, at=at, comment=comment)
