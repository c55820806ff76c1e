"""BACnet/IP over bacpypes3: the library keeps transactions and segments; what an answer means is decided in codec."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

from bacpypes3.apdu import (
    APDU,
    AbortPDU,
    ConfirmedEventNotificationRequest,
    ErrorPDU,
    ErrorRejectAbortNack,
    IAmRequest,
    ReadPropertyACK,
    ReadPropertyMultipleACK,
    ReadPropertyMultipleRequest,
    ReadPropertyRequest,
    RejectPDU,
    SimpleAckPDU,
    UnconfirmedCOVNotificationRequest,
    UnconfirmedEventNotificationRequest,
    WhoIsRequest,
)
from bacpypes3.app import Application, DeviceInfo
from bacpypes3.basetypes import PropertyIdentifier, PropertyReference, ReadAccessSpecification
from bacpypes3.errors import ExecutionError
from bacpypes3.ipv4.link import NormalLinkLayer
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address, RemoteStation
from bacpypes3.primitivedata import ObjectIdentifier
from bacpypes3.settings import settings

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.bacnet.codec import NO_DATA, Answer, Object, Value, answer_of, number_of
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.open_questions import OpenQuestions
from cityhall_drivers.bacnet.refusals import NO_RESPONSE, ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.turns import Turn
from cityhall_drivers.bacnet.wire import Station

OUR_INSTANCE: Final = 4_194_302
OUR_VENDOR: Final = 999
OUR_APDU_MAX: Final = 1476
APDU_MAX_UNKNOWN: Final = 480
BACNET_PORT: Final = 47808
APPLICATION_TAG: Final = 0
MAX_APDU: Final = PropertyIdentifier("max-apdu-length-accepted")
PROPERTIES: Final = (PropertyIdentifier("present-value"), PropertyIdentifier("status-flags"))

# Every failure reaches the collector, which reports it once; the library logs a trace for every odd datagram.
logging.getLogger("bacpypes3").setLevel(logging.CRITICAL)
# A device behind a router is asked by way of the router that is known, instead of looking for one by broadcast.
settings.route_aware = True


def _ignore(_: int) -> None:
    """Nobody wants to know who introduces itself."""


class Client(Application):  # type: ignore[misc]  # the library is untyped
    """Asks, and hears event notifications; says nothing about itself."""

    listeners: dict[tuple[Address, int], Callable[[APDU], None]]
    """Who hears the notifications of a device: by its address, and its instance."""
    on_i_am: Callable[[int], None]
    """Who hears that a device introduced itself, which it does after a restart too."""

    async def do_WhoIsRequest(self, apdu: WhoIsRequest) -> None:  # noqa: N802 - the library's hook
        """Stay unseen: several services in one building would be several devices of one number."""

    async def do_IAmRequest(self, apdu: IAmRequest) -> None:  # noqa: N802 - the library's hook
        """Tell the instance to whom it may concern."""
        await super().do_IAmRequest(apdu)
        self.on_i_am(int(apdu.iAmDeviceIdentifier[1]))

    async def do_UnconfirmedCOVNotificationRequest(self, apdu: UnconfirmedCOVNotificationRequest) -> None:  # noqa: N802
        """Take a device's notification of its own object for what it is after a restart (clause 19.3): an I-Am."""
        if tuple(apdu.monitoredObjectIdentifier) == tuple(apdu.initiatingDeviceIdentifier):
            self.on_i_am(int(apdu.initiatingDeviceIdentifier[1]))

    async def do_ConfirmedEventNotificationRequest(self, apdu: ConfirmedEventNotificationRequest) -> None:  # noqa: N802
        """Confirm what somebody listens to; the device shall know when nobody does."""
        if not self._hear(apdu):
            raise ExecutionError(errorClass="services", errorCode="serviceRequestDenied")
        await self.response(SimpleAckPDU(context=apdu))

    async def do_UnconfirmedEventNotificationRequest(self, apdu: UnconfirmedEventNotificationRequest) -> None:  # noqa: N802
        """Hand over."""
        self._hear(apdu)

    def _hear(self, apdu: APDU) -> bool:
        listener = self.listeners.get((apdu.pduSource, int(apdu.initiatingDeviceIdentifier[1])))
        if listener is not None:
            listener(apdu)
        return listener is not None


class LibraryEndpoint:
    """The library's socket at one local address, shared by all devices that are reached from there."""

    def __init__(self, local_host: str, port: int = BACNET_PORT, on_i_am: Callable[[int], None] = _ignore) -> None:
        """``port`` 0 is any that is free, for those who ask and are never told anything; so it is on loopback."""
        self._on_i_am = on_i_am
        self._local_host = local_host
        self._wanted_port = 0 if ipaddress.IPv4Address(local_host).is_loopback else port
        self._users: set[int] = set()
        self._turn = asyncio.Lock()
        self._app: Client | None = None
        self._link: NormalLinkLayer | None = None
        self._timeout_ms = 0
        self.port = 0
        """UDP port of the socket."""

    def allow(self, timeout_s: float) -> None:
        """Let a question wait this long: two attempts of half the time each. The slowest device sets the pace."""
        self._timeout_ms = max(self._timeout_ms, round(500 * timeout_s))
        if self._app is not None:
            self._set_timeouts(self._app.device_object)

    @property
    def abandon_s(self) -> float:
        """Time after which the library has surely given up on a question."""
        return 3 * self._timeout_ms / 1000 + 1.0

    async def join(self, user: int) -> Client:
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

        A port that is the kernel's choice is withheld from the library, which on loopback takes every datagram to any
        127.x address at its own port for one of its own.
        """
        own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            own.settimeout(0.0)
            own.bind((self._local_host, self._wanted_port))
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
        address = IPv4Address(f"{self._local_host}/32:{self._wanted_port}")
        app = Client.from_object_list([device])
        app.listeners = {}
        app.on_i_am = self._on_i_am
        self.port = own.getsockname()[1]
        link = NormalLinkLayer(address, bind_socket=own)
        app.nsap.bind(link, address=address)
        await asyncio.gather(*link.server._transport_tasks)  # noqa: SLF001 - nothing public says when it is ready
        self._app, self._link = app, link

    def address_towards(self, host: str) -> tuple[str, int]:
        """Our own address and port as a device at ``host`` has to write them."""
        if not ipaddress.IPv4Address(self._local_host).is_unspecified:
            return self._local_host, self.port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, BACNET_PORT))  # sends nothing: the kernel looks up its route
            return str(probe.getsockname()[0]), self.port

    def _set_timeouts(self, device: DeviceObject) -> None:
        device.apduTimeout = self._timeout_ms
        device.apduSegmentTimeout = self._timeout_ms


class LibraryPeer:
    """One device, asked through the library, one question at a time: many controllers can think of one only.

    Every question raises :class:`DeviceUnreachableError` for silence, :class:`ErrorAnswerError` for Error and
    :class:`TurnedDownError` for Abort and Reject.
    """

    def __init__(
        self,
        endpoint: LibraryEndpoint,
        config: BacnetConfig,
        timeout_s: float,
        clock: Clock,
        turn: Turn | None = None,
    ) -> None:
        """``turn`` where others ask the device too."""
        self._endpoint = endpoint
        self._instance = config.device_instance
        self._host = config.host
        self._where = config.where
        self._timeout_s = timeout_s
        self._clock = clock
        self._address = _address_of(config.station)
        self._open_questions = OpenQuestions()
        self.turn = turn or Turn()
        """Whoever else asks the device takes it too."""
        self.app: Client | None = None
        self.apdu_max = APDU_MAX_UNKNOWN
        """Longest APDU that the device takes, as far as it said."""

    async def join(self) -> None:
        """Take part in the library's socket; :class:`DeviceUnreachableError` when it cannot be bound."""
        self.app = await self._endpoint.join(id(self))

    def leave(self) -> None:
        """Let go of the socket; it ends with its last user."""
        self.hear(None)
        self.app = None
        self._endpoint.leave(id(self))

    def hear(self, listener: Callable[[APDU], None] | None) -> None:
        """Let somebody hear the device's event notifications, or nobody."""
        if self.app is None:
            return
        place = self._address, self._instance
        if listener is None:
            self.app.listeners.pop(place, None)
        else:
            self.app.listeners[place] = listener

    def our_address(self) -> tuple[str, int]:
        """Where the device finds us; :class:`DeviceUnreachableError` without a way to it."""
        try:
            return self._endpoint.address_towards(self._host)
        except OSError as error:
            raise self.unreachable(what=str(error)) from error

    async def introduce(self) -> int:
        """Give the longest APDU the device takes; :class:`DeviceUnreachableError` when it is another device."""
        self.apdu_max = await self._introduced()
        return self.apdu_max

    async def _introduced(self) -> int:
        app = self._joined()
        i_ams = await app.who_is(address=self._address, timeout=self._timeout_s / 2)
        if not i_ams:
            # It may be told to answer by broadcast only, which does not come our way; its device object will answer.
            return await self._introduce_by_object(app)
        instance = int(i_ams[0].iAmDeviceIdentifier[1])
        if instance != self._instance:
            raise self.unreachable(what=f"device {instance} answers, not {self._instance}")
        return int(i_ams[0].maxAPDULengthAccepted)

    async def _introduce_by_object(self, app: Client) -> int:
        question = ReadPropertyRequest(
            objectIdentifier=ObjectIdentifier(("device", self._instance)), propertyIdentifier=MAX_APDU
        )
        try:
            answer = await self.request(question)
        except (ErrorAnswerError, TurnedDownError) as error:
            raise self.unreachable(what=f"device {self._instance} is not there: {error}") from None
        sent = _value(answer.propertyValue) if isinstance(answer, ReadPropertyACK) else None
        number = None if sent is None else number_of(sent)
        if number is None:
            raise self.unreachable(what="an answer to another question")
        app.device_info_cache.update_device_info(DeviceInfo(self._instance, self._address, int(number)))
        return int(number)

    async def read_multiple(self, objects: Sequence[Object]) -> dict[Object, Answer]:
        """Read present values and flags by one question."""
        answer = await self.request(_question(objects))
        if not isinstance(answer, ReadPropertyMultipleACK):
            raise self.unreachable(what="an answer to another question")
        return _answers(objects, answer)

    async def request(self, question: APDU) -> APDU:
        """Send one question and give the library's answer.

        A question that nobody waits for any more is not cancelled: the library would go on repeating it, and take its
        late end for that of another question with the same number.
        """
        async with self.turn:
            return await self._ask(question)

    async def _ask(self, question: APDU) -> APDU:
        app = self._joined()
        if self._open_questions.is_full(self._clock.monotonic()):
            raise self.unreachable(what="too many questions are still open")
        question.pduDestination = self._address
        future = app.request(question)
        future.add_done_callback(_hear)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(future)
        except TimeoutError:
            raise self.unreachable(what=f"no answer within {self._timeout_s:g} s") from None
        except ErrorRejectAbortNack as error:
            raise self._translated(error) from None
        finally:
            if not future.done():
                self._open_questions.add(future, self._clock.monotonic() + self._endpoint.abandon_s)

    def _translated(self, error: ErrorRejectAbortNack) -> Exception:
        if isinstance(error, (AbortPDU, RejectPDU)):
            reason, is_abort = int(error.apduAbortRejectReason), isinstance(error, AbortPDU)
            if is_abort and reason == NO_RESPONSE:
                return self.unreachable(what=f"no answer within {self._timeout_s:g} s")
            return TurnedDownError(reason, is_abort=is_abort)
        if isinstance(error, ErrorPDU):
            return ErrorAnswerError(int(error.errorClass), int(error.errorCode))
        return self.unreachable(what=f"it will not answer: {error}")

    def unreachable(self, what: str) -> DeviceUnreachableError:
        """Make the error, which names the device."""
        return DeviceUnreachableError(f"{self._where}: {what}")

    def _joined(self) -> Client:
        if self.app is None:
            raise self.unreachable(what="not open")
        return self.app


def _address_of(station: Station) -> Address:
    at = Address(f"{station.host}:{station.port}")
    return RemoteStation(station.network, station.mac, route=at) if station.network else at


def _hear(future: asyncio.Future[APDU]) -> None:
    """Take note of how a question ended, though nobody may wait for it any more."""
    if not future.cancelled():
        future.exception()


def _question(objects: Sequence[Object]) -> ReadPropertyMultipleRequest:
    return ReadPropertyMultipleRequest(
        listOfReadAccessSpecs=[
            ReadAccessSpecification(
                objectIdentifier=ObjectIdentifier(tuple(target)),
                listOfPropertyReferences=[PropertyReference(propertyIdentifier=one) for one in PROPERTIES],
            )
            for target in objects
        ]
    )


def _answers(objects: Sequence[Object], answer: ReadPropertyMultipleACK) -> dict[Object, Answer]:
    """Match by identifier, never by place: some devices reorder, and some leave out."""
    found: dict[Object, dict[int, Value | None]] = {}
    for result in answer.listOfReadAccessResults:
        properties = found.setdefault(_object(result.objectIdentifier), {})
        for element in result.listOfResults:
            if element.readResult.propertyAccessError is None:
                properties[int(element.propertyIdentifier)] = _value(element.readResult.propertyValue)
    return {target: answer_of(found[target]) if target in found else NO_DATA for target in objects}


def _value(sent: Any) -> Value | None:  # noqa: ANN401 - the library's untyped value
    """Give a property's single application tag; none when it is a structure or a list."""
    tags = [tag for tag in sent.tagList if int(tag.tag_class) == APPLICATION_TAG]
    if len(tags) != 1:
        return None
    return Value(int(tags[0].tag_number), bytes(tags[0].tag_data), int(tags[0].tag_lvt))


def _object(identifier: ObjectIdentifier) -> Object:
    return Object(int(identifier[0]), int(identifier[1]))
