"""Modbus TCP as gateways and panels speak it: several units behind a port, mixed types and word orders.

An own small server, because the common ones answer only one of several requests that arrive in one segment.
"""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.addresses import Register, modbus_map
from cityhall_simulators.description import Device
from cityhall_simulators.runtime import City

_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE, _DEVICE_FAILURE, _NO_TARGET = 1, 2, 3, 4, 0x0B
_HEADER: Final = struct.Struct(">HHHB")
_TABLE_OF_READ: Final = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_FUNCTIONS: Final = frozenset({1, 2, 3, 4, 5, 6, 15, 16})
_QUANTITY_MAX: Final = {"coil": 2000, "discrete": 2000, "holding": 125, "input": 125}
_FRAME_MAX = 260
_SWAPPED_WORDS: Final = {"ABCD": "CDAB", "CDAB": "ABCD", "BADC": "DCBA", "DCBA": "BADC"}
_NUMPY: Final = {
    "int16": ">i2", "uint16": ">u2", "int32": ">i4", "uint32": ">u4", "int64": ">i8", "uint64": ">u8",
    "float32": ">f4", "float64": ">f8",
}  # fmt: skip


class ModbusRefusedError(Exception):
    """The request is answered with an exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


def encode(values: NDArray[np.float64], kind: str, word_order: str, scale: float) -> NDArray[np.uint16]:
    """Registers of many values, one row each. NaN becomes the type's usual sentinel (minimum, or all ones)."""
    raw = values / scale
    if kind.startswith("float"):
        encoded = raw.astype(_NUMPY[kind])
    else:
        info = np.iinfo(kind)
        sentinel = info.max if info.min == 0 else info.min
        # 64-bit limits do not survive a float; plant counters stay far below 2**53.
        limited = np.clip(np.nan_to_num(np.rint(raw)), max(info.min, -(2**53)), min(info.max, 2**53))
        encoded = limited.astype(_NUMPY[kind])
        encoded[np.isnan(raw)] = sentinel
    words = encoded.view(">u2").reshape(len(values), -1)
    if word_order in {"CDAB", "DCBA"}:
        words = words[:, ::-1]
    native = words.astype(np.uint16)
    return native.byteswap() if word_order in {"BADC", "DCBA"} else native


def decode(words: Sequence[int], kind: str, word_order: str, scale: float) -> float:
    """The value that a client wrote into the registers of one point."""
    registers = np.array(words, dtype=np.uint16)
    if word_order in {"BADC", "DCBA"}:
        registers = registers.byteswap()
    if word_order in {"CDAB", "DCBA"}:
        registers = registers[::-1]
    return float(np.frombuffer(registers.astype(">u2").tobytes(), dtype=_NUMPY[kind])[0]) * scale


class ModbusUnit:
    """One unit: its register image, made anew when the city has changed."""

    def __init__(self, device: Device, city: City) -> None:
        self.device = device
        self._city = city
        self._map = modbus_map(device)
        self._at = {(r.table, r.address): index for index, r in self._map.items() if r.bit is None}
        self._groups = _groups(self._map)
        self._image = {table: np.zeros(size, dtype=np.uint16) for table, size in _sizes(self._map).items()}
        self._defined = _defined(self._map, self._image)
        self._made_of = (-1, False)

    def read(self, table: str, start: int, count: int) -> NDArray[np.uint16]:
        """Registers, or bits as zeros and ones; refused when one of them does not exist."""
        if not 1 <= count <= _QUANTITY_MAX[table]:
            raise ModbusRefusedError(_ILLEGAL_VALUE)
        defined = self._defined.get(table)
        if defined is None or start + count > len(defined) or not defined[start : start + count].all():
            raise ModbusRefusedError(_ILLEGAL_ADDRESS)
        self._refresh()
        return self._image[table][start : start + count]

    def write(self, table: str, start: int, words: Sequence[int]) -> None:
        """Command the points that the words cover; nothing is written unless every one of them may be."""
        commands: list[tuple[int, float]] = []
        offset = 0
        while offset < len(words):
            index = self._at.get((table, start + offset))
            if index is None or not self._city.building.points[index].writable:
                raise ModbusRefusedError(_ILLEGAL_ADDRESS)
            register = self._map[index]
            part = words[offset : offset + register.registers]
            if len(part) < register.registers:
                raise ModbusRefusedError(_ILLEGAL_VALUE)
            value = (
                float(part[0]) if table == "coil" else decode(part, register.type, register.word_order, register.scale)
            )
            if not self._city.accepts(index, value):
                raise ModbusRefusedError(_ILLEGAL_VALUE)
            commands.append((index, value))
            offset += register.registers
        for index, value in commands:
            self._city.command(index, value)

    def _refresh(self) -> None:
        swapped = self._city.has_fault("wrong_word_order", self.device.name)
        if self._made_of == (self._city.revision, swapped):
            return
        values = np.where(self._city.bad, np.nan, self._city.shown)
        for (table, kind, order, scale), (indexes, places) in self._groups.items():
            if kind == "bool":
                self._image[table][places] = np.nan_to_num(values[indexes]) != 0.0
            else:
                used = _SWAPPED_WORDS[order] if swapped else order
                self._image[table][places] = encode(values[indexes], kind, used, scale).ravel()
        self._refresh_bits(values)
        self._made_of = (self._city.revision, swapped)

    def _refresh_bits(self, values: NDArray[np.float64]) -> None:
        bits = [(index, r) for index, r in self._map.items() if r.bit is not None]
        for _, register in bits:
            self._image[register.table][register.address] = 0
        for index, register in bits:
            if values[index] > 0.0 and register.bit is not None:
                self._image[register.table][register.address] |= np.uint16(1 << register.bit)


_GroupKey = tuple[str, str, str, float]
_Group = tuple[NDArray[np.intp], NDArray[np.intp]]


def _groups(registers: Mapping[int, Register]) -> dict[_GroupKey, _Group]:
    """Points of equal encoding, with the registers they fill, so that each group is encoded at once."""
    found: dict[_GroupKey, tuple[list[int], list[int]]] = {}
    for index, r in registers.items():
        if r.bit is None:
            indexes, places = found.setdefault((r.table, r.type, r.word_order, r.scale), ([], []))
            indexes.append(index)
            places.extend(range(r.address, r.address + r.registers))
    return {key: (np.array(i, dtype=np.intp), np.array(p, dtype=np.intp)) for key, (i, p) in found.items()}


def _sizes(registers: Mapping[int, Register]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for r in registers.values():
        sizes[r.table] = max(sizes.get(r.table, 0), r.address + r.registers)
    return sizes


def _defined(
    registers: Mapping[int, Register], image: Mapping[str, NDArray[np.uint16]]
) -> dict[str, NDArray[np.bool_]]:
    defined = {table: np.zeros(len(words), dtype=np.bool_) for table, words in image.items()}
    for r in registers.values():
        defined[r.table][r.address : r.address + r.registers] = True
    return defined


class ModbusFace:
    """A port with its units."""

    def __init__(self, devices: Sequence[Device], city: City) -> None:
        self._units = {device.unit_id: ModbusUnit(device, city) for device in devices}
        self._city = city
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()

    async def start(self, host: str, port: int) -> None:
        """Listen; :class:`OSError` when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, self._connections), host, port)

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is None:
            return
        self._server.close()
        for transport in list(self._connections):
            transport.abort()
        await self._server.wait_closed()

    async def refresh(self) -> None:
        """Nothing to push: units read the city when they are asked."""

    def answer(self, unit_id: int, pdu: bytes) -> bytes | None:
        """The answering PDU, an exception, or None for silence."""
        unit = self._units.get(unit_id)
        function = pdu[0]
        if unit is None:
            return bytes((function | 0x80, _NO_TARGET))
        if self._city.has_fault("device_silent", unit.device.name):
            return None
        if self._city.has_fault("device_refuses", unit.device.name):
            return bytes((function | 0x80, _DEVICE_FAILURE))
        try:
            return _serve(unit, function, pdu)
        except ModbusRefusedError as refused:
            return bytes((function | 0x80, refused.code))
        except (struct.error, IndexError):
            return bytes((function | 0x80, _ILLEGAL_VALUE))


def _serve(unit: ModbusUnit, function: int, pdu: bytes) -> bytes:
    if function not in _FUNCTIONS:
        raise ModbusRefusedError(_ILLEGAL_FUNCTION)
    if function in _TABLE_OF_READ:
        start, count = struct.unpack(">HH", pdu[1:5])
        words = unit.read(_TABLE_OF_READ[function], start, count)
        packed = _packed_bits(words) if function <= 2 else words.astype(">u2").tobytes()
        return bytes((function, len(packed))) + packed
    start, value = struct.unpack(">HH", pdu[1:5])
    if function == 5:
        if value not in {0x0000, 0xFF00}:
            raise ModbusRefusedError(_ILLEGAL_VALUE)
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
        raise ModbusRefusedError(_ILLEGAL_VALUE)
    return values


def _packed_bits(bits: NDArray[np.uint16]) -> bytes:
    return np.packbits(bits.astype(np.uint8), bitorder="little").tobytes()


class _Connection(asyncio.Protocol):
    """Frames of one client; every whole frame in a segment is answered, in order, with its own transaction id."""

    def __init__(self, face: ModbusFace, connections: set[asyncio.Transport]) -> None:
        self._face = face
        self._connections = connections
        self._buffer = b""
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
        self._buffer += data
        replies: list[bytes] = []
        while len(self._buffer) >= _HEADER.size:
            transaction, protocol, length, unit_id = _HEADER.unpack_from(self._buffer)
            if protocol != 0 or not 2 <= length <= _FRAME_MAX - 6:
                # Not Modbus: there is no way back into step.
                self._transport.abort()
                return
            end = 6 + length
            if len(self._buffer) < end:
                break
            pdu = self._face.answer(unit_id, self._buffer[_HEADER.size : end])
            self._buffer = self._buffer[end:]
            if pdu is not None:
                replies.append(_HEADER.pack(transaction, 0, len(pdu) + 1, unit_id) + pdu)
        if replies:
            self._transport.write(b"".join(replies))
