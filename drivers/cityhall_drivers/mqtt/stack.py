"""The only file that knows aiomqtt: one session with one broker.

- A message goes from the library straight to its taker, in place of a queue: no task waits for it, no backlog grows.
- The library's own reconnecting stays off, and a session that ended stays ended: the next call says so, and the
  collector begins a new one.
- A client whose connecting fails is let go of here; aiomqtt would leave its socket open.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, cast

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_drivers.mqtt.config import MqttConfig

Taker = Callable[[str, bytes, bool], None]
"""Topic, payload, and whether the broker had kept it."""

GOODBYE_MAX_S: Final = 1.0
SESSION_KEPT_S: Final = 86_400
"""How long the broker keeps messages for us where it is asked to (MQTT 5; before, brokers decide by themselves)."""
FILTERS_PER_REQUEST: Final = 100
NOBODY: Final = "cityhall_bms/nobody"
"""A topic to which nobody subscribes. Ending that is answered (clause 3.10.4) and changes nothing: a round trip."""

_UNEXPLAINED: Final = "Unspecified error"
"""What the library calls a connection that just ended."""

# What the library logs as errors reaches us as exceptions, and would be repeated at every attempt.
_silent: Final = logging.getLogger("cityhall_drivers.mqtt.aiomqtt")
_silent.setLevel(logging.CRITICAL + 1)


class _Direct(asyncio.Queue[aiomqtt.Message]):
    """Hands over instead of keeping."""

    def __init__(self, taker: Taker, maxsize: int) -> None:
        super().__init__(maxsize)
        self._taker = taker

    def put_nowait(self, item: aiomqtt.Message) -> None:
        payload = item.payload if isinstance(item.payload, bytes) else b""
        self._taker(str(item.topic), payload, item.retain)


class Session:
    """One connection; opened once."""

    def __init__(self, config: MqttConfig, folder: str, timeout_s: float, taker: Taker) -> None:
        self._config = config
        self._folder = Path(folder)
        self._timeout_s = timeout_s
        self._taker = taker
        self._client: aiomqtt.Client | None = None
        self._ended: str | None = None

    @property
    def connected(self) -> bool:
        """Whether the session lives, as far as is known."""
        return self._client is not None and self._ended is None

    @property
    def ended(self) -> str | None:
        """Why the session is over; none while it lives, as far as is known."""
        return self._ended

    async def open(self) -> None:
        """Connect; :class:`DeviceUnreachableError` in plain words when that fails."""
        try:
            context, password = await asyncio.to_thread(self._secrets)
        except (OSError, ValueError) as error:
            msg = f"{type(error).__name__}: {error}"
            raise DriverConfigError(msg) from error
        client = self._new_client(context, password)
        try:
            await client.__aenter__()
        except BaseException as error:
            _let_go(client)
            if isinstance(error, aiomqtt.MqttError):
                raise DeviceUnreachableError(in_words(error)) from error
            raise
        client._disconnected.add_done_callback(self._end)  # noqa: SLF001 - the library tells it to iterators only
        self._client = client

    async def close(self) -> None:
        """Say goodbye within a second; never raises."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            async with asyncio.timeout(GOODBYE_MAX_S):
                await client.__aexit__(None, None, None)
        except (aiomqtt.MqttError, TimeoutError, OSError):
            _let_go(client)

    async def subscribe(self, filters: Sequence[str]) -> list[str]:
        """Subscribe; give the filters that the broker refuses."""
        refused: list[str] = []
        for first in range(0, len(filters), FILTERS_PER_REQUEST):
            some = filters[first : first + FILTERS_PER_REQUEST]
            try:
                codes = await self._living().subscribe(self._asked(some))
            except aiomqtt.MqttError as error:
                raise self._unreachable(error) from error
            if len(codes) != len(some):
                msg = f"the broker answered for {len(codes)} of {len(some)} topics"
                raise DeviceUnreachableError(msg)
            refused += [name for name, code in zip(some, codes, strict=True) if _is_refusal(code)]
        return refused

    async def round_trip(self, within_s: float) -> None:
        """Return when the broker answered; whatever it sent before has been taken by then."""
        try:
            await self._living().unsubscribe(NOBODY, timeout=within_s)
        except aiomqtt.MqttError as error:
            raise self._unreachable(error) from error

    def publish(self, topic: str, payload: bytes) -> None:
        """Send, once and unconfirmed (QoS 0); may be called while a message is being taken."""
        if self._client is not None and self.connected:
            self._client._client.publish(topic, payload)  # noqa: SLF001 - aiomqtt's own can only be awaited

    def _asked(self, filters: Sequence[str]) -> list[tuple[str, int]] | list[tuple[str, SubscribeOptions]]:
        qos: int = self._config.qos
        if self._config.version == "5":
            return [(name, SubscribeOptions(qos=qos)) for name in filters]
        return [(name, qos) for name in filters]

    def _living(self) -> aiomqtt.Client:
        if self._client is None or self._ended is not None:
            msg = self._ended or "not connected"
            raise DeviceUnreachableError(msg)
        return self._client

    def _unreachable(self, error: aiomqtt.MqttError) -> DeviceUnreachableError:
        """What went wrong; why the broker hung up, if it did, says more than the call that failed of it."""
        if self._client is not None and self._client._disconnected.done():  # noqa: SLF001
            self._end(self._client._disconnected)  # noqa: SLF001
        return DeviceUnreachableError(self._ended or in_words(error))

    def _end(self, disconnected: asyncio.Future[None]) -> None:
        error = None if disconnected.cancelled() else disconnected.exception()
        reason = "" if error is None or _UNEXPLAINED in str(error) else f": {in_words(error)}"
        self._ended = f"the broker hung up{reason}"

    def _secrets(self) -> tuple[ssl.SSLContext | None, str | None]:
        """Read files anew at every connection, so that an exchanged one needs no restart."""
        config, context, password = self._config, None, None
        if config.tls:
            ca_file = str(self._folder / config.ca_file) if config.ca_file is not None else None
            context = ssl.create_default_context(cafile=ca_file)
        if config.password_file is not None:
            password = (self._folder / config.password_file).read_text(encoding="utf-8").strip()
        return context, password

    def _new_client(self, context: ssl.SSLContext | None, password: str | None) -> aiomqtt.Client:
        config, is_5 = self._config, self._config.version == "5"
        client = aiomqtt.Client(
            config.host,
            config.port,
            username=config.user,
            password=password,
            logger=_silent,
            identifier=config.client_id,
            queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", partial(_Direct, self._taker)),
            protocol=aiomqtt.ProtocolVersion.V5 if is_5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if is_5 else config.clean_start,
            clean_start=config.clean_start if is_5 else MQTT_CLEAN_START_FIRST_ONLY,
            properties=_kept_session() if is_5 and not config.clean_start else None,
            timeout=self._timeout_s,
            keepalive=config.keep_alive_s,
            tls_context=context,
        )
        client._client.connect_timeout = self._timeout_s  # noqa: SLF001 - a thread waits this long and cannot be stopped
        return client


def in_words(error: BaseException) -> str:
    """An error of the library or the network, for people."""
    text = str(error)
    if isinstance(error, MqttConnectError):
        return f"the broker refuses us: {error.args[0] if error.args else error.rc}"
    return f"no answer in time ({text})" if "timed out" in text else text or type(error).__name__


def _kept_session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_KEPT_S
    return properties


def _is_refusal(code: object) -> bool:
    """Whether a code of SUBACK is a failure: 0x80 and above (clause 3.9.3)."""
    return int(getattr(code, "value", code)) >= 0x80  # type: ignore[call-overload, no-any-return]


def _let_go(client: aiomqtt.Client) -> None:
    """Close whatever a client still holds; a thread that is still connecting for it finds nobody waiting."""
    paho = client._client  # noqa: SLF001 - aiomqtt offers nothing for a client that is not connected
    paho.disconnect()
    paho.on_socket_open = None
