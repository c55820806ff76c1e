"""A Modbus TCP server on a loopback port that answers as scripted. It shares no code with the driver."""

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.until import until

from cityhall_bms.domain.site import Device, Encoding, Point, PointKind, Text
from cityhall_bms.ports.driver import BoundPoint


@dataclass
class Request:
    transaction: int
    unit: int
    function: int
    start: int
    count: int
    """Start and count of a read; of anything else the first four bytes behind the function."""
    pdu: bytes = b""

    def frame(self, pdu: bytes, *, transaction: int | None = None, unit: int | None = None) -> bytes:
        head = self.transaction if transaction is None else transaction
        return struct.pack(">HHHB", head, 0, len(pdu) + 1, self.unit if unit is None else unit) + pdu

    def exception(self, code: int) -> bytes:
        return self.frame(bytes((self.function | 0x80, code)))


Fault = Callable[["ModbusServer", Request], bytes | None]
"""Gives the bytes to send instead of the right answer; none for silence."""


@dataclass
class ModbusServer:
    """Units with their tables; ``faults`` are used up one per request, ``habits`` belong to a unit for good."""

    registers: dict[tuple[int, int], dict[int, int]] = field(default_factory=dict)
    """(unit, function 1 to 4) to its addresses; what is not there is refused with exception 2."""
    faults: deque[Fault | None] = field(default_factory=deque)
    habits: dict[int, Fault] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    clients: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self.clients):
            writer.transport.abort()
        await self._server.wait_closed()
        await until(lambda: not self.clients)

    def right_answer(self, request: Request) -> bytes:
        known = self.registers.get((request.unit, request.function), {})
        wanted = range(request.start, request.start + request.count)
        if any(address not in known for address in wanted):
            return request.exception(2)
        if request.function <= 2:
            data = bytearray((request.count + 7) // 8)
            for place, address in enumerate(wanted):
                data[place // 8] |= (known[address] & 1) << (place % 8)
        else:
            data = bytearray(b"".join(struct.pack(">H", known[address]) for address in wanted))
        return request.frame(bytes((request.function, len(data))) + bytes(data))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.clients.add(writer)
        try:
            while True:
                head = await reader.readexactly(7)
                transaction, _, length, unit = struct.unpack(">HHHB", head)
                pdu = await reader.readexactly(length - 1)
                function, start, count = struct.unpack(">BHH", pdu[:5].ljust(5, b"\0"))
                request = Request(transaction, unit, function, start, count, pdu)
                self.requests.append(request)
                fault = self.faults.popleft() if self.faults else self.habits.get(unit)
                answer = self.right_answer(request) if fault is None else fault(self, request)
                if answer == RESET:
                    writer.transport.abort()
                    return
                if answer is not None:
                    writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.clients.discard(writer)
            writer.close()


RESET = b"reset"


def silence(_server: ModbusServer, _request: Request) -> bytes | None:
    return None


def reset(_server: ModbusServer, _request: Request) -> bytes:
    return RESET


def exception(code: int) -> Fault:
    return lambda _server, request: request.exception(code)


def wrong_function(server: ModbusServer, request: Request) -> bytes:
    right = server.right_answer(request)
    return right[:7] + bytes((right[7] ^ 7,)) + right[8:]


def short_answer(_server: ModbusServer, request: Request) -> bytes:
    return request.frame(bytes((request.function, 2)) + b"\x12\x34")


def lying_byte_count(server: ModbusServer, request: Request) -> bytes:
    right = server.right_answer(request)
    return request.frame(right[7:8] + bytes((right[8] - 2,)) + right[9:])


def wrong_transaction(server: ModbusServer, request: Request) -> bytes:
    return request.frame(server.right_answer(request)[7:], transaction=request.transaction + 1)


def transaction_zero(server: ModbusServer, request: Request) -> bytes:
    return request.frame(server.right_answer(request)[7:], transaction=0)


def wrong_unit(server: ModbusServer, request: Request) -> bytes:
    return request.frame(server.right_answer(request)[7:], unit=request.unit + 1)


def other_protocol(_server: ModbusServer, _request: Request) -> bytes:
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


def unknown_function(_server: ModbusServer, request: Request) -> bytes:
    return request.frame(b"\x63\x01\x02")


@asynccontextmanager
async def modbus_server(**tables: dict[int, int]) -> AsyncIterator[ModbusServer]:
    """Serve unit 1, whose tables are named ``coil``, ``discrete``, ``holding``, ``input``."""
    functions = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
    server = ModbusServer({(1, functions[name]): dict(values) for name, values in tables.items()})
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def modbus_device(port: int, unit: int = 1, timeout_s: float = 0.3, **settings: object) -> Device:
    table = {"host": "127.0.0.1", "port": port, "unit_id": unit, **settings}
    return Device(f"unit-{unit}", Text("測試", "Test"), "modbus", table, timeout_s=timeout_s)


def modbus_point(address: str, kind: str = "uint16", *, role: str = "P", **encoding: object) -> Point:
    encoded = Encoding(type=kind, **encoding)  # type: ignore[arg-type]
    equipment = "TCH.B2.CN.EM01"
    text = Text("點", "Point")
    return Point(
        f"{equipment}.{role}", text, equipment, role, PointKind.AI, "", "unit-1", address, encoded, None, None, 1.0
    )


def bound(points: list[Point]) -> list[BoundPoint]:
    return [BoundPoint(100 + number, point) for number, point in enumerate(points)]
