"""One Modbus unit: its registers as the city shows them, and what a written register commands."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.addresses import Register, modbus_map
from cityhall_simulators.description import Device
from cityhall_simulators.runtime import City

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
_QUANTITY_MAX: Final = {"coil": 2000, "discrete": 2000, "holding": 125, "input": 125}
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
        self._mine = slice(device.points[0].index, device.points[-1].index + 1)
        self._groups = _groups(self._map, self._mine.start)
        self._bits = [(index - self._mine.start, r) for index, r in self._map.items() if r.bit is not None]
        self._image = {table: np.zeros(size, dtype=np.uint16) for table, size in _sizes(self._map).items()}
        self._defined = _defined(self._map, self._image)
        self._made_of = (-1, False)

    def read(self, table: str, start: int, count: int) -> NDArray[np.uint16]:
        """Registers, or bits as zeros and ones; refused when one of them does not exist."""
        if not 1 <= count <= _QUANTITY_MAX[table]:
            raise ModbusRefusedError(ILLEGAL_VALUE)
        defined = self._defined.get(table)
        if defined is None or start + count > len(defined) or not defined[start : start + count].all():
            raise ModbusRefusedError(ILLEGAL_ADDRESS)
        self._refresh()
        return self._image[table][start : start + count]

    def write(self, table: str, start: int, words: Sequence[int]) -> None:
        """Command the points that the words cover; nothing is written unless every one of them may be."""
        commands: list[tuple[int, float]] = []
        offset = 0
        while offset < len(words):
            index = self._at.get((table, start + offset))
            if index is None or not self._city.building.points[index].writable:
                raise ModbusRefusedError(ILLEGAL_ADDRESS)
            register = self._map[index]
            part = words[offset : offset + register.registers]
            if len(part) < register.registers:
                raise ModbusRefusedError(ILLEGAL_VALUE)
            value = (
                float(part[0]) if table == "coil" else decode(part, register.type, register.word_order, register.scale)
            )
            if not self._city.accepts(index, value):
                raise ModbusRefusedError(ILLEGAL_VALUE)
            commands.append((index, value))
            offset += register.registers
        for index, value in commands:
            self._city.command(index, value)

    def _refresh(self) -> None:
        swapped = self._city.has_fault("wrong_word_order", self.device.name)
        if self._made_of == (self._city.revision, swapped):
            return
        values = np.where(self._city.bad[self._mine], np.nan, self._city.shown[self._mine])
        for (table, kind, order, scale), (indexes, places) in self._groups.items():
            if kind == "bool":
                self._image[table][places] = np.nan_to_num(values[indexes]) != 0.0
            else:
                used = _SWAPPED_WORDS[order] if swapped else order
                self._image[table][places] = encode(values[indexes], kind, used, scale).ravel()
        self._refresh_bits(values)
        self._made_of = (self._city.revision, swapped)

    def _refresh_bits(self, values: NDArray[np.float64]) -> None:
        for _, register in self._bits:
            self._image[register.table][register.address] = 0
        for index, register in self._bits:
            if values[index] > 0.0 and register.bit is not None:
                self._image[register.table][register.address] |= np.uint16(1 << register.bit)


_GroupKey = tuple[str, str, str, float]
_Group = tuple[NDArray[np.intp], NDArray[np.intp]]


def _groups(registers: Mapping[int, Register], first: int) -> dict[_GroupKey, _Group]:
    """Points of equal encoding, counted from ``first``, with the registers they fill: each group is encoded at once."""
    found: dict[_GroupKey, tuple[list[int], list[int]]] = {}
    for index, r in registers.items():
        if r.bit is None:
            indexes, places = found.setdefault((r.table, r.type, r.word_order, r.scale), ([], []))
            indexes.append(index - first)
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
