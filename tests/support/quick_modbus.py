"""Modbus units that answer every read of registers at once, from prepared octets; no code of the drivers.

``python -m tests.support.quick_modbus`` prints its port and answers on every loopback address until its input ends.
"""

import asyncio
import struct
import sys
from typing import Any, Final

import uvloop

REGISTERS: Final = 1000
_TABLE: Final = b"".join(struct.pack(">f", 20 + number / 100) for number in range(REGISTERS // 2))
_QUESTION: Final = struct.Struct(">HHHBBHH")
_ANSWER: Final = struct.Struct(">HHHBBB")


class QuickUnit(asyncio.Protocol):
    """One connection. Holding registers are float32: 20.00, 20.01 and so on."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        heard = self._heard + data
        answers, at = [], 0
        while len(heard) - at >= _QUESTION.size:
            transaction, _, _, unit, function, start, count = _QUESTION.unpack_from(heard, at)
            at += _QUESTION.size
            held = _TABLE[2 * start : 2 * (start + count)]
            answers.append(_ANSWER.pack(transaction, 0, 3 + len(held), unit, function, len(held)) + held)
        self._heard = heard[at:]
        self._transport.write(b"".join(answers))


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(QuickUnit, "0.0.0.0", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started this reads it
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_serve())
