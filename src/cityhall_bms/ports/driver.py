"""What a field protocol must do for the collector.

The collector owns time (schedules, retries, back-off, in-flight limits) and quality by rule; a driver turns plans
into readings. A device that does not answer raises :class:`~cityhall_bms.domain.errors.DeviceUnreachableError`; a
point that was refused or makes no sense is a reading with bad quality, and the others still count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """A mistake in a device or in one of its points, found without a network."""

    field: str
    """Key in the protocol's table (``host``), or column of the point (``address``)."""
    message: str
    remedy: str
    point: str | None = None
    """Name of the point, or none when the device itself is wrong."""


@dataclass(frozen=True, slots=True)
class BoundPoint:
    """A point with the number under which its samples are stored."""

    point_id: int
    point: Point


class ReadPlan(Protocol):
    """Points of one device that are read together, compiled by its driver."""

    @property
    def points(self) -> NDArray[np.uint32]:
        """Point ids, in the order in which every reading of this plan gives them."""
        ...

    @property
    def requests(self) -> int:
        """How many requests one read costs."""
        ...


class Driver(Protocol):
    """One device, spoken to over its protocol. Used by one task at a time."""

    def plan(self, points: Sequence[BoundPoint]) -> ReadPlan:
        """Group the points of one scan class into requests, without those that have no value. No network."""
        ...

    async def open(self) -> None:
        """Connect; :class:`DeviceUnreachableError` when that fails. After ``close`` it may be opened again."""
        ...

    async def read(self, plan: ReadPlan) -> Readings:
        """Read every point of the plan: ``readings.point`` is ``plan.points``.

        :class:`DeviceUnreachableError` when the device as a whole did not answer in time.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection; never raises."""
        ...


@runtime_checkable
class SubscribableDriver(Protocol):
    """A driver whose device can push changes (monitored items, COV)."""

    async def subscribe(self, points: Sequence[BoundPoint], sink: Callable[[Readings], None]) -> bool:
        """Ask the open device to push the changes of these points to ``sink``; the first values come at once.

        ``False`` when this device is configured to be polled. Ends with ``close``. The device's silence is the
        collector's business: it reads the points again when they grow old. Points for which the device has no
        subscription left, the driver reads at their own ``scan_s`` and hands over likewise.
        """
        ...


class DriverFactory(Protocol):
    """What a driver package exports as ``DRIVER``: called without arguments once per service."""

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        """Find every mistake that can be found without a network."""
        ...

    def endpoint(self, device: Device) -> str:
        """Where the device is, for people: ``127.0.0.1:502 unit 3``."""
        ...

    def create(self, device: Device, clock: Clock) -> Driver:
        """Make the driver of one device; devices behind one connection share it. No network.

        ``DriverConfigError`` when :meth:`check` would have found a mistake in the device.
        """
        ...
