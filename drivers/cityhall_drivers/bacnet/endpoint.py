"""Our own UDP socket for steady work, beside the library's: questions, answers, and what devices tell by themselves."""

import asyncio
import ipaddress
import socket
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.bacnet.foreign import ForeignRegistration
from cityhall_drivers.bacnet.wire import (
    CONFIRMED,
    RESULT,
    UNCONFIRMED,
    FrameError,
    Station,
    answered_invoke,
    bvll,
    datagram,
    i_am_instance,
    open_datagram,
    with_invoke,
)

PORT: Final = 47809
"""Beside the library's 47808. Steady, so that subscriptions survive our restart as the same ones."""
RECEIVE_BUFFER: Final = 1 << 22
"""A thousand notifications may come in one burst; the kernel cuts this to its own limit."""
INVOKES: Final = 256
OPEN_MAX: Final = 64
"""Abandoned questions to one station whose numbers must not come again yet."""
REST: Final = 3.0
"""Time-outs that an abandoned question's number rests."""

Listener = Callable[[bytes], None]
"""Takes an APDU that a station sent by itself."""


class SilenceError(Exception):
    """No answer in time; the text says more."""


class _Line:
    """Numbers of the questions to one station."""

    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[bytes]] = {}
        self._resting: deque[tuple[float, int]] = deque()
        self._next = 0

    def take(self, now_s: float) -> int:
        """A number that no answer still to come can have."""
        while self._resting and self._resting[0][0] <= now_s:
            self._resting.popleft()
        if len(self._resting) + len(self.waiting) >= OPEN_MAX:
            msg = "too many questions are still open"
            raise SilenceError(msg)
        used = {number for _, number in self._resting} | self.waiting.keys()
        while self._next in used:
            self._next = (self._next + 1) % INVOKES
        invoke = self._next
        self._next = (invoke + 1) % INVOKES
        return invoke

    def rest(self, invoke: int, until_s: float) -> None:
        """Give a number back later: its question was abandoned."""
        self._resting.append((until_s, invoke))


class FieldEndpoint(asyncio.DatagramProtocol):
    """One socket for all devices that are reached from one local address (and through one BBMD).

    ``counts``: questions, repeats, silences, late answers, nonsense.
    """

    def __init__(self, local_host: str, clock: Clock, foreign: ForeignRegistration | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self.foreign = foreign
        self._local_host = local_host
        self._clock = clock
        self._users: set[int] = set()
        self._turn = asyncio.Lock()
        self._transport: asyncio.DatagramTransport | None = None
        self._lines: dict[Station, _Line] = {}
        self._listeners: dict[Station, Listener] = {}
        self._watchers: dict[int, Callable[[], None]] = {}

    async def join(self, user: int) -> None:
        """Bind the socket if nobody did yet; :class:`DeviceUnreachableError` when that fails."""
        async with self._turn:
            if self._transport is None:
                await self._bind()
            self._users.add(user)

    def leave(self, user: int) -> None:
        """Close with the last user."""
        self._users.discard(user)
        if self._users or self._transport is None:
            return
        if self.foreign is not None:
            self.foreign.end()
        self._transport.close()
        self._transport = None
        self._lines.clear()

    async def _bind(self) -> None:
        loop = asyncio.get_running_loop()
        own = self._socket()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=own)
        self._transport = transport
        if self.foreign is not None:
            self.foreign.begin(transport.sendto)

    def _socket(self) -> socket.socket:
        """On loopback, and where another program holds our port, any free one will do: devices answer to the source."""
        is_loopback = ipaddress.IPv4Address(self._local_host).is_loopback
        own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            own.settimeout(0.0)
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            if not is_loopback:
                with suppress(OSError):
                    own.bind((self._local_host, PORT))
                    return own
            own.bind((self._local_host, 0))
        except OSError as error:
            own.close()
            msg = f"cannot bind {self._local_host}: {error} (no address of ours?)"
            raise DeviceUnreachableError(msg) from error
        return own

    async def ask(self, station: Station, question: bytes, timeout_s: float) -> bytes:
        """Ask once more after half the time; give the APDU of the answer, of whatever kind.

        :class:`SilenceError` when nothing came in time.
        """
        line = self._lines.get(station)
        if line is None:
            line = self._lines[station] = _Line()
        began_s = self._clock.monotonic()
        invoke = line.take(began_s)
        frame = datagram(station, with_invoke(question, invoke), expects_reply=True)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        line.waiting[invoke] = future
        handles = [
            loop.call_later(timeout_s / 2, self._repeat, frame, station),
            loop.call_later(timeout_s, self._give_up, future),
        ]
        self.counts["questions"] += 1
        self._send(frame, station)
        try:
            answer = await future
        finally:
            for handle in handles:
                handle.cancel()
            del line.waiting[invoke]
            # Abandoned, or asked twice: an answer may still come.
            now_s = self._clock.monotonic()
            if future.cancelled() or now_s - began_s >= timeout_s / 2:
                line.rest(invoke, now_s + REST * timeout_s)
        if not answer:
            self.counts["silences"] += 1
            msg = f"no answer within {timeout_s:g} s"
            raise SilenceError(msg)
        return answer

    def tell(self, station: Station, apdu: bytes) -> None:
        """Send what needs no answer."""
        self._send(datagram(station, apdu, expects_reply=False), station)

    def listen(self, station: Station, listener: Listener | None) -> None:
        """Let somebody hear what a station tells by itself, or nobody."""
        if listener is None:
            self._listeners.pop(station, None)
        else:
            self._listeners[station] = listener

    def watch(self, instance: int, watcher: Callable[[], None] | None) -> None:
        """Call somebody whenever a device says I-Am, or nobody."""
        if watcher is None:
            self._watchers.pop(instance, None)
        else:
            self._watchers[instance] = watcher

    def said_i_am(self, instance: int) -> None:
        """A device introduced itself, here or at the library's socket."""
        watcher = self._watchers.get(instance)
        if watcher is not None:
            watcher()

    def _send(self, frame: bytes, station: Station) -> None:
        if self._transport is None:
            msg = "not open"
            raise SilenceError(msg)
        self._transport.sendto(frame, (station.host, station.port))

    def _repeat(self, frame: bytes, station: Station) -> None:
        if self._transport is not None:
            self.counts["repeats"] += 1
            self._transport.sendto(frame, (station.host, station.port))

    def _give_up(self, future: asyncio.Future[bytes]) -> None:
        if not future.done():
            future.set_result(b"")

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand an answer to whoever asked, and news to whoever listens; the rest is nobody's."""
        try:
            station, apdu = open_datagram(data, addr)
        except FrameError:
            self._odd(data, addr)
            return
        kind = apdu[0] >> 4
        if kind in {CONFIRMED, UNCONFIRMED}:
            self._told(station, apdu)
            return
        invoke = answered_invoke(apdu)
        line = self._lines.get(station)
        future = None if line is None or invoke is None else line.waiting.get(invoke)
        if future is None or future.done():
            self.counts["late"] += 1
        else:
            future.set_result(apdu)

    def _told(self, station: Station, apdu: bytes) -> None:
        instance = i_am_instance(apdu)
        if instance is not None:
            self.said_i_am(instance)
            return
        listener = self._listeners.get(station)
        if listener is not None:
            listener(apdu)

    def _odd(self, data: bytes, addr: tuple[str, int]) -> None:
        """What carries no APDU: a BBMD's result, or nonsense."""
        try:
            function, content = bvll(data)
            if self.foreign is not None and function == RESULT:
                self.foreign.heard(content, addr)
                return
        except FrameError:
            pass
        self.counts["nonsense"] += 1
