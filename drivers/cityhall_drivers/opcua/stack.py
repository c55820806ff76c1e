"""What knows asyncua: one session with one server, from connecting to hanging up.

asyncua can reconnect by itself, but has been seen to say *connected* while no notification ever came again. So a
session that is lost stays lost: whoever uses it is told, and connects anew with a new ``Client``.
"""

import asyncio
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from asyncua import Client, ua
from asyncua.client.ua_client import UaClientState
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import SecurityPolicyAes128Sha256RsaOaep, SecurityPolicyAes256Sha256RsaPss
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from cryptography.exceptions import InvalidSignature

from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua import troubles
from cityhall_drivers.opcua.certificates import Identity, client_identity, trusted_certificate
from cityhall_drivers.opcua.codec import Columns, decode, joined
from cityhall_drivers.opcua.config import OpcUaConfig
from cityhall_drivers.opcua.delivery import Delivery
from cityhall_drivers.opcua.pushes import Pushes
from cityhall_drivers.opcua.stack_channel import Channel
from cityhall_drivers.opcua.stack_publishing import Publishing
from cityhall_drivers.opcua.stack_subscription import Subscription, value_item
from cityhall_drivers.opcua.trust import CertificateMistakeError, check_server_certificate, keep_rejected
from cityhall_drivers.opcua.values import UnexpectedBytesError
from cityhall_drivers.opcua.wire import READ_REQUEST, read_parameters, read_response

CONNECT_FLOOR_S: Final = 4.0
"""Connecting is some six requests and as many signatures; it gets this much more than the time of one request."""
DIAGNOSIS_FLOOR_S: Final = 2.0
GOODBYE_MAX_S: Final = 1.0
SESSION_TIMEOUT_MS: Final = 60_000
PROBE_INTERVAL_S: Final = 10.0
"""asyncua asks the server for its state this often. Shorter, and a server that stalls for a moment is cut off."""

FAILURES: Final = (OSError, TimeoutError, ua.UaError, ValueError, InvalidSignature)
_DOUBTFUL: Final = (ConnectionError, TimeoutError, ua.UaError, InvalidSignature)
"""What a server's distrust, or our distrust of it, can look like."""
_POLICIES: Final = {
    "Aes128_Sha256_RsaOaep": SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": SecurityPolicyAes256Sha256RsaPss,
}
_LIMITS: Final = (
    ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead),
    ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall),
)
_STATE: Final = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)

# Below WARNING asyncua formats every message it receives. What its client logs as errors reaches us as exceptions,
# and would be repeated at every attempt to reach a dead server.
logging.getLogger("asyncua").setLevel(logging.WARNING)
logging.getLogger("asyncua.client").setLevel(logging.CRITICAL + 1)

log = logging.getLogger(__name__)


class OpcUaSession:
    """One session with one server; ``client`` is for what has no fast path. Used by one task at a time."""

    def __init__(self, device: Device, config: OpcUaConfig, clock: Clock) -> None:
        self.client = Client(config.url, timeout=device.timeout_s, watchdog_intervall=PROBE_INTERVAL_S)
        self._device = device
        self._config = config
        self._clock = clock
        self._identity: Identity | None = None
        self._read_max = config.nodes_per_read_max
        self._items_max = config.nodes_per_read_max
        self._publishing: Publishing | None = None
        self._pushes: Pushes | None = None
        self._subscription: Subscription | None = None
        """That of the values; others are watched by whoever made them."""
        self.decoded_by_library = 0
        """Answers that held something our own decoder does not claim to understand."""

    async def connect(self) -> None:
        """Connect; :class:`DeviceUnreachableError` in plain words when that fails."""
        try:
            async with asyncio.timeout(CONNECT_FLOOR_S + self._device.timeout_s):
                await self._prepare()
                await self.client.connect()
                self._channel = Channel(self.client, self._clock)
                self._publishing = Publishing(self._channel, self._device.timeout_s)
                await self._respect_limits()
        except FAILURES as error:
            await self.close()
            raise DeviceUnreachableError(await self._explained(error)) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Say goodbye within a second, then hang up; never raises."""
        try:
            async with asyncio.timeout(min(self._device.timeout_s, GOODBYE_MAX_S)):
                if self._publishing is not None:
                    await self._publishing.stop()
                await self.client.disconnect()
        except FAILURES as error:
            log.debug("%s: closing: %s", self._device.name, in_words(error))
        finally:
            self.client.disconnect_socket()

    def trouble(self) -> str | None:
        """Why nothing more can be expected of this session although nothing has failed yet; none while it lives."""
        renewing = self.client._renew_channel_task  # noqa: SLF001 - the library logs its failure and goes on
        if self.client.uaclient.state is not UaClientState.CONNECTED or (renewing is not None and renewing.done()):
            return "the secure channel or the session is lost"
        return self._subscription.trouble() if self._subscription else None

    async def read(self, nodes: Sequence[bytes]) -> Columns:
        """Values of encoded ReadValueIds, in their order; asks for fewer at once when the server finds them too many.

        They come without times: servers that give times all the same are understood.
        """
        parts: list[Columns] = []
        done = 0
        while done < len(nodes):
            some = nodes[done : done + self._read_max]
            try:
                parts.append(await self._read_some(some))
                done += len(some)
            except (ua.uaerrors.BadTooManyOperations, ua.uaerrors.BadResponseTooLarge):
                if len(some) == 1:
                    raise
                self._read_max = len(some) // 2
        return parts[0] if len(parts) == 1 else joined(parts)

    async def ping(self, within_s: float) -> None:
        """Have the server's state read, whatever it is (OPC 10000-5, clause 12.10)."""
        await self._channel.ask(READ_REQUEST, read_parameters([encoded(_asked(_STATE))]), within_s)

    def diagnostics(self) -> dict[str, str | int | float]:
        """What was agreed with the server, and what went wrong since."""
        told: dict[str, str | int | float] = {
            "session_timeout_ms": self.client.session_timeout,
            "channel_lifetime_ms": self.client.secure_channel_timeout,
            "nodes_per_read_max": self._read_max,
            "decoded_by_library": self.decoded_by_library,
        }
        if self._publishing is not None:
            told["decoded_by_library"] = self.decoded_by_library + self._publishing.decoded_by_library
        if self._subscription is not None and self._pushes is not None:
            pushes = self._pushes
            told |= {
                "publishing_interval_ms": self._subscription.publishing_ms,
                "keep_alive_s": self._subscription.keep_alive_s,
                "values_dropped": pushes.values_dropped,
                "messages_lost": pushes.messages_lost,
                "messages_repaired": pushes.messages_repaired,
            }
        return told

    async def monitor(self, pushes: Pushes, points: Sequence[BoundPoint]) -> None:
        """Have the server push the changes of these points; the client handle is the place in the plan."""
        nodes, queue_size = pushes.plan.nodes, self._config.queue_size
        async with asyncio.timeout(self._device.timeout_s * (2 + len(points) / self._items_max)):
            subscription = await self.subscribe(pushes)
            for first in range(0, len(points), self._items_max):
                handles = range(first, min(first + self._items_max, len(points)))
                items = [value_item(nodes[handle], handle, points[handle], queue_size) for handle in handles]
                pushes.refuse(zip(handles, await subscription.monitor(items), strict=True))
        self._subscription, self._pushes = subscription, pushes

    async def subscribe(self, delivery: Delivery) -> Subscription:
        """Make a subscription that monitors nothing yet; its messages go to ``delivery``."""
        if self._publishing is None:
            msg = "not connected"
            raise ConnectionError(msg)
        subscription = Subscription(self.client, self._channel, self._publishing, self._config, delivery)
        await subscription.begin()
        return subscription

    async def _prepare(self) -> None:
        client = self.client
        client.name = client.description = "cityhall_bms"
        client.session_timeout = SESSION_TIMEOUT_MS
        if not self._config.encrypted:
            return
        folder = Path(self._device.folder)
        self._identity = await asyncio.to_thread(client_identity, folder, socket.gethostname(), self._clock.now())
        client.application_uri = self._identity.application_uri
        trusted = self._trusted()
        check_server_certificate(trusted, self._config.server_certificate or "", self._clock.now())
        await client.set_security(
            _POLICIES[self._config.security],
            CertProperties(self._identity.certificate, "der"),
            CertProperties(self._identity.key, "pem"),
            server_certificate=CertProperties(trusted, "der"),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
        if self._config.user is not None and self._config.password_file is not None:
            client.set_user(self._config.user)
            client.set_password((folder / self._config.password_file).read_text(encoding="utf-8").strip())

    def _trusted(self) -> bytes:
        return trusted_certificate(Path(self._device.folder) / (self._config.server_certificate or ""))

    async def _respect_limits(self) -> None:
        """Ask the server how much it takes at once (Part 5, clause 6.3.11); zero and refusal mean no limit."""
        read_max, items_max = (await self._read_some([encoded(_asked(node)) for node in _LIMITS])).value.tolist()
        own = self._config.nodes_per_read_max
        self._read_max = min(own, int(read_max)) if read_max >= 1.0 else own
        self._items_max = min(own, int(items_max)) if items_max >= 1.0 else own

    async def _read_some(self, nodes: Sequence[bytes]) -> Columns:
        body = await self._channel.ask(READ_REQUEST, read_parameters(nodes), self._device.timeout_s)
        try:
            return read_response(body, len(nodes))
        except UnexpectedBytesError:
            self.decoded_by_library += 1
        response = struct_from_binary(ua.ReadResponse, Buffer(body))
        response.ResponseHeader.ServiceResult.check()
        if len(response.Results or ()) != len(nodes):
            msg = f"the server answered {len(response.Results or ())} of {len(nodes)} nodes"
            raise ua.UaError(msg)
        return decode(response.Results)

    async def _explained(self, error: Exception) -> str:
        """Why connecting failed, in words; asks the server what it offers when the error itself does not tell."""
        file = self._identity.certificate_file if self._identity else None
        if isinstance(error, ua.UaStatusCodeError):
            told = troubles.by_status(_status_name(error), self._config, file)
            if told is not None:
                return told
        if self._config.encrypted and isinstance(error, _DOUBTFUL) and not isinstance(error, ConnectionRefusedError):
            offers = await self.offers()
            hung_up = not isinstance(error, TimeoutError)
            if offers is not None:
                told = troubles.by_offers(offers, self._config, self._trusted(), file if hung_up else None)
                return (told or in_words(error)) + self._kept(offers)
        return in_words(error)

    def _kept(self, offers: Sequence[troubles.Offer]) -> str:
        """Keep a certificate that is shown in place of the trusted one, and say how to trust it."""
        shown = troubles.other_certificate(offers, self._config, self._trusted())
        kept = None
        if shown is not None:
            with suppress(OSError):
                kept = keep_rejected(Path(self._device.folder), self._device.name, shown)
        return "" if kept is None else f"; 保存於 kept as {kept}: mv {kept} {self._config.server_certificate}"

    async def offers(self) -> list[troubles.Offer] | None:
        """Endpoints that the server shows to everybody, without security; none when it does not answer even that."""
        client = Client(self._config.url, timeout=self._device.timeout_s)
        try:
            async with asyncio.timeout(DIAGNOSIS_FLOOR_S + self._device.timeout_s):
                endpoints = await client.connect_and_get_server_endpoints()
        except FAILURES:
            return None
        encrypting = ua.MessageSecurityMode.SignAndEncrypt
        return [
            troubles.Offer(one.SecurityPolicyUri, one.SecurityMode == encrypting, one.ServerCertificate or b"")
            for one in endpoints
        ]


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Let nothing out but :class:`DeviceUnreachableError`, which says in words what the library or network said."""
    try:
        yield
    except FAILURES as error:
        raise DeviceUnreachableError(in_words(error)) from error


def encoded(node: ua.ReadValueId) -> bytes:
    """What is to be read, as bytes."""
    return bytes(struct_to_binary(node))


def value_of(address: str) -> ua.ReadValueId:
    """The value of a node; :class:`DriverConfigError` when the address is no NodeId."""
    try:
        return _asked(ua.NodeId.from_string(address))
    except ua.UaError as error:
        msg = f"'{address}' is no NodeId"
        raise DriverConfigError(msg) from error


def in_words(error: BaseException) -> str:
    """An error of the library or the network, for people."""
    if isinstance(error, ua.UaStatusCodeError):
        name, meaning = ua.status_codes.get_name_and_doc(error.code)
        return f"{name}: {meaning}"
    if isinstance(error, CertificateMistakeError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, InvalidSignature):
        return "the server's signature is not that of the trusted certificate"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _asked(node: ua.NodeId) -> ua.ReadValueId:
    return ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value)


def _status_name(error: ua.UaStatusCodeError) -> str:
    name: str = ua.status_codes.get_name_and_doc(error.code)[0]
    return name
