"""Modbus RTU, through TCP or a serial port: one question at a time, and nothing that tells a late answer but care.

An RTU frame has no transaction number. A late answer is told by its unit, function and length where these differ; for
the same unit, as much time must pass after a silence as the unit may still take to answer, before it is asked again.
"""

from abc import abstractmethod
from collections.abc import Sequence

from cityhall_bms.ports.clock import Clock
from cityhall_drivers.modbus.link import Answer, Link, SocketLink, Waiting
from cityhall_drivers.modbus.wire import RTU_ENVELOPE, rtu_answer, rtu_frame


class RtuLink(Link):
    """What RTU through TCP and on a serial port have in common."""

    _waiting: Waiting | None

    def _begin(self) -> None:
        """Start with an empty line."""
        self._buffer = bytearray()
        self._waiting = None
        self._question = b""
        self._unit = 0
        self._owed_until_s: dict[int, float] = {}

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send; ``OSError`` when the medium is gone."""

    def _owed_s(self, unit: int) -> float:
        return self._owed_until_s.get(unit, 0.0) - self._clock.monotonic()

    async def _exchange(self, unit: int, questions: Sequence[bytes], timeout_s: float, late_s: float) -> list[Answer]:
        answers: list[Answer] = [None] * len(questions)
        for place, question in enumerate(questions):
            answers[place] = answer = await self._ask(unit, question, timeout_s, late_s)
            if answer is None:
                break
        return answers

    async def _ask(self, unit: int, question: bytes, timeout_s: float, late_s: float) -> Answer:
        self._buffer.clear()
        waiting = Waiting(1)
        self._question, self._unit, self._waiting = question, unit, waiting
        try:
            self.send(rtu_frame(unit, question))
            # However this ends but with an answer (silence, a lost line, the asker gone): one may come yet.
            self._owed_until_s[unit] = self._clock.monotonic() + timeout_s + late_s
            answer = (await waiting.all(timeout_s))[0]
        finally:
            self._waiting = None
        taken = 0
        if isinstance(answer, bytes):
            del self._owed_until_s[unit]
            taken = RTU_ENVELOPE + len(answer)
        if len(self._buffer) > taken:
            self.counts["noise"] += 1
        return answer

    def heard(self, data: bytes) -> None:
        """Take what came from the line: the answer that is waited for, wherever it begins."""
        if self._gap_s:
            self._quiet_since_s = self._clock.monotonic()
        waiting = self._waiting
        if waiting is None:
            self.counts["late"] += 1
            return
        self._buffer += data
        answer = rtu_answer(self._buffer, self._unit, self._question)
        if answer is not None:
            waiting.put(0, answer)


class RtuOverTcpLink(RtuLink, SocketLink):
    """A serial line behind a gateway that passes its bytes on."""

    send = SocketLink.send

    def __init__(self, host: str, port: int, clock: Clock, gap_s: float = 0.0) -> None:
        SocketLink.__init__(self, host, port, clock, gap_s)
        self._begin()
