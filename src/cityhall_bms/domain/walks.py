"""Walks of commissioning: each point of a piece of equipment is checked at the machine, then somebody else signs.

What was checked, by whom and what was seen follows from the event log alone; a check after a signature takes it away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import Event, StoredEvent, stored

WALK_STREAMS: Final = "walk/"
"""What the stream of every walk starts with."""


@stored
@dataclass(frozen=True, slots=True)
class PointWalked(Event):
    """Somebody compared a point with the machine; ``seen`` is what the service showed then, none when it knew nothing.

    ``at`` is µs UTC.
    """

    equipment: str
    point: str
    passed: bool
    note: str
    seen: float | None
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class WalkSignedOff(Event):
    """Somebody took a piece of equipment over, with as many ``points`` as were checked; ``at`` is µs UTC."""

    equipment: str
    points: int
    note: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Check:
    """The last check of a point."""

    passed: bool
    note: str
    seen: float | None
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Signature:
    """Who took the equipment over, when (µs UTC)."""

    by: str
    at: int
    note: str


@dataclass(frozen=True, slots=True)
class Walk:
    """The walk of one piece of equipment as it stands; the fold of its events."""

    equipment: str
    checks: Mapping[str, Check] = field(default_factory=dict)
    signature: Signature | None = None
    version: int = 0
    position: int = 0


def walk_stream(equipment: str) -> str:
    """Stream of a piece of equipment's walk."""
    return f"{WALK_STREAMS}{equipment}"


def fold_walk(walk: Walk, entry: StoredEvent) -> Walk:
    """Take in one entry of the walk's stream."""
    here = replace(walk, version=entry.version, position=entry.position)
    match entry.event():
        case PointWalked() as walked:
            check = Check(walked.passed, walked.note, walked.seen, walked.by, walked.at)
            return replace(here, checks={**walk.checks, walked.point: check}, signature=None)
        case WalkSignedOff() as signed:
            return replace(here, signature=Signature(signed.by, signed.at, signed.note))
    return here


def check_point(
    walk: Walk, point: str, *, passed: bool, note: str, seen: float | None, by: str, at: int
) -> PointWalked:
    """Check a point; ``RefusedError`` for a failure that does not say what is wrong."""
    if not passed and not note.strip():
        msg = "請寫明哪裡不符 / say what is wrong with it"
        raise RefusedError(msg)
    return PointWalked(walk.equipment, point, passed, note.strip(), seen, by, at)


def sign_off(walk: Walk, points: Sequence[str], *, note: str, by: str, at: int) -> WalkSignedOff:
    """Take equipment over.

    ``RefusedError`` while a point of it is unchecked or failed, when it is signed, and to whoever checked one of its
    points: who signs is another person.
    """
    unchecked = [name for name in points if name not in walk.checks]
    failed = [name for name in points if name in walk.checks and not walk.checks[name].passed]
    if walk.signature is not None:
        msg = f"已簽認 / {walk.equipment} is signed by {walk.signature.by}"
    elif unchecked:
        msg = f"尚有 {len(unchecked)} 點未查 / not checked yet: {', '.join(unchecked[:3])}"
    elif failed:
        msg = f"尚有 {len(failed)} 點不符 / still failed: {', '.join(failed[:3])}"
    elif by in {walk.checks[name].by for name in points}:
        msg = f"查驗者不能自行簽認 / {by} checked points of {walk.equipment}: somebody else signs"
    else:
        return WalkSignedOff(walk.equipment, len(points), note.strip(), by, at)
    raise RefusedError(msg)
