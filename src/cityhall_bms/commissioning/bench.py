"""Devices on the bench: their read plans, and single questions beside the collector's own."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from cityhall_bms.commissioning.look import Look, examine, explain
from cityhall_bms.domain.errors import (
    CollectorUnavailableError,
    DeviceRefusedError,
    DeviceUnreachableError,
    DriverConfigError,
    NotFoundError,
    RefusedError,
)
from cityhall_bms.domain.site import Device, Site
from cityhall_bms.ports.capabilities import BusFactory, Examined
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commissioning import PlannedScan
from cityhall_bms.ports.driver import BoundPoint, DriverFactory

WITHIN_S: Final = 20.0
"""A device that answers later than this is told to be silent."""
AT_ONCE_MAX: Final = 4
"""So many devices are asked at a time: the collector's own polls come first."""


class Bench:
    """See :class:`~cityhall_bms.ports.commissioning.DeviceBench`."""

    def __init__(
        self, site: Site, ids: Mapping[str, int], factories: Mapping[str, DriverFactory], clock: Clock
    ) -> None:
        self._site = site
        self._ids = ids
        self._factories = factories
        self._clock = clock
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._room = asyncio.Semaphore(AT_ONCE_MAX)

    def plan(self, device: str) -> Sequence[PlannedScan]:
        """How a device is read."""
        described = self._device(device)
        factory = self._factories[described.protocol]
        try:
            look = explain(factory, described, self._bound(device), self._clock)
        except DriverConfigError as error:
            raise RefusedError(str(error)) from error
        return [PlannedScan(scan_s, requests) for scan_s, requests in look.plan]

    async def examine(self, device: str, points: Sequence[str]) -> Sequence[Examined]:
        """Ask a device for some of its points now, one question to a device at a time."""
        described = self._device(device)
        factory = self._factories[described.protocol]
        if isinstance(factory, BusFactory) and (factory.bus(described) or "").startswith("/"):
            msg = f"{device} 在序列線上，由蒐集器獨佔 / {device} is on a serial line, which the collector holds alone"
            raise RefusedError(msg)
        bound = self._bound(device, points)
        async with self._turns[device], self._room:
            return (await self._asked(factory, described, bound)).points

    async def _asked(self, factory: DriverFactory, device: Device, bound: Sequence[BoundPoint]) -> Look:
        try:
            async with asyncio.timeout(WITHIN_S):
                return await examine(factory, device, bound, self._clock)
        except (DriverConfigError, DeviceRefusedError) as error:
            raise RefusedError(str(error)) from error
        except (DeviceUnreachableError, TimeoutError) as error:
            msg = f"{device.name} 沒有回應 / {device.name} does not answer: {error}"
            raise CollectorUnavailableError(msg) from error

    def _device(self, name: str) -> Device:
        try:
            return self._site.devices[name]
        except KeyError:
            msg = f"no device is named {name}; GET /api/v1/devices lists them"
            raise NotFoundError(msg) from None

    def _bound(self, device: str, names: Sequence[str] = ()) -> list[BoundPoint]:
        own = {point.name: BoundPoint(self._ids[point.name], point) for point in self._site.points_of(device)}
        for name in names:
            if name not in own:
                msg = f"{device} has no point {name}"
                raise NotFoundError(msg)
        return [own[name] for name in names] if names else list(own.values())
