"""Commands to the plant: what people and the service's own automation ask for, and what is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.commanding.control import Command, CommandState, PointControl, Slot
from cityhall_bms.ports.access import Requester


@dataclass(frozen=True, slots=True)
class CommandWish:
    """What somebody wants a point to hold, and why; ``value`` none gives the priority up.

    Priorities are 8 (operator), 12 (optimizer) and 16 (schedule). ``permit`` names a permit for works that covers the
    equipment, which only a person may work with.
    """

    point: str
    value: float | None
    priority: int
    reason: str
    permit: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """A command that waits for its confirmation; ``token`` is told to nobody else, and is kept nowhere."""

    command: Command
    token: str


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One point of many, and what it is to hold."""

    point: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Bulk:
    """One thing asked for at many points; ``approved_by`` empty while it waits, ``refused`` says why by point."""

    bulk: str
    items: Sequence[BulkItem]
    priority: int
    reason: str
    by: str
    until: int
    approved_by: str = ""
    commands: Sequence[str] = ()
    refused: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CommandFilter:
    """Which commands: of a point, in a state, of a priority; ``open_only`` those that are under way."""

    point: str | None = None
    state: CommandState | None = None
    priority: int | None = None
    open_only: bool = False


@dataclass(frozen=True, slots=True)
class CommandPage:
    """Commands, the newest first; ``next_place`` is where the next page begins."""

    commands: Sequence[Command]
    next_place: int | None


@dataclass(frozen=True, slots=True)
class HeldSlot:
    """A priority of a point that somebody holds."""

    point: str
    slot: Slot


class CommandView(Protocol):
    """Commands and priorities as they stand; lists may lag behind the log by some tenths of a second.

    Raises ``EventLogUnavailableError`` when it cannot be reached.
    """

    async def control(self, point: str) -> PointControl:
        """How a point is commanded, by the log, however far the view has come; one that never was has no slots."""
        ...

    async def get(self, command: str) -> Command | None:
        """One command, by the log while it is the newest of its point; or none."""
        ...

    async def page(self, which: CommandFilter, limit: int, before: int | None) -> CommandPage:
        """One page; ``before`` is the place that the page before gave."""
        ...

    async def held(self, priority: int | None = None) -> Sequence[HeldSlot]:
        """Priorities that are held, those that end first first: manual overrides for dashboard and shift report."""
        ...

    async def due(self, now: int) -> Sequence[HeldSlot]:
        """Manual overrides whose time (µs UTC) is over."""
        ...


class DeviceArrays(Protocol):
    """What devices themselves keep: the priority array of a point, asked for at this moment."""

    async def of(self, point: str) -> Mapping[int, float] | None:
        """Slots in use, 1 to 16, and their values, whoever wrote them; none where the device keeps no priorities.

        :class:`~cityhall_bms.domain.errors.CollectorUnavailableError` when no collector, or not the device, answers.
        """
        ...


class CommandDesk(Protocol):
    """What people and automation do about commands. Nothing here touches a device: the collector carries it out.

    ``NotFoundError`` for a point or command that nobody knows; ``ReadOnlyPointError`` for a point that is measured or
    belongs to life safety or to the building's supply; ``RefusedError`` for what a check, the state or the requester's
    authority does not allow, saying why; ``ConcurrencyError`` when the point changed meanwhile (ask again);
    ``EventLogUnavailableError`` when nothing was recorded.
    """

    async def select(self, wish: CommandWish, who: Requester) -> Selection:
        """First step of a person's command: every check is made, and the point is theirs for 30 s."""
        ...

    async def confirm(self, command: str, token: str, who: Requester) -> Command:
        """Second step: requested, or proposed where it needs a second person."""
        ...

    async def cancel(self, command: str, who: Requester) -> Command:
        """Let go of a selection, or of a command that waits for its approval."""
        ...

    async def approve(self, command: str, who: Requester) -> Command:
        """Agree, as a second person, to a command that needs it; it is requested."""
        ...

    async def request(self, wish: CommandWish, who: Requester) -> Command:
        """One step, for the service's own automation (priorities 12 and 16; none to relinquish).

        Gives the command as requested; :meth:`get` tells how it went. What its own limits, rate or failures before
        do not allow is refused at once; interlocks and minimum times are the collector's to check.
        """
        ...

    async def extend(self, point: str, lasts_s: float, reason: str, who: Requester) -> PointControl:
        """Let a manual override stand for so long from now."""
        ...

    async def get(self, command: str) -> Command:
        """One command as it stands."""
        ...


class BulkDesk(Protocol):
    """One thing asked for at many points at once, which always needs a second person. Fails as the other desk does."""

    async def propose(self, items: Sequence[BulkItem], priority: int, reason: str, who: Requester) -> Bulk:
        """Ask; ``RefusedError`` names every point that a check does not allow."""
        ...

    async def approve(self, bulk: str, who: Requester) -> Bulk:
        """Agree, as a second person: each point's command is requested, or left out with a reason."""
        ...

    async def get(self, bulk: str) -> Bulk:
        """One of them as it stands; the commands say how they went."""
        ...
