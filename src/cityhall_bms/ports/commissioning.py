"""Commissioning: how devices are read, what they say when they are asked, and the walk past every point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.walks import Walk
from cityhall_bms.ports.capabilities import Examined, PlannedRequest


@dataclass(frozen=True, slots=True)
class PlannedScan:
    """Requests of one scan, every ``scan_s`` seconds."""

    scan_s: float
    requests: Sequence[PlannedRequest]


class DeviceBench(Protocol):
    """One device at a time, outside of any schedule.

    ``NotFoundError`` for a device or point that is not there, ``RefusedError`` when its driver cannot show single
    points, or when the line is held by the collector alone.
    """

    def plan(self, device: str) -> Sequence[PlannedScan]:
        """How a device is read. No network."""
        ...

    async def examine(self, device: str, points: Sequence[str]) -> Sequence[Examined]:
        """Ask a device for some of its points now; ``CollectorUnavailableError`` when it does not answer in time."""
        ...


class WalkView(Protocol):
    """Walks as they stand. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def all(self) -> Mapping[str, Walk]:
        """Every walk that was begun, by equipment."""
        ...


class WalkDesk(Protocol):
    """What people do on a walk.

    ``NotFoundError`` for equipment and points that are not there, ``RefusedError`` for what is not possible now,
    ``ConcurrencyError`` when somebody else did something to the same equipment meanwhile.
    """

    async def of(self, equipment: str) -> Walk:
        """The walk as the log has it, one that nobody began too."""
        ...

    async def check(self, point: str, *, passed: bool, note: str, seen: float | None, by: str) -> Walk:
        """Record that a point was compared with the machine."""
        ...

    async def sign_off(self, equipment: str, *, note: str, by: str) -> Walk:
        """Take equipment over."""
        ...
