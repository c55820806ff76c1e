"""What a server tells of its conditions and alarms (OPC 10000-9), told once as notices. Pure; knows no library.

A condition is told by events. The server lists those that matter (*Retain*) between a *refresh start* and a *refresh
end*, whenever it is asked to: what stood before and is missing there has ended while nobody listened.
"""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.notices import DeviceNotice

ACTIVE: Final = "active"
NORMAL: Final = "normal"
ACKNOWLEDGED: Final = "ack-notification"
"""Kind of a notice that says no more than that somebody took note at another console."""
CONDITIONS_MAX: Final = 10_000
"""Standing or unacknowledged at once, of one server; more are not told, and the log says so."""
SEVERITY_MAX: Final = 1000
_PRIORITY_MAX: Final = 255

log = logging.getLogger(__name__)


class Marker(StrEnum):
    """Events that are about the telling itself."""

    REFRESH_START = "refresh-start"
    REFRESH_END = "refresh-end"
    REFRESH_REQUIRED = "refresh-required"
    """Also when the server's queue was full: some events are lost."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One event of a condition; ``at`` is the server's time of the change, µs UTC (0 when it gave none)."""

    condition: str
    """NodeId of the condition itself, by which one event is known to be about the same as another."""
    event: bytes
    """What an acknowledgement has to name."""
    kind: str
    """Name of the condition's type: ``exclusive-level-alarm``."""
    source: str
    """NodeId of what it is about."""
    source_name: str
    message: str
    severity: int
    at: int
    is_active: bool
    is_acknowledged: bool
    """Also when the condition is of a type that asks for no acknowledgement."""

    @property
    def state(self) -> str:
        """``active`` or ``normal``."""
        return ACTIVE if self.is_active else NORMAL


class Book:
    """Conditions of one server as far as we told of them; it outlives sessions, and ends with the process."""

    def __init__(self, device: str, addresses: Collection[str]) -> None:
        self._device = device
        self._addresses = addresses
        self._standing: dict[str, Condition] = {}
        self._active: dict[str, set[str]] = {}
        self._named: dict[str, bytes] = {}
        """Event by which each standing condition was told last."""
        self._listed: set[str] | None = None
        self._told_full = False

    def take(self, said: Condition | Marker, now: int) -> list[DeviceNotice]:
        """Make notices of an event: of what was not told before."""
        return list(self._marked(said, now) if isinstance(said, Marker) else self._told(said, now))

    def latest(self, condition: str, event: bytes) -> bytes:
        """The event that a server wants named for the state that this event told.

        Some take none but the newest of a condition; those behind it that said nothing new stand for the same.
        """
        standing = self._standing.get(condition)
        return standing.event if standing is not None and self._named.get(condition) == event else event

    def __len__(self) -> int:
        """How many conditions are active, or not acknowledged."""
        return len(self._standing)

    def _told(self, event: Condition, now: int) -> Iterator[DeviceNotice]:
        if self._listed is not None:
            self._listed.add(event.condition)
        before = self._standing.get(event.condition)
        if before is None and self._is_full():
            return
        self._stands(event)
        if before is not None and before.is_active == event.is_active:
            if event.is_acknowledged and not before.is_acknowledged:
                yield self._notice(event, now, event.state, kind=ACKNOWLEDGED)
            if not event.is_active or before.severity == event.severity:
                return
        if event.is_active:
            self._active.setdefault(self._address(event), set()).add(event.condition)
        elif not self._was_last(event):
            return
        # A list does not say from which state a condition came.
        unknown = "" if self._listed is not None else NORMAL
        yield self._notice(event, now, unknown if before is None else before.state)

    def _marked(self, marker: Marker, now: int) -> Iterator[DeviceNotice]:
        """Notices of a list that has ended: what stood and is not on it is over."""
        if marker is Marker.REFRESH_START:
            self._listed = set()
        if marker is not Marker.REFRESH_END or self._listed is None:
            return
        listed, self._listed = self._listed, None
        for condition in [one for one in self._standing if one not in listed]:
            was = self._standing.pop(condition)
            self._named.pop(condition, None)
            over = replace(was, is_active=False, is_acknowledged=True, at=now)
            if was.is_active and self._was_last(over):
                yield self._notice(over, now, ACTIVE)

    def _was_last(self, event: Condition) -> bool:
        """Note that a condition is over; its address is in alarm until the last of its conditions is."""
        address = self._address(event)
        others = self._active.get(address, set())
        others.discard(event.condition)
        if not others:
            self._active.pop(address, None)
        return not others

    def _stands(self, event: Condition) -> None:
        if event.is_active or not event.is_acknowledged:
            self._standing[event.condition] = event
        else:
            self._standing.pop(event.condition, None)
            self._named.pop(event.condition, None)

    def _is_full(self) -> bool:
        full = len(self._standing) >= CONDITIONS_MAX
        if full and not self._told_full:
            log.warning("%s: 警報過多 more than %d alarms at once: more are not told", self._device, CONDITIONS_MAX)
        self._told_full = full
        return full

    def _address(self, event: Condition) -> str:
        """The source where it is a point of ours; else the condition: one source may have hundreds of them."""
        return event.source if event.source in self._addresses else event.condition

    def _notice(self, event: Condition, now: int, from_state: str, *, kind: str = "") -> DeviceNotice:
        if event.condition in self._standing:
            self._named[event.condition] = event.event
        return DeviceNotice(
            self._device,
            self._address(event),
            kind or event.kind,
            from_state,
            event.state,
            event.at or now,
            _message(event),
            priority_of(event.severity),
            "" if event.is_acknowledged else reference_of(event.condition, event.event),
        )


def priority_of(severity: int) -> int:
    """A severity, 1 to 1000 and 1000 the most urgent, as a notice's priority: 0 to 255, and 0 the most urgent."""
    return round((SEVERITY_MAX - min(max(severity, 0), SEVERITY_MAX)) * _PRIORITY_MAX / SEVERITY_MAX)


def reference_of(condition: str, event: bytes) -> str:
    """What an acknowledgement has to name, as one text."""
    return f"{event.hex()} {condition}"


def acknowledged_by(reference: str) -> tuple[str, bytes] | None:
    """Condition and event that a reference names; none when it is none of ours."""
    event, _, condition = reference.partition(" ")
    try:
        return (condition, bytes.fromhex(event)) if condition else None
    except ValueError:
        return None


def kebab(name: str) -> str:
    """Name of a type as the kind of a notice: ``ExclusiveLevelAlarmType`` is ``exclusive-level-alarm``."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name.removesuffix("Type"))
    return "-".join(words.split())


def _message(event: Condition) -> str:
    """Its own words, and what it is about where they do not say so."""
    if not event.source_name or event.source_name in event.message:
        return event.message
    return f"{event.source_name}: {event.message}" if event.message else event.source_name
