"""Addresses derived from the description: register maps, object lists, node ids. Same description, same addresses."""

from dataclasses import dataclass
from typing import Final

from cityhall_simulators.description import Device, Point

REGISTERS_OF_TYPE: Final = {
    "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "int64": 4, "uint64": 4, "float32": 2, "float64": 4,
}  # fmt: skip
_DEFAULT_ENCODING: Final = {
    "AI": "input float32", "DI": "discrete", "MI": "input uint16", "CI": "input uint32 1",
    "AO": "holding float32", "SP": "holding float32", "MO": "holding uint16", "DO": "coil",
}  # fmt: skip
# Each kind begins at its own hundred, as makers' manuals do, so that kinds never run into each other.
_BASE_OF_KIND: Final = {"AI": 100, "MI": 200, "CI": 300, "AO": 400, "SP": 400, "MO": 500}
_GROUP_FACTOR: Final = 10
"""A unit that speaks for many pieces of equipment begins its kinds at thousands instead."""
_STATUS_WORD: Final = 10
"""Register that holds the status bits of types that have no discrete inputs."""

_OBJECT_OF_KIND: Final = {
    "AI": "analog-input", "CI": "analog-input", "DI": "binary-input", "MI": "multi-state-input",
    "AO": "analog-output", "SP": "analog-value", "DO": "binary-output", "MO": "multi-state-output",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Register:
    """Where a Modbus unit keeps a point: raw = (value - offset) / scale. ``bit`` only for bit fields."""

    table: str
    address: int
    type: str
    word_order: str = "ABCD"
    scale: float = 1.0
    bit: int | None = None

    @property
    def text(self) -> str:
        """The address as the site folder writes it: ``input:100``, ``holding:10.3``."""
        return f"{self.table}:{self.address}" + ("" if self.bit is None else f".{self.bit}")

    @property
    def registers(self) -> int:
        """How many registers or bits it spans."""
        return REGISTERS_OF_TYPE.get(self.type, 1)


@dataclass(frozen=True, slots=True)
class BacnetObject:
    """The object that shows a point. Multi-state objects count from one, so state 0 is shown as 1: offset -1."""

    type: str
    instance: int
    offset: float = 0.0

    @property
    def text(self) -> str:
        """The address as the site folder writes it: ``analog-input,1``."""
        return f"{self.type},{self.instance}"


def modbus_map(device: Device) -> dict[int, Register]:
    """Registers by point index, in the order of the points."""
    factor = _GROUP_FACTOR if len(device.equipment) > 1 else 1
    next_free: dict[tuple[str, int], int] = {}
    registers = {}
    for point in device.points:
        register = _register(point, device.word_order, next_free, factor)
        registers[point.index] = register
    return registers


def _register(point: Point, word_order: str, next_free: dict[tuple[str, int], int], factor: int) -> Register:
    words = (point.role.encoding or _DEFAULT_ENCODING[point.role.kind]).split()
    table = words[0]
    if table in {"discrete", "coil"}:
        return Register(table, _take(next_free, table, 0, 1), "bool")
    if words[1] == "bit":
        return Register(table, _STATUS_WORD, "bool", bit=_take(next_free, f"{table} bits", 0, 1))
    base = _BASE_OF_KIND[point.role.kind] * factor
    count = REGISTERS_OF_TYPE[words[1]]
    address = _take(next_free, table, base, count)
    scale = float(words[2]) if len(words) > 2 else 1.0
    # A single register has no word to swap; its bytes are always in network order here.
    return Register(table, address, words[1], word_order if count > 1 else "ABCD", scale)


def _take(next_free: dict[tuple[str, int], int], table: str, base: int, count: int) -> int:
    address = next_free.get((table, base), base)
    next_free[table, base] = address + count
    return address


def bacnet_map(device: Device) -> dict[int, BacnetObject]:
    """Objects by point index, instances counted per object type from one."""
    counted: dict[str, int] = {}
    objects = {}
    for point in device.points:
        kind = _OBJECT_OF_KIND[point.role.kind]
        counted[kind] = counted.get(kind, 0) + 1
        objects[point.index] = BacnetObject(kind, counted[kind], -1.0 if kind.startswith("multi") else 0.0)
    return objects


def opcua_node(point: Point) -> str:
    """Node id of a point on its OPC UA server."""
    return f"ns=2;s={point.name}"
