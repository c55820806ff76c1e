"""BACnet/IP: plans, opening, reading and closing of one device, and the factory of its drivers."""

from collections.abc import Sequence
from typing import NamedTuple

from cityhall_bms.domain.errors import DriverConfigError
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem
from cityhall_drivers.bacnet.checks import check_device, read_config
from cityhall_drivers.bacnet.codec import MistakeError
from cityhall_drivers.bacnet.config import BacnetConfig, host_and_port
from cityhall_drivers.bacnet.discovering import DiscoveringBacnet
from cityhall_drivers.bacnet.endpoint import FieldEndpoint
from cityhall_drivers.bacnet.foreign import ForeignRegistration
from cityhall_drivers.bacnet.peer import FieldPeer
from cityhall_drivers.bacnet.plan import BacnetPlan
from cityhall_drivers.bacnet.pushing import Pushing
from cityhall_drivers.bacnet.services import BacnetServices
from cityhall_drivers.bacnet.stack import OUR_APDU_MAX, LibraryEndpoint, LibraryPeer
from cityhall_drivers.bacnet.turns import Router, Turn


class Ways(NamedTuple):
    """What the drivers of several devices share."""

    stack: LibraryEndpoint
    field: FieldEndpoint
    router: Router | None


class BacnetDriver(Pushing, BacnetServices):
    """One device; one question in flight."""

    def __init__(self, device: Device, config: BacnetConfig, ways: Ways, clock: Clock) -> None:
        self._device = device
        self._config = config
        self._clock = clock
        turn = Turn(ways.router)
        self._peer = LibraryPeer(ways.stack, config, device.timeout_s, clock, turn)
        self._field = FieldPeer(ways.field, config, device.timeout_s, turn)
        self._size_max = config.objects_per_request_max

    def plan(self, points: Sequence[BoundPoint]) -> BacnetPlan:
        """Group points into requests; :class:`DriverConfigError` for one that ``check`` would have found."""
        try:
            return BacnetPlan(points, self._size_max)
        except MistakeError as mistake:
            msg = f"{self._device.name}: {mistake}"
            raise DriverConfigError(msg) from mistake

    async def open(self) -> None:
        """Ask the device who it is, and learn how long its answers may be.

        :class:`DeviceUnreachableError` when it does not answer, or when another device answers in its place.
        """
        await self._peer.join()
        try:
            await self._field.join()
            self._limit_size(min(await self._peer.introduce(), OUR_APDU_MAX))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the sockets; they end with their last user."""
        await self.end_subscription()
        await self.end_listening()
        self._field.leave()
        self._peer.leave()


class BacnetFactory(DiscoveringBacnet):
    """Makes the drivers of this service; devices reached from one local address share its sockets."""

    def __init__(self) -> None:
        self._libraries: dict[str, LibraryEndpoint] = {}
        self._fields: dict[tuple[str, str | None], FieldEndpoint] = {}
        self._routers: dict[str, Router] = {}

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        """Find every mistake that can be found without a network."""
        return check_device(device, points)

    def endpoint(self, device: Device) -> str:
        """``192.168.1.20:47808 device 1001``; what is missing shows as it was written."""
        config, _ = read_config(device)
        if config is None:
            return f"{device.settings.get('host', '?')} device {device.settings.get('device_instance', '?')}"
        return config.where

    def bus(self, device: Device) -> str | None:
        """Name of the router, whose devices are asked few at a time; none for a device of its own address."""
        config, _ = read_config(device)
        return None if config is None else config.router

    def create(self, device: Device, clock: Clock) -> BacnetDriver:
        """Make the driver of one device."""
        config, problems = read_config(device)
        if config is None:
            msg = "; ".join(f"{device.name}: {one.field}: {one.message}" for one in problems)
            raise DriverConfigError(msg)
        ways = Ways(self._library(config.local_host), self._field(config, clock), self._router(config))
        ways.stack.allow(device.timeout_s)
        return BacnetDriver(device, config, ways, clock)

    def _library(self, local_host: str) -> LibraryEndpoint:
        if local_host not in self._libraries:
            self._libraries[local_host] = LibraryEndpoint(local_host, on_i_am=self._said_i_am)
        return self._libraries[local_host]

    def _field(self, config: BacnetConfig, clock: Clock) -> FieldEndpoint:
        key = config.local_host, config.bbmd
        if key not in self._fields:
            foreign = None
            if config.bbmd is not None:
                foreign = ForeignRegistration(host_and_port(config.bbmd), config.foreign_ttl_s)
            self._fields[key] = FieldEndpoint(config.local_host, clock, foreign)
        return self._fields[key]

    def _router(self, config: BacnetConfig) -> Router | None:
        if config.router is None:
            return None
        router = self._routers.setdefault(config.router, Router())
        router.allow(config.in_flight_max)
        return router

    def _said_i_am(self, instance: int) -> None:
        for field in self._fields.values():
            field.said_i_am(instance)
