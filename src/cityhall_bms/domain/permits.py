"""Permits: work, drills and tests that somebody allowed, where, from when until when, and why.

What a permit covers is hidden, or marked, by suppression by design (:mod:`cityhall_bms.domain.alarms`). A permit is
in force by its times alone, so that what was allowed at any moment of the past follows from the event log.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored

PERMIT_STREAMS: Final = "permit/"
"""What the stream of every permit starts with; reads them all."""
LONGEST_S: Final = 31 * 86_400.0
"""Longest permit, s; work that lasts longer is looked at again and allowed anew."""


class PermitKind(StrEnum):
    """What is allowed."""

    WORKS = "works"
    DRILL = "drill"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Scope:
    """Equipment by name, and whatever lies in one of the ``zones`` (``05``, ``05.W``) and is of one of the ``systems``.

    Of zones and systems an empty one does not restrict the other; when both are empty only named equipment is meant.
    """

    equipment: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it covers nothing."""
        return not (self.equipment or self.zones or self.systems)

    def covers(self, equipment: str, system: str) -> bool:
        """Tell whether equipment (``TCH.05.W.AHU01``) of a system lies in the scope."""
        if equipment in self.equipment:
            return True
        if not (self.zones or self.systems):
            return False
        in_place = not self.zones or not places_of(equipment).isdisjoint(self.zones)
        return in_place and (not self.systems or system in self.systems)


def places_of(equipment: str) -> frozenset[str]:
    """Floor, and zone of the floor, of equipment by its name: ``05`` and ``05.W`` of ``TCH.05.W.AHU01``."""
    match equipment.split("."):
        case [_, floor, zone, _]:
            return frozenset({floor, f"{floor}.{zone}"})
    return frozenset()


@stored
@dataclass(frozen=True, slots=True)
class PermitOpened(Event):
    """Somebody allowed something; times are µs UTC, ``until`` excluded, ``begin`` may lie ahead of ``at``."""

    permit: str
    kind: str
    equipment: list[str]
    zones: list[str]
    systems: list[str]
    begin: int
    until: int
    reason: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class PermitClosed(Event):
    """A permit ended: by somebody, or by itself at its time when ``by`` is ``system``."""

    permit: str
    by: str
    at: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Permit:
    """One permit as it stands; the fold of its events. Times are µs UTC."""

    permit: str
    kind: PermitKind
    scope: Scope
    begin: int
    until: int
    reason: str
    opened_by: str
    opened_at: int
    closed_at: int | None = None
    closed_by: str = ""
    comment: str = ""
    version: int = 1
    """Version of the permit's stream: how many events it is the fold of."""
    position: int = 0
    """Position in the event log of the latest of them."""

    @property
    def end(self) -> int:
        """When it ends, or ended."""
        return self.until if self.closed_at is None else min(self.until, self.closed_at)

    def in_force(self, at: int) -> bool:
        """Whether it holds at a time."""
        return self.begin <= at < self.end

    def covers(self, equipment: str, system: str, at: int) -> bool:
        """Whether it holds at a time for equipment of a system."""
        return self.in_force(at) and self.scope.covers(equipment, system)


def permit_stream(permit: str) -> str:
    """Event stream of one permit."""
    return f"{PERMIT_STREAMS}{permit}"


def fold_permit(permit: Permit | None, entry: StoredEvent) -> Permit | None:
    """Permit after one entry of its stream; what cannot follow, or is of a newer version, changes nothing."""
    event = entry.event() if entry.type in EVENT_TYPES else None
    match event:
        case PermitOpened() if permit is None:
            return Permit(
                permit=event.permit,
                kind=PermitKind(event.kind),
                scope=Scope(tuple(event.equipment), tuple(event.zones), tuple(event.systems)),
                begin=event.begin,
                until=event.until,
                reason=event.reason,
                opened_by=event.by,
                opened_at=event.at,
                version=entry.version,
                position=entry.position,
            )
        case PermitClosed() if permit is not None and permit.closed_at is None:
            return replace(
                permit,
                closed_at=event.at,
                closed_by=event.by,
                comment=event.comment,
                version=entry.version,
                position=entry.position,
            )
    return permit


def covering(permits: Iterable[Permit], equipment: str, system: str, at: int) -> Permit | None:
    """The permit that covers equipment of a system at a time; of several the one that was opened first."""
    found = [permit for permit in permits if permit.covers(equipment, system, at)]
    return min(found, key=lambda permit: (permit.opened_at, permit.permit), default=None)


def open_permit(event: PermitOpened) -> PermitOpened:
    """Decide a permit; refused without scope or reason, when it ends before it begins or is over, or is too long."""
    if not event.reason.strip():
        msg = "許可需填事由 / a permit needs a reason"
        raise RefusedError(msg)
    if not (event.equipment or event.zones or event.systems):
        msg = "許可需有範圍：設備、區域或系統 / a permit needs a scope: equipment, zones or systems"
        raise RefusedError(msg)
    if not max(event.begin, event.at) < event.until:
        msg = "許可的結束須晚於開始，且不得已過 / a permit ends after it begins, and not in the past"
        raise RefusedError(msg)
    if event.until - event.begin > LONGEST_S * 1e6:
        days = f"{LONGEST_S / 86_400:.0f}"
        msg = f"許可最長 {days} 天，屆時請另開 / a permit lasts {days} days at most; open another one then"
        raise RefusedError(msg)
    return event


def close_permit(permit: Permit, *, at: int, by: str, comment: str = "") -> PermitClosed:
    """Decide the end of a permit; refused when it was closed already."""
    if permit.closed_at is not None:
        whose = permit.closed_by
        msg = f"許可已由 {whose} 結束 / permit {permit.permit} was closed by {whose}"
        raise RefusedError(msg)
    return PermitClosed(permit=permit.permit, by=by, at=at, comment=comment)
