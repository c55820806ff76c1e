"""Modbus TCP: transaction numbers tell every answer's question, also a late one's."""

from collections.abc import Sequence

from cityhall_bms.ports.clock import Clock
from cityhall_drivers.modbus.link import Answer, SocketLink, Waiting, expected
from cityhall_drivers.modbus.wire import NonsenseError, split_tcp, tcp_frame

FIRST_TRANSACTION, LAST_TRANSACTION = 1, 0xFFFF
"""Zero is left out: it is what devices answer that know nothing of transactions."""


class TcpLink(SocketLink):
    """One connection; any number of questions of one unit on their way at once."""

    def __init__(self, host: str, port: int, clock: Clock, gap_s: float = 0.0) -> None:
        super().__init__(host, port, clock, gap_s)
        self._buffer = bytearray()
        self._next = FIRST_TRANSACTION
        self._first = 0
        self._unit = 0

    async def _connect(self) -> None:
        self._buffer.clear()
        await super()._connect()

    async def _exchange(self, unit: int, questions: Sequence[bytes], timeout_s: float, late_s: float) -> list[Answer]:
        del late_s  # its number tells a late answer
        first = self._next if self._next + len(questions) <= LAST_TRANSACTION else FIRST_TRANSACTION
        self._next = first + len(questions)
        self._first, self._unit, self._waiting = first, unit, Waiting(len(questions))
        frames = [tcp_frame(first + place, unit, pdu) for place, pdu in enumerate(questions)]
        try:
            self.send(b"".join(frames))
            return await self._waiting.all(timeout_s)
        finally:
            self._waiting = None

    def heard(self, data: bytes) -> None:
        """Take what came; an answer whose question nobody waits for any more is late, and is let go."""
        self._buffer += data
        try:
            for frame in split_tcp(self._buffer):
                self._take(frame.transaction, frame.pdu, mine=expected(frame, self._unit))
        except NonsenseError as nonsense:
            self._confused(nonsense)

    def _take(self, transaction: int, pdu: bytes, *, mine: bool) -> None:
        waiting = self._waiting
        place = transaction - self._first
        if waiting is None or not 0 <= place < len(waiting.answers):
            self.counts["late"] += 1
        elif mine:
            waiting.put(place, pdu)
        else:
            waiting.put(place, NonsenseError("answer of another unit"))

    def _confused(self, nonsense: NonsenseError) -> None:
        """Nothing more can be understood on this connection: it ends, and every open question with it."""
        waiting = self._waiting
        if waiting is None:
            self.drop()
            return
        for place, answer in enumerate(list(waiting.answers)):
            if answer is None:
                waiting.put(place, nonsense)
