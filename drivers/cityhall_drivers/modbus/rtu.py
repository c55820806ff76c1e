"""Modbus RTU, through TCP or a serial port: one question at a time, and nothing that tells a late answer but care.

An RTU frame has no transaction number. A late answer is told by its unit, function and length where these differ; for
the same unit, the line must have been silent for as long as the unit may still answer before it is asked again.
"""

from abc import abstractmethod
from collections.abc import Sequence

from cityhall_bms.ports.clock import Clock
from cityhall_drivers.modbus.link import Answer, Link, SocketLink, Waiting, expected
from cityhall_drivers.modbus.wire import (
    READS,
    ExceptionAnswerError,
    NonsenseError,
    data_of,
    rtu_frame,
    split_rtu,
)


class RtuLink(Link):
    """What RTU through TCP and on a serial port have in common."""

    _waiting: Waiting | None

    def _begin(self) -> None:
        """Start with an empty line."""
        self._buffer = bytearray()
        self._waiting = None
        self._question = b""
        self._unit = 0
        self._silent_until_s: dict[int, float] = {}

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send; ``OSError`` when the medium is gone."""

    async def _exchange(self, unit: int, questions: Sequence[bytes], timeout_s: float) -> list[Answer]:
        answers: list[Answer] = []
        for question in questions:
            answers.append(await self._ask(unit, question, timeout_s))
            if not isinstance(answers[-1], bytes):
                break
        return answers + [None] * (len(questions) - len(answers))

    async def _ask(self, unit: int, question: bytes, timeout_s: float) -> Answer:
        await self._let_pass(unit)
        self._buffer.clear()
        waiting = Waiting(1)
        self._question, self._unit, self._waiting = question, unit, waiting
        self.send(rtu_frame(unit, question))
        try:
            answer = (await waiting.all(timeout_s))[0]
        finally:
            self._waiting = None
        if not isinstance(answer, bytes):
            self._silent_until_s[unit] = self._clock.monotonic() + timeout_s
        return answer

    async def _let_pass(self, unit: int) -> None:
        """Let a late answer of the same unit pass before it is asked again."""
        until_s = self._silent_until_s.pop(unit, 0.0)
        wait_s = until_s - self._clock.monotonic()
        if wait_s > 0:
            await self._clock.sleep(wait_s)

    def heard(self, data: bytes) -> None:
        """Take what came from the line."""
        waiting = self._waiting
        if waiting is None:
            self.counts["late"] += 1
            return
        self._buffer += data
        try:
            while (frame := split_rtu(self._buffer)) is not None:
                if expected(frame, self._unit) and self._fits(frame.pdu):
                    waiting.put(0, frame.pdu)
                else:
                    self.counts["late"] += 1
        except NonsenseError:
            # Noise, or the rest of something: what was asked may still come behind it, and the time-out ends it.
            self.counts["noise"] += 1
            self._buffer.clear()

    def _fits(self, pdu: bytes) -> bool:
        """Whether an answer has the function, and the length, of what was asked."""
        if pdu[0] & 0x7F != self._question[0]:
            return False
        if pdu[0] not in READS:
            return True
        count = int.from_bytes(self._question[3:5], "big")
        try:
            data_of(self._question, pdu, (count + 7) // 8 if pdu[0] <= 2 else 2 * count)
        except (NonsenseError, ExceptionAnswerError):
            return False
        return True


class RtuOverTcpLink(RtuLink, SocketLink):
    """A serial line behind a gateway that passes its bytes on."""

    send = SocketLink.send

    def __init__(self, host: str, port: int, clock: Clock, gap_s: float = 0.0) -> None:
        SocketLink.__init__(self, host, port, clock, gap_s)
        self._begin()
