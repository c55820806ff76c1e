"""BACnet/IP: plans, opening, reading and closing of one device, and the factory of its drivers."""

from collections.abc import Sequence

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem, ReadPlan
from cityhall_drivers.bacnet.checks import check_device, read_config
from cityhall_drivers.bacnet.codec import REFUSED, Answer, MistakeError, Object, Remedy, objects_per_request
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.library import OUR_APDU_MAX, LibraryEndpoint, LibraryPeer
from cityhall_drivers.bacnet.plan import BacnetPlan, Group
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.services import BacnetServices


class BacnetDriver(BacnetServices):
    """One device; one question in flight."""

    def __init__(self, device: Device, config: BacnetConfig, endpoint: LibraryEndpoint, clock: Clock) -> None:
        self._device = device
        self._config = config
        self._clock = clock
        self._peer = LibraryPeer(endpoint, config, device.timeout_s, clock)
        self._size_max = config.objects_per_request_max
        self._multiple = True

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
            apdu_max = await self._peer.introduce()
        except BaseException:
            await self.close()
            raise
        self._size_max = objects_per_request(min(apdu_max, OUR_APDU_MAX), self._config.objects_per_request_max)
        self._multiple = True

    async def close(self) -> None:
        """Let go of the socket; it ends with its last user."""
        await self.end_listening()
        self._peer.leave()

    async def read(self, plan: ReadPlan) -> Readings:
        """Read group after group; costs one time-out at most, however many groups there are.

        The scan's time is that of its last answer. When the device falls silent half-way, what it said before counts
        and the rest is BAD_TIMEOUT.
        """
        if not isinstance(plan, BacnetPlan):
            msg = "a plan of another driver"
            raise TypeError(msg)
        answers: dict[Object, Answer] = {}
        observed_at = self._clock.now()
        plan.cut(self._size_max if self._multiple else 1)
        while group := _next(plan, answers):
            try:
                answers |= await self._ask(plan, group)
            except DeviceUnreachableError:
                plan.ask_last(group)
                if not answers:
                    raise
                break
            observed_at = self._clock.now()
        return plan.readings(answers, observed_at)

    async def _ask(self, plan: BacnetPlan, group: Group) -> dict[Object, Answer]:
        """Give what a group's objects answered; nothing when the group was cut smaller, to be asked again."""
        if not self._multiple:
            return {target: await self._ask_singly(target) for target in group.objects}
        try:
            return await self._peer.read_multiple(group.objects)
        except ErrorAnswerError as error:
            return self._refused(plan, group, error)
        except TurnedDownError as error:
            self._learn(plan, group, error)
            return {}

    def _refused(self, plan: BacnetPlan, group: Group, error: ErrorAnswerError) -> dict[Object, Answer]:
        """An error for the whole request: one unknown object is enough for some devices, so find it by halving."""
        if error.is_about_an_object and len(group.objects) > 1:
            plan.halve(group)
            return {}
        return dict.fromkeys(group.objects, REFUSED)

    def _learn(self, plan: BacnetPlan, group: Group, error: TurnedDownError) -> None:
        """Ask for less at once from now on, or object by object; anything else is no way to talk to the device."""
        if error.remedy is Remedy.NONE:
            raise self._peer.unreachable(what=f"it will not answer: {error}") from None
        if error.remedy is Remedy.ASK_LESS and len(group.objects) > 1:
            self._size_max = (len(group.objects) + 1) // 2
            plan.cut(self._size_max)
        else:
            self._multiple = False
            plan.cut(1)  # so that silence about one object does not cost what the others said

    async def _ask_singly(self, target: Object) -> Answer:
        try:
            return await self._peer.read_singly(target)
        except TurnedDownError as error:
            raise self._peer.unreachable(what=f"it will not answer: {error}") from None


def _next(plan: BacnetPlan, answers: dict[Object, Answer]) -> Group | None:
    return next((group for group in plan.groups if group.objects[0] not in answers), None)


class BacnetFactory:
    """Makes the drivers of this service; devices reached from one local address share its socket."""

    def __init__(self) -> None:
        self._endpoints: dict[str, LibraryEndpoint] = {}

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        """Find every mistake that can be found without a network."""
        return check_device(device, points)

    def endpoint(self, device: Device) -> str:
        """``192.168.1.20:47808 device 1001``; what is missing shows as it was written."""
        config, _ = read_config(device)
        if config is None:
            return f"{device.settings.get('host', '?')} device {device.settings.get('device_instance', '?')}"
        return f"{config.host}:{config.port} device {config.device_instance}"

    def create(self, device: Device, clock: Clock) -> BacnetDriver:
        """Make the driver of one device."""
        config, problems = read_config(device)
        if config is None:
            msg = "; ".join(f"{device.name}: {one.field}: {one.message}" for one in problems)
            raise DriverConfigError(msg)
        endpoint = self._endpoints.setdefault(config.local_host, LibraryEndpoint(config.local_host))
        endpoint.allow(device.timeout_s)
        return BacnetDriver(device, config, endpoint, clock)
