"""Read models: what the API asks, kept by projections of the event log."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.site import Site


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Which alarms.

    ``state`` is a displayed state (``UNACK``), or ``open`` (anything but normal), ``active``, ``unacknowledged``,
    ``shelved``, ``all``.
    """

    state: str = "open"
    system: str | None = None
    priority: int | None = None
    equipment: str | None = None


@dataclass(frozen=True, slots=True)
class AlarmPage:
    """Alarms in the operator's order: unacknowledged first, by priority, newest first."""

    alarms: Sequence[Alarm]
    next_cursor: str | None
    position: int
    """Event position that this page reflects; the feed goes on from here."""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """Whether a device answers, since when, and why not. Times µs UTC."""

    device: str
    state: str
    """``unknown`` until the first attempt, then ``online`` or ``offline``."""
    since: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmTransition:
    """One event of one alarm, and the alarm as it stood after it."""

    position: int
    recorded_at: int
    type: str
    actor: str
    alarm: Alarm
    before: Alarm | None = None
    """The alarm as the transition before left it; none at first, and where the record was searched."""


class AlarmView(Protocol):
    """All alarms as they stand."""

    async def page(self, which: AlarmFilter, limit: int, cursor: str | None) -> AlarmPage:
        """One page; ``ValueError`` for a cursor that is none of ours."""
        ...

    async def everything(self) -> AlarmPage:
        """Every alarm there ever was, in no order: where whoever keeps a fold of them begins."""
        ...

    async def get(self, alarm_id: str) -> Alarm | None:
        """One alarm, or none."""
        ...

    async def transitions(self, after: int, limit: int) -> list[AlarmTransition]:
        """What happened after a position, in order."""
        ...

    async def newest_transitions_of(self, alarm_id: str, limit: int) -> list[AlarmTransition]:
        """What happened to one alarm last, in order."""
        ...

    def follow(self, after: int) -> AsyncIterator[AlarmTransition]:
        """Every transition after a position, in order, without end; goes on by itself after an outage."""
        ...

    async def shelves_due(self, now: int) -> list[Alarm]:
        """Shelved alarms whose time is over."""
        ...


class DeviceView(Protocol):
    """All devices as they stand."""

    async def states(self) -> Mapping[str, DeviceState]:
        """By device name; a device that never reported is absent."""
        ...


class PointRegistry(Protocol):
    """Permanent numbers of points."""

    async def apply(self, site: Site, actor: str) -> Mapping[str, int]:
        """Take a site into service: number new points, write ``SiteApplied`` if anything differs, give all numbers."""
        ...

    async def ids(self) -> Mapping[str, int]:
        """Number of every point ever known, by name."""
        ...
