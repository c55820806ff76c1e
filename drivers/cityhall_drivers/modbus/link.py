"""One Modbus medium: a TCP connection or a serial line, shared by all units behind it, one turn after the other."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Final, cast

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.modbus.wire import Frame, NonsenseError

SILENCES_MAX: Final = 3
"""After so many questions in a row without any answer at all, the connection is made anew."""

WAY_GIVEN_MAX: Final = 100
"""So often a silent unit gives way: on a line that is never free it must be asked in the end, or it stays lost."""

COUNTS: Final = ("questions", "timeouts", "late", "noise", "nonsense", "connections")
"""Late: pieces heard that nobody waited for any more. Noise: serial questions to which other bytes than an answer came,
too. Nonsense: answers to another question. Connections: how often one was begun."""

Answer = bytes | NonsenseError | None
"""PDU of an answer; why it was none; or none when nothing came in time."""


class Link(ABC):
    """Keeps the medium open while somebody uses it, and gives turns in the order in which they are asked for.

    A unit that did not answer its last question gives way to those who did: the whole line stands still while it is
    silent again, and that shall cost each of the others one such time at most, however many units are dead.
    ``counts`` says what happened: :data:`COUNTS`.
    """

    def __init__(self, name: str, clock: Clock, gap_s: float) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
        self._name = name
        self._clock = clock
        self._gap_s = gap_s
        self._users: set[int] = set()
        self._turn = asyncio.Lock()
        self._mute: set[int] = set()
        self._heard_waiting = 0
        self._quiet_since_s = 0.0
        self._silences = 0

    @property
    @abstractmethod
    def connected(self) -> bool:
        """Whether the medium is open and was not lost."""

    @abstractmethod
    async def _connect(self) -> None:
        """Open the medium; ``OSError`` when that fails."""

    @abstractmethod
    async def _exchange(self, unit: int, questions: Sequence[bytes], timeout_s: float, late_s: float) -> list[Answer]:
        """Ask; give an answer for every question. ``ConnectionError`` when the medium was lost."""

    @abstractmethod
    def drop(self) -> None:
        """Let go of the medium at once."""

    def _owed_s(self, unit: int) -> float:  # noqa: ARG002 - where answers carry a number, nobody has to wait
        """How long a unit must not be asked yet, because a late answer of it could be taken for the next."""
        return 0.0

    async def join(self, user: int, timeout_s: float) -> None:
        """Connect if nobody did yet, and stay connected as long as somebody uses it."""
        self._users.add(user)
        try:
            async with self._turn:
                await self._ready(timeout_s)
        except BaseException:
            self.leave(user)
            raise

    def leave(self, user: int) -> None:
        """Close with the last user."""
        self._users.discard(user)
        if not self._users:
            self.drop()

    async def ask(self, unit: int, questions: Sequence[bytes], timeout_s: float, late_s: float = 0.0) -> list[Answer]:
        """Ask one unit, in one turn; give an answer for every question, in their order.

        ``timeout_s`` counts from the unit's turn; after a silence an answer may still come for so long again, or for
        ``late_s`` if that is longer. :class:`DeviceUnreachableError` when there is no connection, or it was lost before
        the last answer. After nonsense the medium is closed: nobody knows what comes next on it.
        """
        heard, way_given = unit not in self._mute, 0
        while True:
            self._heard_waiting += heard
            try:
                await self._turn.acquire()
            finally:
                self._heard_waiting -= heard
            try:
                if not self.connected:
                    await self._ready(timeout_s)
                wait_s = self._owed_s(unit)
                if not heard and self._heard_waiting and way_given < WAY_GIVEN_MAX:
                    way_given += 1
                elif wait_s <= 0:
                    return await self._take_turn(unit, questions, timeout_s, max(timeout_s, late_s))
            finally:
                self._turn.release()
            await self._clock.sleep(max(wait_s, 0.0))

    def mute(self, unit: int) -> None:
        """Hear from its gateway that a unit does not answer: it gives way to others until it does."""
        self._mute.add(unit)

    async def _take_turn(self, unit: int, questions: Sequence[bytes], timeout_s: float, late_s: float) -> list[Answer]:
        if self._gap_s:
            await self._rest(timeout_s)
        try:
            answers = await self._exchange(unit, questions, timeout_s, late_s)
        except OSError as error:
            self.drop()
            msg = f"connection lost while asking unit {unit}: {error}"
            raise self.unreachable(msg) from error
        except BaseException:
            # Cut in the middle of a question: its answer may still come, and would be taken for another.
            self.drop()
            raise
        self._note(unit, answers)
        return answers

    def rest_at_least(self, gap_s: float) -> None:
        """Rest as long between two turns as the unit needs that needs most."""
        self._gap_s = max(self._gap_s, gap_s)

    def unreachable(self, what: str) -> DeviceUnreachableError:
        """Say where it happened."""
        return DeviceUnreachableError(f"{self._name}: {what}")

    async def _ready(self, timeout_s: float) -> None:
        if self.connected:
            return
        self.drop()
        self.counts["connections"] += 1
        try:
            async with asyncio.timeout(timeout_s):
                await self._connect()
        except TimeoutError:
            self.drop()
            msg = f"no connection within {timeout_s:g} s"
            raise self.unreachable(msg) from None
        except OSError as error:
            msg = f"no connection: {error}"
            raise self.unreachable(msg) from error
        self._silences = 0

    async def _rest(self, within_s: float) -> None:
        """Wait until the medium was quiet for its gap; whoever never stops talking is talked over in the end."""
        until_s = self._clock.monotonic() + within_s
        while (now_s := self._clock.monotonic()) < min(until_s, self._quiet_since_s + self._gap_s):
            await self._clock.sleep(self._quiet_since_s + self._gap_s - now_s)

    def _note(self, unit: int, answers: Sequence[Answer]) -> None:
        counts = self.counts
        counts["questions"] += len(answers)
        if self._gap_s:
            self._quiet_since_s = self._clock.monotonic()
        heard = nonsense = 0
        for answer in answers:
            if answer is not None:
                heard += 1
                nonsense += not isinstance(answer, bytes)
        if heard:
            self._silences = 0
            self._mute.discard(unit)
        else:
            self._silences += 1
            self._mute.add(unit)
        if heard == len(answers) and not nonsense:
            return
        counts["timeouts"] += len(answers) - heard
        counts["nonsense"] += nonsense
        if nonsense or self._silences >= SILENCES_MAX:
            self.drop()


class Waiting:
    """What an exchange waits for: one future for all its answers."""

    __slots__ = ("answers", "done", "missing")

    def __init__(self, count: int) -> None:
        self.answers: list[Answer] = [None] * count
        self.missing = count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, place: int, answer: Answer) -> None:
        """Take an answer; the future ends with the last."""
        if self.answers[place] is None:
            self.answers[place] = answer
            self.missing -= 1
            if not self.missing:
                self.end()

    def end(self) -> None:
        """Wait no longer."""
        if not self.done.done():
            self.done.set_result(None)

    def fail(self, error: Exception) -> None:
        """End with an error."""
        if not self.done.done():
            self.done.set_exception(error)

    async def all(self, timeout_s: float) -> list[Answer]:
        """Wait for every answer, or for the time to be over."""
        if self.missing:
            handle = asyncio.get_running_loop().call_later(timeout_s, self.end)
            try:
                await self.done
            finally:
                handle.cancel()
        return self.answers


class _Connection(asyncio.Protocol):
    """One life of a TCP connection; what it hears after that is nobody's."""

    def __init__(self, link: "SocketLink") -> None:
        self._link = link
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one by behaviour only

    def data_received(self, data: bytes) -> None:
        if self._link.is_current(self):
            self._link.heard(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self._link.is_current(self):
            self._link.lost(exc)


class SocketLink(Link):
    """A medium at the other end of a TCP connection."""

    def __init__(self, host: str, port: int, clock: Clock, gap_s: float = 0.0) -> None:
        super().__init__(f"{host}:{port}", clock, gap_s)
        self._host, self._port = host, port
        self._connection: _Connection | None = None
        self._waiting: Waiting | None = None

    @abstractmethod
    def heard(self, data: bytes) -> None:
        """Take what came."""

    @property
    def connected(self) -> bool:
        """Whether the connection stands."""
        return self._connection is not None

    def is_current(self, connection: _Connection) -> bool:
        """Whether a connection is the one in use."""
        return connection is self._connection

    def lost(self, error: Exception | None) -> None:
        """Hear at once that the other side closed."""
        self._connection = None
        if self._waiting is not None:
            self._waiting.fail(ConnectionResetError(str(error) if error else "closed by the other side"))

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, self._connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port)

    def send(self, data: bytes) -> None:
        """Send bytes; ``ConnectionResetError`` when the connection is gone."""
        connection = self._connection
        if connection is None or connection.transport is None:
            msg = "closed by the other side"
            raise ConnectionResetError(msg)
        connection.transport.write(data)

    def drop(self) -> None:
        """Close without waiting."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.transport is not None:
            connection.transport.abort()


def expected(frame: Frame, unit: int) -> bool:
    """Whether a frame can be an answer of a unit: some gateways answer for unit 0 or 255 with their own number."""
    return frame.unit == unit or unit in {0, 255}
