"""Modbus as gateways and panels speak it: several units behind a port, with TCP or with serial framing.

An own small server, because the common ones answer only one of several requests that arrive in one segment.
"""

import asyncio
import struct
from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.description import Device
from cityhall_simulators.faces.modbus_bus import Bus, Served, bus_time_s
from cityhall_simulators.faces.modbus_framing import Framing, MbapFraming, NotModbusError, Request, RtuFraming
from cityhall_simulators.faces.modbus_unit import ILLEGAL_FUNCTION, ILLEGAL_VALUE, ModbusRefusedError, ModbusUnit
from cityhall_simulators.runtime import City

SLOW_S: Final = 3.0
"""How late a device answers that has become slow: later than clients wait."""
_GATEWAY_PATIENCE_S: Final = 1.0
"""How long a gateway waits for a unit on its serial line."""
_DEVICE_FAILURE, _BUSY, _NO_TARGET = 4, 6, 0x0B
_TABLE_OF_READ: Final = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_FUNCTIONS: Final = frozenset({1, 2, 3, 4, 5, 6, 15, 16})


class ModbusFace:
    """A port with its units.

    ``framing`` of its devices says how it speaks: ``tcp`` (a gateway or panel with Modbus TCP) or ``rtu`` (a plain
    serial line over TCP, on which an unknown unit and a damaged frame are met with silence). ``bus_baud`` above zero
    puts a serial line of that speed behind the port: requests take their time on it, and a unit that is mute keeps the
    line until the gateway gives up, which a TCP gateway reports with exception 0x0B.
    """

    def __init__(self, devices: Sequence[Device], city: City) -> None:
        self._units = {device.unit_id: ModbusUnit(device, city) for device in devices}
        self._city = city
        self._is_rtu = devices[0].framing == "rtu"
        self._baud = devices[0].bus_baud
        self._bus = Bus(self._serve)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()

    async def start(self, host: str, port: int) -> None:
        """Listen; :class:`OSError` when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, self._connections), host, port)

    async def stop(self) -> None:
        """Close the port and every connection."""
        self._bus.close()
        if self._server is None:
            return
        self._server.close()
        for transport in list(self._connections):
            transport.abort()
        await self._server.wait_closed()

    async def refresh(self) -> None:
        """Nothing to push: units read the city when they are asked."""

    def framing(self) -> Framing:
        """Framing of a new connection."""
        return RtuFraming() if self._is_rtu else MbapFraming()

    def ask(self, request: Request, reply: "partial[None]") -> None:
        """Let a request be served; ``reply`` gets the answer, or None when there is none."""
        if not self._bus.ask(request, reply):
            reply(None if self._is_rtu else _exception(request, _BUSY))

    def _serve(self, request: Request) -> Served:
        unit = self._units.get(request.unit_id)
        if unit is None or self._city.has_fault("device_silent", unit.device.name):
            return self._unanswered(request, known=unit is not None)
        answer = self._answer(unit, request)
        late_s = SLOW_S if self._city.has_fault("device_slow", unit.device.name) else 0.0
        return Served(answer, bus_time_s(request, answer, self._baud) + late_s)

    def _unanswered(self, request: Request, *, known: bool) -> Served:
        # Without a line behind it, a mute unit is a device that accepts but never answers.
        told = not self._is_rtu and (not known or self._baud > 0)
        takes_s = bus_time_s(request, b"", self._baud) + _GATEWAY_PATIENCE_S if self._baud > 0 else 0.0
        return Served(_exception(request, _NO_TARGET) if told else None, takes_s)

    def _answer(self, unit: ModbusUnit, request: Request) -> bytes:
        if self._city.has_fault("device_refuses", unit.device.name):
            return _exception(request, _DEVICE_FAILURE)
        try:
            return _served(unit, request.pdu)
        except ModbusRefusedError as refused:
            return _exception(request, refused.code)
        except (struct.error, IndexError):
            return _exception(request, ILLEGAL_VALUE)


def _exception(request: Request, code: int) -> bytes:
    return bytes((request.pdu[0] | 0x80, code))


def _served(unit: ModbusUnit, pdu: bytes) -> bytes:
    function = pdu[0]
    if function not in _FUNCTIONS:
        raise ModbusRefusedError(ILLEGAL_FUNCTION)
    if function in _TABLE_OF_READ:
        start, count = struct.unpack(">HH", pdu[1:5])
        words = unit.read(_TABLE_OF_READ[function], start, count)
        packed = _packed_bits(words) if function <= 2 else words.astype(">u2").tobytes()
        return bytes((function, len(packed))) + packed
    start, value = struct.unpack(">HH", pdu[1:5])
    if function == 5:
        if value not in {0x0000, 0xFF00}:
            raise ModbusRefusedError(ILLEGAL_VALUE)
        unit.write("coil", start, [int(value == 0xFF00)])
    elif function == 6:
        unit.write("holding", start, [value])
    elif function == 15:
        bits = np.unpackbits(np.frombuffer(pdu[6:], dtype=np.uint8), bitorder="little")
        unit.write("coil", start, _exactly(bits.tolist()[:value], value))
    else:
        unit.write("holding", start, _exactly(struct.unpack(f">{pdu[5] // 2}H", pdu[6 : 6 + pdu[5]]), value))
    return pdu[:5]


def _exactly(values: Sequence[int], count: int) -> Sequence[int]:
    if count == 0 or len(values) != count:
        raise ModbusRefusedError(ILLEGAL_VALUE)
    return values


def _packed_bits(bits: NDArray[np.uint16]) -> bytes:
    return np.packbits(bits.astype(np.uint8), bitorder="little").tobytes()


class _Connection(asyncio.Protocol):
    """Frames of one client; every whole frame is answered, in order. Answers that are ready together go together."""

    def __init__(self, face: ModbusFace, connections: set[asyncio.Transport]) -> None:
        self._face = face
        self._connections = connections
        self._framing = face.framing()
        self._replies: list[bytes] = []
        self._is_receiving = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - the type says base, a TCP server gives this
        self._transport = transport
        self._connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._transport is not None:
            self._connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None  # noqa: S101 - connection_made came first
        try:
            requests = self._framing.feed(data, asyncio.get_running_loop().time())
        except NotModbusError:
            self._transport.abort()
            return
        self._is_receiving = True
        for request in requests:
            self._face.ask(request, partial(self._reply, request))
        self._is_receiving = False
        self._flush()

    def _reply(self, request: Request, pdu: bytes | None) -> None:
        if pdu is not None:
            self._replies.append(self._framing.pack(request, pdu))
        if not self._is_receiving:
            self._flush()

    def _flush(self) -> None:
        if self._replies and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._replies))
        self._replies.clear()
