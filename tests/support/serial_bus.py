"""Units on a serial line that answers as scripted, behind a TCP gateway or a pseudo terminal of this machine."""

import asyncio
import os
import pty
import struct
import tty
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cityhall_simulators.faces.modbus_framing import Request, RtuFraming


@dataclass
class SerialBus:
    """Units with holding registers; ``scripted`` answers are used up one per request: bytes as they go on the line."""

    registers: dict[int, dict[int, int]]
    scripted: deque[bytes | None] = field(default_factory=deque)
    """Bytes instead of the right answer; empty for silence, none for the right answer."""
    requests: list[tuple[int, bytes]] = field(default_factory=list)
    send: Callable[[bytes], object] | None = None
    """Puts bytes on the line, asked or not."""
    connections: int = 0
    _framing: RtuFraming = field(default_factory=RtuFraming)

    def heard(self, data: bytes) -> None:
        for request in self._framing.feed(data, 0.0):
            self.requests.append((request.unit_id, request.pdu))
            scripted = self.scripted.popleft() if self.scripted else None
            answer = self.right_answer(request) if scripted is None else scripted
            if answer and self.send is not None:
                self.send(answer)

    def right_answer(self, request: Request) -> bytes:
        known = self.registers.get(request.unit_id)
        if known is None:
            return b""
        function, start, count = struct.unpack(">BHH", request.pdu[:5])
        if function == 6:
            known[start] = count
            return self._framing.pack(request, request.pdu)
        words = [known.get(address) for address in range(start, start + count)]
        if function != 3 or None in words:
            return self._framing.pack(request, bytes((function | 0x80, 2)))
        data = struct.pack(f">{count}H", *words)
        return self._framing.pack(request, bytes((function, len(data))) + data)

    def answer_of(self, unit: int, start: int, count: int) -> bytes:
        """Frame that answers a read, to be sent at the wrong time."""
        return self.right_answer(Request(unit, struct.pack(">BHH", 3, start, count)))


@asynccontextmanager
async def behind_tcp(bus: SerialBus) -> AsyncIterator[dict[str, object]]:
    """Give the settings of a device behind a gateway that passes serial frames on."""

    class Gateway(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            bus.connections += 1
            bus.send = transport.write
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            bus.heard(data)

    server = await asyncio.get_running_loop().create_server(Gateway, "127.0.0.1", 0)
    try:
        yield {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "framing": "rtu"}
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def on_a_terminal(bus: SerialBus) -> AsyncIterator[dict[str, object]]:
    """Give the settings of a device on a serial port; what is written there comes out here."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    loop = asyncio.get_running_loop()
    bus.send = lambda data: os.write(ours, data)
    loop.add_reader(ours, lambda: bus.heard(os.read(ours, 4096)))
    try:
        # A terminal has no parity: the kernel refuses to set one.
        yield {"serial": os.ttyname(theirs), "baud": 115_200, "parity": "none"}
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)
