"""BACnet/IP over bacpypes3: the library keeps transactions and segments; what an answer means is decided in codec."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Sequence
from typing import Any, Final

from bacpypes3.apdu import (
    APDU,
    AbortPDU,
    AbortReason,
    ErrorPDU,
    ErrorRejectAbortNack,
    ReadPropertyACK,
    ReadPropertyMultipleACK,
    ReadPropertyMultipleRequest,
    ReadPropertyRequest,
    RejectPDU,
    WhoIsRequest,
)
from bacpypes3.app import Application, DeviceInfo
from bacpypes3.basetypes import ErrorClass, PropertyIdentifier, PropertyReference, ReadAccessSpecification
from bacpypes3.ipv4.link import NormalLinkLayer
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import ObjectIdentifier

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem, ReadPlan
from cityhall_drivers.bacnet.checks import check_device, read_config
from cityhall_drivers.bacnet.codec import (
    NO_DATA,
    REFUSED,
    Answer,
    MistakeError,
    Object,
    Remedy,
    Value,
    answer_of,
    number_of,
    objects_per_request,
    remedy_for_abort,
    remedy_for_reject,
)
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.open_questions import OpenQuestions
from cityhall_drivers.bacnet.plan import BacnetPlan, Group

OUR_INSTANCE: Final = 4_194_302
OUR_VENDOR: Final = 999
OUR_APDU_MAX: Final = 1476
BACNET_PORT: Final = 47808
ABOUT_AN_OBJECT: Final = {ErrorClass.object, ErrorClass.property}
APPLICATION_TAG: Final = 0
MAX_APDU: Final = PropertyIdentifier("max-apdu-length-accepted")
PROPERTIES: Final = (PropertyIdentifier("present-value"), PropertyIdentifier("status-flags"))


class _Client(Application):
    """Asks only: says nothing about itself."""

    async def do_WhoIsRequest(self, apdu: WhoIsRequest) -> None:  # noqa: N802 - the library's hook
        """Stay unseen: several services in one building would be several devices of one number."""


class Endpoint:
    """Our own socket at one local address, shared by all devices that are reached from there."""

    def __init__(self, local_host: str) -> None:
        self._local_host = local_host
        self._users: set[int] = set()
        self._turn = asyncio.Lock()
        self._app: _Client | None = None
        self._link: NormalLinkLayer | None = None
        self._timeout_ms = 0

    def allow(self, timeout_s: float) -> None:
        """Let a question wait this long: two attempts of half the time each. The slowest device sets the pace."""
        self._timeout_ms = max(self._timeout_ms, round(500 * timeout_s))
        if self._app is not None:
            self._set_timeouts(self._app.device_object)

    @property
    def abandon_s(self) -> float:
        """Time after which the library has surely given up on a question."""
        return 3 * self._timeout_ms / 1000 + 1.0

    async def join(self, user: int) -> _Client:
        """Bind the socket if nobody did yet; :class:`DeviceUnreachableError` when that fails."""
        async with self._turn:
            self._users.add(user)
            if self._app is None:
                try:
                    await self._bind()
                except OSError as error:
                    self._users.discard(user)
                    msg = f"cannot bind {self._local_host}: {error} (no address of ours, or another BACnet program?)"
                    raise DeviceUnreachableError(msg) from error
            assert self._app is not None  # noqa: S101 - bound just now
            return self._app

    def leave(self, user: int) -> None:
        """Close with the last user; what the library still waits for is forgotten."""
        self._users.discard(user)
        if self._users or self._app is None or self._link is None:
            return
        for transaction in self._app.asap.clientTransactions:
            transaction.stop_timer()
        self._app.asap.clientTransactions.clear()
        self._link.close()
        self._app = self._link = None

    async def _bind(self) -> None:
        """Bind by ourselves: the library would retry a failure for ever in silence, and share the port with strangers.

        On loopback the port is the kernel's choice and withheld from the library, which takes every datagram to any
        127.x address at its own port for one of its own.
        """
        loopback = ipaddress.IPv4Address(self._local_host).is_loopback
        own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            own.settimeout(0.0)
            own.bind((self._local_host, 0 if loopback else BACNET_PORT))
        except OSError:
            own.close()
            raise
        device = DeviceObject(
            objectIdentifier=("device", OUR_INSTANCE),
            objectName="cityhall-bms",
            vendorIdentifier=OUR_VENDOR,
            maxApduLengthAccepted=OUR_APDU_MAX,
            maxSegmentsAccepted=64,
            numberOfApduRetries=1,
        )
        self._set_timeouts(device)
        address = IPv4Address(f"{self._local_host}/32:{0 if loopback else BACNET_PORT}")
        app = _Client.from_object_list([device])
        link = NormalLinkLayer(address, bind_socket=own)
        app.nsap.bind(link, address=address)
        await asyncio.gather(*link.server._transport_tasks)  # noqa: SLF001 - nothing public says when it is ready
        self._app, self._link = app, link

    def _set_timeouts(self, device: DeviceObject) -> None:
        device.apduTimeout = self._timeout_ms
        device.apduSegmentTimeout = self._timeout_ms


class BacnetDriver:
    """One device; one question in flight."""

    def __init__(self, device: Device, config: BacnetConfig, endpoint: Endpoint, clock: Clock) -> None:
        self._device = device
        self._config = config
        self._endpoint = endpoint
        self._clock = clock
        self._address = Address(f"{config.host}:{config.port}")
        self._app: _Client | None = None
        self._size_max = config.objects_per_request_max
        self._multiple = True
        self._open_questions = OpenQuestions()

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
        self._app = await self._endpoint.join(id(self))
        try:
            apdu_max = await self._introduce(self._app)
        except BaseException:
            await self.close()
            raise
        self._size_max = objects_per_request(min(apdu_max, OUR_APDU_MAX), self._config.objects_per_request_max)
        self._multiple = True

    async def close(self) -> None:
        """Let go of the socket; it ends with its last user."""
        self._app = None
        self._endpoint.leave(id(self))

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

    async def _introduce(self, app: _Client) -> int:
        """Give the longest APDU the device takes."""
        who = app.who_is(address=self._address, timeout=self._device.timeout_s / 2)
        i_ams = await who
        if not i_ams:
            # It may be told to answer by broadcast only, which does not come our way; its device object will answer.
            return await self._introduce_by_object(app)
        instance = int(i_ams[0].iAmDeviceIdentifier[1])
        if instance != self._config.device_instance:
            raise self._unreachable(what=f"device {instance} answers, not {self._config.device_instance}")
        return int(i_ams[0].maxAPDULengthAccepted)

    async def _introduce_by_object(self, app: _Client) -> int:
        instance = self._config.device_instance
        question = ReadPropertyRequest(
            objectIdentifier=ObjectIdentifier(("device", instance)), propertyIdentifier=MAX_APDU
        )
        try:
            answer = await self._request(question)
        except ErrorRejectAbortNack as error:
            raise self._unreachable(what=f"device {instance} is not there: {error}") from None
        sent = _value(answer.propertyValue) if isinstance(answer, ReadPropertyACK) else None
        number = None if sent is None else number_of(sent)
        if number is None:
            raise self._unreachable(what="an answer to another question")
        app.device_info_cache.update_device_info(DeviceInfo(instance, self._address, int(number)))
        return int(number)

    async def _ask(self, plan: BacnetPlan, group: Group) -> dict[Object, Answer]:
        """Give what a group's objects answered; nothing when the group was cut smaller, to be asked again."""
        if not self._multiple:
            return {target: await self._ask_singly(target) for target in group.objects}
        try:
            answer = await self._request(_question(group))
        except ErrorPDU as error:
            return self._refused(plan, group, error)
        except (AbortPDU, RejectPDU) as error:
            self._learn(plan, group, error)
            return {}
        if not isinstance(answer, ReadPropertyMultipleACK):
            raise self._unreachable(what="an answer to another question")
        return _answers(group, answer)

    def _refused(self, plan: BacnetPlan, group: Group, error: ErrorPDU) -> dict[Object, Answer]:
        """An error for the whole request: one unknown object is enough for some devices, so find it by halving."""
        if error.errorClass in ABOUT_AN_OBJECT and len(group.objects) > 1:
            plan.halve(group)
            return {}
        return dict.fromkeys(group.objects, REFUSED)

    def _learn(self, plan: BacnetPlan, group: Group, error: AbortPDU | RejectPDU) -> None:
        """Ask for less at once from now on, or object by object; anything else is no way to talk to the device."""
        reason = int(error.apduAbortRejectReason)
        remedy = remedy_for_abort(reason) if isinstance(error, AbortPDU) else remedy_for_reject(reason)
        if remedy is Remedy.NONE:
            raise self._unreachable(what=f"it will not answer: {error}") from None
        if remedy is Remedy.ASK_LESS and len(group.objects) > 1:
            self._size_max = (len(group.objects) + 1) // 2
            plan.cut(self._size_max)
        else:
            self._multiple = False
            plan.cut(1)  # so that silence about one object does not cost what the others said

    async def _ask_singly(self, target: Object) -> Answer:
        """Read an object by two questions, as the simplest devices want it."""
        found: dict[int, Value | None] = {}
        for property_id in PROPERTIES:
            question = ReadPropertyRequest(
                objectIdentifier=ObjectIdentifier(tuple(target)), propertyIdentifier=property_id
            )
            try:
                answer = await self._request(question)
            except ErrorPDU:
                continue
            except (AbortPDU, RejectPDU) as error:
                raise self._unreachable(what=f"it will not answer: {error}") from None
            if isinstance(answer, ReadPropertyACK) and _object(answer.objectIdentifier) == target:
                found[int(answer.propertyIdentifier)] = _value(answer.propertyValue)
        return answer_of(found)

    async def _request(self, question: APDU) -> APDU:
        """Send one question; the library's errors are raised, silence is :class:`DeviceUnreachableError`.

        A question that nobody waits for any more is not cancelled: the library would go on repeating it, and take its
        late end for that of another question with the same number.
        """
        if self._app is None:
            raise self._unreachable(what="not open")
        if self._open_questions.is_full(self._clock.monotonic()):
            raise self._unreachable(what="too many questions are still open")
        question.pduDestination = self._address
        future = self._app.request(question)
        future.add_done_callback(_hear)
        try:
            async with asyncio.timeout(self._device.timeout_s):
                return await asyncio.shield(future)
        except TimeoutError:
            raise self._unreachable(what=f"no answer within {self._device.timeout_s:g} s") from None
        except AbortPDU as error:
            if error.apduAbortRejectReason != AbortReason.noResponse:
                raise
            raise self._unreachable(what=f"no answer within {self._device.timeout_s:g} s") from None
        finally:
            if not future.done():
                self._open_questions.add(future, self._clock.monotonic() + self._endpoint.abandon_s)

    def _unreachable(self, what: str) -> DeviceUnreachableError:
        where = f"{self._config.host}:{self._config.port} device {self._config.device_instance}"
        return DeviceUnreachableError(f"{where}: {what}")


def _hear(future: asyncio.Future[APDU]) -> None:
    """Take note of how a question ended, though nobody may wait for it any more."""
    if not future.cancelled():
        future.exception()


def _next(plan: BacnetPlan, answers: dict[Object, Answer]) -> Group | None:
    return next((group for group in plan.groups if group.objects[0] not in answers), None)


def _question(group: Group) -> ReadPropertyMultipleRequest:
    return ReadPropertyMultipleRequest(
        listOfReadAccessSpecs=[
            ReadAccessSpecification(
                objectIdentifier=ObjectIdentifier(tuple(target)),
                listOfPropertyReferences=[PropertyReference(propertyIdentifier=one) for one in PROPERTIES],
            )
            for target in group.objects
        ]
    )


def _answers(group: Group, answer: ReadPropertyMultipleACK) -> dict[Object, Answer]:
    """Match by identifier, never by place: some devices reorder, and some leave out."""
    found: dict[Object, dict[int, Value | None]] = {}
    for result in answer.listOfReadAccessResults:
        properties = found.setdefault(_object(result.objectIdentifier), {})
        for element in result.listOfResults:
            if element.readResult.propertyAccessError is None:
                properties[int(element.propertyIdentifier)] = _value(element.readResult.propertyValue)
    return {target: answer_of(found[target]) if target in found else NO_DATA for target in group.objects}


def _value(sent: Any) -> Value | None:  # noqa: ANN401 - the library's untyped value
    """Give a property's single application tag; none when it is a structure or a list."""
    tags = [tag for tag in sent.tagList if int(tag.tag_class) == APPLICATION_TAG]
    if len(tags) != 1:
        return None
    return Value(int(tags[0].tag_number), bytes(tags[0].tag_data), int(tags[0].tag_lvt))


def _object(identifier: ObjectIdentifier) -> Object:
    return Object(int(identifier[0]), int(identifier[1]))


class BacnetFactory:
    """Makes the drivers of this service; devices reached from one local address share its socket."""

    def __init__(self) -> None:
        # Every failure reaches the collector, which reports it once; the library logs a trace for every odd datagram.
        logging.getLogger("bacpypes3").setLevel(logging.CRITICAL)
        self._endpoints: dict[str, Endpoint] = {}

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
        endpoint = self._endpoints.setdefault(config.local_host, Endpoint(config.local_host))
        endpoint.allow(device.timeout_s)
        return BacnetDriver(device, config, endpoint, clock)
