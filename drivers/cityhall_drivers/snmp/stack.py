"""The only file that knows pysnmp: engines, and one question at a time to an agent.

- An engine keeps one key per user name, so devices share it only when all their credentials are the same. It opens its
  socket with its first device and closes it with its last.
- An engine remembers for minutes which engine id lives at an address, and for ever how often that was restarted. An
  agent that was exchanged or reset would stay lost, so a device of version 3 that failed goes on with another engine.
- Its own time-outs come in half seconds and its retries are blind; ours are taken instead, and its own only clear up
  behind us. Request ids, message ids and the state of security are compared by the library.
- MIB look-ups are left out: they cost more than the rest of a request.
"""

import asyncio
import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pyasn1.type import univ  # type: ignore[import-untyped]
from pysnmp.carrier.asyncio.dgram import udp, udp6  # type: ignore[import-untyped]
from pysnmp.entity import config as usm  # type: ignore[import-untyped]
from pysnmp.entity.engine import SnmpEngine  # type: ignore[import-untyped]
from pysnmp.entity.rfc3413 import cmdgen  # type: ignore[import-untyped]
from pysnmp.error import PySnmpError  # type: ignore[import-untyped]
from pysnmp.hlapi.v3arch.asyncio import (  # type: ignore[import-untyped]
    CommunityData,
    Udp6TransportTarget,
    UdpTransportTarget,
    UsmUserData,
)
from pysnmp.hlapi.v3arch.asyncio.lcd import CommandGeneratorLcdConfigurator  # type: ignore[import-untyped]
from pysnmp.proto import errind, rfc1902, rfc1905  # type: ignore[import-untyped]
from pysnmp.proto.api import v2c  # type: ignore[import-untyped]
from pysnmp.proto.rfc3412 import MsgAndPduDispatcher  # type: ignore[import-untyped]

from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_drivers.snmp.codec import Kind, Value
from cityhall_drivers.snmp.config import SnmpConfig
from cityhall_drivers.snmp.mib import Oid
from cityhall_drivers.snmp.troubles import in_words

TOO_BIG: Final = 1
"""Error status of RFC 3416, clause 3."""
_CLEAR_UP_S: Final = 5.0
_AUTH: Final = {
    "SHA": usm.USM_AUTH_HMAC96_SHA,
    "SHA224": usm.USM_AUTH_HMAC128_SHA224,
    "SHA256": usm.USM_AUTH_HMAC192_SHA256,
    "SHA384": usm.USM_AUTH_HMAC256_SHA384,
    "SHA512": usm.USM_AUTH_HMAC384_SHA512,
}
_PRIV: Final = {
    "AES128": usm.USM_PRIV_CFB128_AES,
    "AES256": usm.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "AES256C": usm.USM_PRIV_CFB256_AES,
}
_MISSING: Final = (rfc1905.NoSuchObject, rfc1905.NoSuchInstance, rfc1905.EndOfMibView)
_NULL: Final = univ.Null("")
_NO_ANSWER: Final = (None,) * 8
"""In place of whose answer it is, and the answer."""


class _Tolerant:
    """A socket that drops what is no message: the library raises whatever it stumbles over, into the event loop."""

    _callback_function: Any

    def datagram_received(self, datagram: bytes, address: Any) -> None:  # noqa: ANN401 - a DatagramProtocol
        """Hand a datagram over; nobody but the sender can be told that it makes no sense."""
        with contextlib.suppress(Exception):
            self._callback_function(self, address, datagram)


class _Udp(_Tolerant, udp.UdpTransport):  # type: ignore[misc]
    """Over IPv4."""


class _Udp6(_Tolerant, udp6.Udp6Transport):  # type: ignore[misc]
    """Over IPv6."""


class _Dispatcher(MsgAndPduDispatcher):  # type: ignore[misc]
    """Knows under which number each question went out: the library changes it when it must send one again."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[int, int] = {}

    def send_pdu(self, *message: Any, **options: Any) -> int:  # noqa: ANN401 - the library's
        """Send, and note the question's newest number."""
        handle: int = super().send_pdu(*message, **options)
        (request, *_) = message[-1]
        self.sent[request] = handle
        return handle


class _TroubleError(Exception):
    """An error indication of the library, by its name."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to an agent; never shown."""

    version: str
    user: str
    auth: str = ""
    auth_password: str = field(default="", repr=False)
    priv: str | None = None
    priv_password: str = field(default="", repr=False)
    community: str = field(default="", repr=False)

    @classmethod
    def read(cls, config: SnmpConfig, folder: Path) -> "Credentials":
        """Read the secrets of a device; ``OSError`` when a file is not there."""

        def secret(name: str | None) -> str:
            return (folder / name).read_text(encoding="utf-8").strip() if name is not None else ""

        if config.version == "2c":
            return cls("2c", "", community=secret(config.community_file))
        auth, priv = secret(config.auth_password_file), secret(config.priv_password_file)
        return cls("3", config.user or "", config.auth, auth, config.priv, priv)

    def for_library(self) -> Any:  # noqa: ANN401 - CommunityData or UsmUserData
        """As the library wants them."""
        if self.version == "2c":
            return CommunityData(self.community, mpModel=1)  # noqa: S508 - all that many devices speak
        return UsmUserData(
            self.user,
            self.auth_password,
            self.priv_password or None,
            authProtocol=_AUTH[self.auth],
            privProtocol=_PRIV[self.priv] if self.priv else usm.USM_PRIV_NONE,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` as in RFC 3416, clause 3: 0 is fine, else the ``index``-th object (from 1) is to blame."""

    status: int
    index: int
    values: tuple[Value, ...]


class Engine:
    """One engine of the library, shared by devices with the same credentials."""

    def __init__(self, credentials: Credentials) -> None:
        self._auth = credentials.for_library()
        self._engine: Any = None
        self._model = 1 if credentials.version == "2c" else 3
        self._dispatcher = _Dispatcher()
        self._making = asyncio.Lock()
        self._users = 0
        self._get = cmdgen.GetCommandGenerator()
        self._bulk = cmdgen.BulkCommandGeneratorSingleRun()

    async def join(self, host: str, port: int, timeout_s: float, context: str) -> str:
        """Give the library's name of an agent; ``PySnmpError`` when its address is unknown."""
        is_6 = ":" in host
        kind = Udp6TransportTarget if is_6 else UdpTransportTarget
        # The library repeats a question by itself only when it must (discovery of an engine).
        target = await kind.create((host, port), timeout=math.ceil(timeout_s + _CLEAR_UP_S), retries=0)
        async with self._making:
            if self._engine is None:
                self._engine = await asyncio.to_thread(SnmpEngine, msgAndPduDsp=self._dispatcher)
        self._users += 1
        try:
            if usm.get_transport(self._engine, kind.TRANSPORT_DOMAIN) is None:
                transport = _Udp6() if is_6 else _Udp()
                usm.add_transport(self._engine, kind.TRANSPORT_DOMAIN, transport.open_client_mode())
            known = CommandGeneratorLcdConfigurator().configure(self._engine, self._auth, target, context.encode())
        except PySnmpError:
            self.leave()
            raise
        return str(known[0])

    def leave(self) -> None:
        """A device is done; with the last one the sockets are closed."""
        self._users -= 1
        if self._users == 0:
            for domain in (udp.DOMAIN_NAME, udp6.DOMAIN_NAME):
                if usm.get_transport(self._engine, domain) is not None:
                    usm.delete_transport(self._engine, domain).close_transport()

    async def get(self, agent: str, context: str, oids: Sequence[Oid], within_s: float) -> Answer:
        """Ask for instances; :class:`DeviceUnreachableError` in plain words when no usable answer comes."""
        asked = [(v2c.ObjectIdentifier(oid), _NULL) for oid in oids]
        return await self._ask(within_s, self._get, agent, None, context.encode(), asked)

    async def get_next(self, agent: str, context: str, oid: Oid, rows: int, within_s: float) -> Answer:
        """Ask for the instances behind one."""
        asked = [(v2c.ObjectIdentifier(oid), _NULL)]
        return await self._ask(within_s, self._bulk, agent, None, context.encode(), 0, rows, asked)

    async def _ask(self, within_s: float, generator: Any, *asked: Any) -> Answer:  # noqa: ANN401 - the library's
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        request = None
        try:
            request = generator.send_varbinds(self._engine, *asked, _answered, future)
            async with asyncio.timeout(within_s):
                return await future
        except TimeoutError:
            msg = in_words("requestTimedOut", within_s)
            raise DeviceUnreachableError(msg) from None
        except _TroubleError as trouble:
            msg = in_words(str(trouble), within_s)
            raise DeviceUnreachableError(msg) from None
        except (PySnmpError, OSError) as error:
            msg = str(error)
            raise DeviceUnreachableError(msg) from error
        finally:
            if request is not None:
                if future.cancelled():
                    self._abandon(generator, request)
                self._dispatcher.sent.pop(request, None)

    def _abandon(self, generator: Any, request: int) -> None:  # noqa: ANN401 - the library's
        """Have a question forgotten that nobody waits for any more: the library keeps 50 kB of each.

        It would forget them after some ticks of a clock that begins anew with every opening of a socket, so those of an
        agent that stays silent never.
        """
        handle = self._dispatcher.sent.get(request)
        if handle is None:
            return
        self._dispatcher.release_state_information(self._engine, handle, self._model)
        timed_out = {"errorIndication": errind.requestTimedOut}
        with contextlib.suppress(PySnmpError):
            generator.process_response_pdu(
                self._engine, *_NO_ANSWER, timed_out, handle, (request, lambda *_: None, None)
            )


class Engines:
    """Engines of a service, by credentials."""

    def __init__(self) -> None:
        self._engines: dict[Credentials, Engine] = {}

    def of(self, credentials: Credentials, failed: Engine | None) -> Engine:
        """Engine for these credentials, but not the one that ``failed``: a new one for the first who asks, for all.

        Engines are kept, since making one costs as much as a hundred requests.
        """
        engine = self._engines.get(credentials)
        if engine is None or (engine is failed and credentials.version == "3"):
            engine = self._engines[credentials] = Engine(credentials)
        return engine


class Agent:
    """One agent, as one device knows it."""

    def __init__(self, engines: Engines, config: SnmpConfig, folder: str, timeout_s: float) -> None:
        self._engines = engines
        self._config = config
        self._folder = Path(folder)
        self._timeout_s = timeout_s
        self._engine: Engine | None = None
        self._failed: Engine | None = None
        self._name = ""

    async def open(self) -> None:
        """Find the agent's address; nothing is asked yet. Secrets are read anew."""
        try:
            credentials = await asyncio.to_thread(Credentials.read, self._config, self._folder)
        except (OSError, ValueError) as error:
            msg = f"{type(error).__name__}: {error}"
            raise DriverConfigError(msg) from error
        engine = self._engines.of(credentials, self._failed)
        try:
            config = self._config
            self._name = await engine.join(config.host, config.port, self._timeout_s, config.context)
        except (PySnmpError, OSError) as error:
            msg = str(error)
            raise DeviceUnreachableError(msg) from error
        self._engine = engine

    def close(self) -> None:
        """Let go."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.leave()

    async def get(self, oids: Sequence[Oid], within_s: float) -> Answer:
        """Ask for instances."""
        with self._living() as engine:
            return await engine.get(self._name, self._config.context, oids, within_s)

    async def get_next(self, oid: Oid, rows: int, within_s: float) -> Answer:
        """Ask for the instances behind one."""
        with self._living() as engine:
            return await engine.get_next(self._name, self._config.context, oid, rows, within_s)

    @contextlib.contextmanager
    def _living(self) -> Iterator[Engine]:
        """Give the engine, and remember it when it fails."""
        if self._engine is None:
            msg = "not connected"
            raise DeviceUnreachableError(msg)
        try:
            yield self._engine
        except DeviceUnreachableError:
            self._failed = self._engine
            raise


def _answered(*answer: Any) -> None:  # noqa: ANN401 - a callback of the library
    """Take what the library got; nobody may be waiting any more."""
    _engine, _handle, indication, status, index, values, future = answer
    if future.done():
        return
    if indication is not None:
        future.set_exception(_TroubleError(_name_of(indication)))
        return
    future.set_result(Answer(int(status), int(index), tuple(_value(name, value) for name, value in values)))


def _name_of(indication: object) -> str:
    """Name of an error indication: ``wrongDigest``."""
    name = type(indication).__name__
    return indication if isinstance(indication, str) else name[0].lower() + name[1:]


def _value(name: Any, value: Any) -> Value:  # noqa: ANN401 - types of the library
    oid = tuple(name)
    if isinstance(value, _MISSING):
        return Value(oid, Kind.MISSING)
    if isinstance(value, rfc1902.TimeTicks):
        return Value(oid, Kind.TICKS, int(value))
    if isinstance(value, univ.Integer):
        return Value(oid, Kind.INTEGER, int(value))
    if isinstance(value, rfc1902.IpAddress | rfc1902.Opaque):
        return Value(oid, Kind.OTHER, value.prettyPrint())
    if isinstance(value, univ.OctetString):
        return Value(oid, Kind.TEXT, bytes(value))
    return Value(oid, Kind.OTHER, value.prettyPrint())
