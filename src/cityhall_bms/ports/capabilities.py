"""What a driver may be able to do besides reading; whoever wants it asks with ``isinstance``.

Every call may raise :class:`~cityhall_bms.domain.errors.DeviceUnreachableError` (try again later); what the device
itself turned down is :class:`~cityhall_bms.domain.errors.DeviceRefusedError` in the device's own words.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint

Plain = str | int | float | bool | None


@runtime_checkable
class PingableDriver(Protocol):
    """A driver that can find out cheaply whether its device is alive: one small question, one short time-out."""

    async def ping(self, within_s: float) -> None:
        """Return when the open device answered anything at all within ``within_s``."""
        ...


@runtime_checkable
class VigilantDriver(Protocol):
    """A driver that hears without asking that its device tells nothing more: it hung up, or gave no sign of life."""

    def trouble(self) -> str | None:
        """Why nothing more will be pushed by the open device; none while all is well. No network, any time."""
        ...


@runtime_checkable
class BusFactory(Protocol):
    """A factory some of whose devices share one medium, on which they are asked one after the other."""

    def bus(self, device: Device) -> str | None:
        """Name of the medium (``10.0.0.5:502``, ``/dev/ttyS1``); none when the device has one of its own."""
        ...


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What a point holds after it was written: ``priority`` is the highest slot in use, where the protocol has any."""

    value: float
    quality: Quality
    priority: int | None = None


@runtime_checkable
class WritableDriver(Protocol):
    """A driver that can change a point. Only a :class:`CommandTarget` can be written, and life safety has none."""

    async def write(self, target: CommandTarget, value: float | None, priority: int) -> ReadBack:
        """Write ``value`` (in the point's unit) and read it back; ``None`` gives the priority up (relinquish).

        ``priority`` 1 to 16 as in BACnet; protocols without priorities keep the last writer's value, and refuse to
        relinquish. Never repeated blindly: after :class:`DeviceUnreachableError` the state is unknown, read it.
        """
        ...


@runtime_checkable
class PriorityDriver(Protocol):
    """A driver whose device keeps a priority array per commandable point."""

    async def priorities(self, bound: BoundPoint) -> Mapping[int, float]:
        """Slots in use, 1 to 16, and their values; empty when the relinquish default holds."""
        ...


@runtime_checkable
class HistoryDriver(Protocol):
    """A driver whose device remembers (trend logs, historical access), so that a gap can be filled."""

    def history(self, points: Sequence[BoundPoint], start: int, until: int) -> AsyncIterator[Readings]:
        """What the open device remembers of ``start <= time < until`` (µs UTC), oldest first, in bounded portions.

        Points of which the device remembers nothing are left out.
        """
        ...


@runtime_checkable
class AlarmingDriver(Protocol):
    """A driver whose device raises alarms of its own."""

    async def listen(self, sink: Callable[[DeviceNotice], None]) -> None:
        """Hand over every notice that the open device sends; returns at ``close``."""
        ...

    async def acknowledge(self, notice: DeviceNotice, who: str) -> None:
        """Tell the device that somebody took note."""
        ...


@runtime_checkable
class CallableDriver(Protocol):
    """A driver whose device offers methods."""

    async def call(self, target: CommandTarget, arguments: Sequence[Plain]) -> Sequence[Plain]:
        """Call the method that the target's address names."""
        ...


@runtime_checkable
class DiagnosableDriver(Protocol):
    """A driver that tells how it fares."""

    def diagnostics(self) -> Mapping[str, Plain]:
        """Counters and states by name; never a password, key or certificate. Works at any time, closed too."""
        ...


@runtime_checkable
class RedecodableFactory(Protocol):
    """A factory that can read once more what its devices sent (``Readings.raw``), with today's encodings."""

    def redecode(self, points: Sequence[BoundPoint], raw: bytes, observed_at: int) -> Readings:
        """Give the values of those points that the bytes of one scan hold; the others are left out. No network.

        ``ValueError`` for bytes that are no scan of this driver.
        """
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to read the same bytes: ``CDAB``, and what the value would be."""

    encoding: str
    value: float
    plausible: bool
    """Finite, and within the point's range."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One point as an engineer wants to see it: what was asked, the bytes, the value, and what it might be instead."""

    point: str
    address: str
    raw: str
    """Bytes in hexadecimal, as they came."""
    value: float
    quality: Quality
    note: str = ""
    """What the device said when there is no value."""
    candidates: Sequence[Candidate] = ()


@runtime_checkable
class ShowingFactory(Protocol):
    """A factory that can show single points in what its devices sent (``Readings.raw``)."""

    def show(self, points: Sequence[BoundPoint], raw: bytes) -> Sequence[Examined]:
        """Give those of the points that the bytes of one scan hold, each with its own bytes. No network.

        ``ValueError`` for bytes that are no scan of this driver.
        """
        ...


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a read plan, for people: what it asks for, for how many points, and what it costs on the wire."""

    what: str
    points: int
    bytes: int
    """Of question and answer together."""
    line_ms: float | None = None
    """How long it keeps a slow medium (a serial line) to itself; none where that does not count."""


@runtime_checkable
class ExaminableDriver(Protocol):
    """A driver that shows its work (``cityhall-bms probe``)."""

    async def examine(self, points: Sequence[BoundPoint]) -> Sequence[Examined]:
        """Read these points of the open device once, with every way to read their bytes."""
        ...

    def explain(self, points: Sequence[BoundPoint]) -> Sequence[PlannedRequest]:
        """Requests of one read of these points. No network."""
        ...


@dataclass(frozen=True, slots=True)
class FoundPoint:
    """A point that a device offered: what ``points.csv`` needs to know, as far as the device tells."""

    address: str
    text: str
    kind: str = "AI"
    unit: str = ""
    type: str = ""
    word_order: str = "ABCD"
    low: float | None = None
    high: float | None = None
    states: Mapping[int, str] = field(default_factory=dict)
    writable: bool = False


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device that answered: ``settings`` is the table of its device file."""

    name: str
    text: str
    protocol: str
    settings: Mapping[str, Plain]
    points: Sequence[FoundPoint] = ()
    vendor: str = ""
    model: str = ""


@runtime_checkable
class DiscoveringFactory(Protocol):
    """A factory that can look for devices."""

    def discover(self, where: str, clock: Clock, *, within_s: float) -> AsyncIterator[FoundDevice]:
        """Look around ``where``, in the protocol's own words; each device as it is found, reading only.

        ``DriverConfigError`` when ``where`` cannot be understood; it says what to write.
        """
        ...
