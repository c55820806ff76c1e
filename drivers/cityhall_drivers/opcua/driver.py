"""OPC UA: plans, opening, reading, listening and closing of one server, and the factory of its drivers."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DriverConfigError
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.capabilities import Plain
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem, ReadPlan
from cityhall_drivers.opcua.checks import check_device
from cityhall_drivers.opcua.codec import scaled
from cityhall_drivers.opcua.config import OpcUaConfig
from cityhall_drivers.opcua.discovering import Discovering
from cityhall_drivers.opcua.methods import readable
from cityhall_drivers.opcua.plan import OpcUaPlan
from cityhall_drivers.opcua.pushes import Pushes
from cityhall_drivers.opcua.services import OpcUaServices
from cityhall_drivers.opcua.stack import OpcUaSession, encoded, in_plain_words, value_of


class OpcUaFactory(Discovering):
    """Makes OPC UA drivers; every device file is one session."""

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        """Find every mistake that can be found without a network."""
        return check_device(device, points)

    def endpoint(self, device: Device) -> str:
        """Where the server is: ``opc.tcp://10.0.0.5:4840/``."""
        return str(device.settings.get("url", device.name))

    def create(self, device: Device, clock: Clock) -> "OpcUaDriver":
        """Make the driver of one device; ``DriverConfigError`` when :meth:`check` finds a mistake in the device."""
        problems = check_device(device, ())
        if problems:
            msg = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
            raise DriverConfigError(msg)
        return OpcUaDriver(device, OpcUaConfig.model_validate(dict(device.settings)), clock)


class OpcUaDriver(OpcUaServices):
    """One session with one server. Used by one task at a time."""

    def __init__(self, device: Device, config: OpcUaConfig, clock: Clock) -> None:
        self._device = device
        self._config = config
        self._clock = clock
        self._session = None
        self._opened = 0
        self._addresses = set()

    def plan(self, points: Sequence[BoundPoint]) -> OpcUaPlan:
        """Group points into Read requests; methods are left out."""
        points = readable(points)
        nodes = [value_of(bound.point.address) for bound in points]
        self._addresses.update(bound.point.address for bound in points)
        return OpcUaPlan(points, nodes, [encoded(node) for node in nodes], self._config.nodes_per_read_max)

    async def open(self) -> None:
        """Connect with the settings and files of now; :class:`DeviceUnreachableError` in plain words."""
        await self.close()
        session = OpcUaSession(self._device, self._config, self._clock)
        await session.connect()
        self._session = session
        self._opened += 1

    async def read(self, plan: ReadPlan) -> Readings:
        """Read all points of a plan; they get one time, that of the last answer.

        The source's times are not used here: many servers give that of the last change, and the question just now
        proves the value for now.
        """
        session = self._living()
        if not isinstance(plan, OpcUaPlan):
            msg = "a plan of another driver"
            raise TypeError(msg)
        with in_plain_words():
            columns = await session.read(plan.requested)
        at = np.full(len(columns.value), self._clock.now(), np.int64)
        return Readings(plan.points, at, scaled(columns, plan.scale, plan.offset), columns.quality)

    async def subscribe(self, points: Sequence[BoundPoint], sink: Callable[[Readings], None]) -> bool:
        """Have the server push the changes of these points to ``sink``; a refused point is pushed once as bad.

        Pushed values carry the time of their source. A server that falls silent is told of by :meth:`trouble`.
        """
        if self._config.mode != "subscribe":
            return False
        session = self._living()
        with in_plain_words():
            pushes = Pushes(self._device.name, self.plan(points), sink, self._clock)
            await session.monitor(pushes, readable(points))
        return True

    async def ping(self, within_s: float) -> None:
        """Return when the server answered anything at all within ``within_s``."""
        session = self._living()
        with in_plain_words():
            await session.ping(within_s)

    def diagnostics(self) -> Mapping[str, Plain]:
        """Counters since the session began, and what was agreed with the server."""
        told: dict[str, Plain] = {
            "connected": self._session is not None and self._session.trouble() is None,
            "security": self._config.security,
            "reconnects": max(self._opened - 1, 0),
        }
        return told | self._alarm_diagnostics() | (self._session.diagnostics() if self._session else {})

    async def close(self) -> None:
        """Say goodbye within a second, then hang up; never raises."""
        self.end_listening()
        session, self._session = self._session, None
        if session is not None:
            await session.close()
