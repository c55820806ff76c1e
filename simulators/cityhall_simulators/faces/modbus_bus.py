"""The line behind a port: it carries one request at a time, whoever asks."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cityhall_simulators.faces.modbus_framing import RTU_OVERHEAD_BYTES, Request

WAITING_MAX: Final = 64
"""Requests that wait for the line; what comes then is told that the gateway is busy."""
_BITS_PER_CHARACTER: Final = 11
_GAP_CHARACTERS: Final = 3.5
"""Silence around every frame, Modbus over Serial Line 2.5.1.1."""


@dataclass(frozen=True, slots=True)
class Served:
    """What came of a request: the answer (None when nobody answers), and how long the line was taken by it."""

    pdu: bytes | None
    takes_s: float


def bus_time_s(request: Request, answer: bytes, baud: int) -> float:
    """Seconds that question and answer take on a serial line, with the silence around both; 0.0 without a line."""
    if baud <= 0:
        return 0.0
    characters = len(request.pdu) + len(answer) + 2 * (RTU_OVERHEAD_BYTES + _GAP_CHARACTERS)
    return characters * _BITS_PER_CHARACTER / baud


class Bus:
    """Serves requests one after another, in the order in which they came."""

    def __init__(self, serve: Callable[[Request], Served]) -> None:
        self._serve = serve
        self._waiting: deque[tuple[Request, Callable[[bytes | None], None]]] = deque()
        self._taken: asyncio.TimerHandle | None = None

    def ask(self, request: Request, reply: Callable[[bytes | None], None]) -> bool:
        """Call ``reply`` when the request was served, at once on an idle line; False when too many wait already."""
        if len(self._waiting) >= WAITING_MAX:
            return False
        self._waiting.append((request, reply))
        if self._taken is None:
            self._go_on()
        return True

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        if self._taken is not None:
            self._taken.cancel()

    def _go_on(self) -> None:
        self._taken = None
        while self._waiting and self._taken is None:
            request, reply = self._waiting.popleft()
            served = self._serve(request)
            if served.takes_s > 0.0:
                loop = asyncio.get_running_loop()
                self._taken = loop.call_later(served.takes_s, self._done, reply, served.pdu)
            else:
                reply(served.pdu)

    def _done(self, reply: Callable[[bytes | None], None], pdu: bytes | None) -> None:
        reply(pdu)
        self._go_on()
