"""What a point is in a Modbus device, and how a scan's bytes become its values. Pure.

An address is ``table:number`` or ``table:number.bit``, zero-based: ``holding:100``, ``input:100.3``, ``coil:3``.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Point
from cityhall_drivers.modbus.wire import READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT, read_question

NUMBER_MAX: Final = 65535
_ADDRESS: Final = re.compile(r"(?P<table>[a-z]+):(?P<number>[0-9]{1,9})(?:\.(?P<bit>[0-9]{1,3}))?")
_ADDRESS_REMEDY: Final = "write holding:N, input:N, coil:N or discrete:N, or holding:N.B for bit B of a register"


class Table(StrEnum):
    """The four data tables of a unit."""

    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"

    @property
    def is_bits(self) -> bool:
        """Whether it holds single bits, not registers of 16."""
        return self in {Table.COIL, Table.DISCRETE}

    @property
    def function(self) -> int:
        """Function code that reads it."""
        return FUNCTIONS[self]


FUNCTIONS: Final = {
    Table.COIL: READ_COILS,
    Table.DISCRETE: READ_DISCRETE,
    Table.HOLDING: READ_HOLDING,
    Table.INPUT: READ_INPUT,
}
DTYPES: Final = {
    "int16": ">i2",
    "uint16": ">u2",
    "int32": ">i4",
    "uint32": ">u4",
    "int64": ">i8",
    "uint64": ">u8",
    "float32": ">f4",
    "float64": ">f8",
}
TYPES: Final = ("bool", *DTYPES)
WORD_ORDERS: Final[dict[str, Callable[[int, int], int]]] = {
    "ABCD": lambda i, _: i,
    "CDAB": lambda i, size: size - 2 - (i & ~1) + (i & 1),
    "BADC": lambda i, _: i ^ 1,
    "DCBA": lambda i, size: size - 1 - i,
}
"""Where byte ``i`` of a big-endian value stands among the ``size`` bytes received; 64 bits by the same rule."""


class Column(StrEnum):
    """The columns of a point that say where and how a device holds it."""

    ADDRESS = "address"
    TYPE = "type"
    WORD_ORDER = "word_order"
    SCALE = "scale"
    OFFSET = "offset"


class MistakeError(ValueError):
    """A point that cannot be what its row says; names the column and the remedy."""

    def __init__(self, field: Column, message: str, remedy: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message, self.remedy = field, message, remedy


@dataclass(frozen=True, slots=True)
class Item:
    """One point as its device holds it. ``width`` counts registers, or bits in a table of bits."""

    table: Table
    start: int
    width: int
    type: str
    word_order: str = "ABCD"
    bit: int | None = None
    scale: float = 1.0
    offset: float = 0.0

    @property
    def end(self) -> int:
        """First register after it."""
        return self.start + self.width


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What one request asks for; ``members`` are the places of its points in the plan, by address."""

    table: Table
    start: int
    count: int
    members: tuple[int, ...]
    byte_count: int = field(init=False)
    """Bytes of data in a correct answer."""
    question: bytes = field(init=False)
    """PDU that asks for it, made once: it is sent at every scan."""

    def __post_init__(self) -> None:
        size = (self.count + 7) // 8 if self.table.is_bits else 2 * self.count
        object.__setattr__(self, "byte_count", size)
        object.__setattr__(self, "question", read_question(self.table.function, self.start, self.count))


def item_of(point: Point) -> Item:
    """Read a point's address and encoding; the first :class:`MistakeError` is raised."""
    table, number, bit = parse_address(point.address)
    encoding = point.encoding
    kind = _type_of(encoding.type, table, bit)
    if encoding.word_order not in WORD_ORDERS:
        raise MistakeError(
            Column.WORD_ORDER, f"unknown word order {encoding.word_order!r}", f"use one of {', '.join(WORD_ORDERS)}"
        )
    if not math.isfinite(encoding.scale) or encoding.scale == 0.0:
        raise MistakeError(Column.SCALE, f"scale {encoding.scale} would hide the value", "give a number other than 0")
    if not math.isfinite(encoding.offset):
        raise MistakeError(Column.OFFSET, f"offset {encoding.offset} is no number", "give a number")
    width = 1 if kind == "bool" else np.dtype(DTYPES[kind]).itemsize // 2
    if number + width - 1 > NUMBER_MAX:
        raise MistakeError(
            Column.ADDRESS,
            f"{point.address} as {kind} ends beyond {NUMBER_MAX}",
            f"start at {NUMBER_MAX + 1 - width} at most",
        )
    return Item(table, number, width, kind, encoding.word_order, bit, encoding.scale, encoding.offset)


def parse_address(text: str) -> tuple[Table, int, int | None]:
    """Split an address into table, number and bit; :class:`MistakeError` when it is none."""
    match = _ADDRESS.fullmatch(text)
    if match is None or match["table"] not in set(Table):
        raise MistakeError(Column.ADDRESS, f"{text!r} is no Modbus address", _ADDRESS_REMEDY)
    table, number = Table(match["table"]), int(match["number"])
    if number > NUMBER_MAX:
        raise MistakeError(Column.ADDRESS, f"{text!r} lies beyond {NUMBER_MAX}", "addresses are zero-based, 0 to 65535")
    if match["bit"] is None:
        return table, number, None
    bit = int(match["bit"])
    if table.is_bits:
        raise MistakeError(Column.ADDRESS, f"a {table} is one bit already", f"write {table}:{number}")
    if bit > 15:
        raise MistakeError(Column.ADDRESS, f"a register has no bit {bit}", "bits are 0 (lowest) to 15")
    return table, number, bit


def _type_of(name: str, table: Table, bit: int | None) -> str:
    """The type of a point: bool goes without saying where there is but one bit."""
    single = table.is_bits or bit is not None
    if not name and single:
        return "bool"
    if not name:
        raise MistakeError(Column.TYPE, "type is missing", f"use one of {', '.join(TYPES)}")
    if name not in TYPES:
        raise MistakeError(Column.TYPE, f"unknown type {name!r}", f"use one of {', '.join(TYPES)}")
    if single and name != "bool":
        what = f"a {table}" if table.is_bits else "one bit of a register"
        raise MistakeError(Column.TYPE, f"{what} holds no {name}", "use bool, or the address of a whole register")
    return name


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbours of one type after gathering: which bytes make which numbers."""

    type: str
    data: slice
    numbers: slice


class Layout:
    """The decoder of one scan: all blocks joined, one gather, one conversion per type that occurs."""

    def __init__(
        self, items: Sequence[Item], blocks: Sequence[Block], unasked: NDArray[np.uint8] | None = None
    ) -> None:
        """Compile; an item that no block covers has its quality of ``unasked``: refused, where that says nothing."""
        self._blocks = tuple(blocks)
        bases = np.cumsum([0, *(block.byte_count for block in blocks)]).tolist()
        placed = [
            (items[place], place, block, base)
            for block, base in zip(blocks, bases, strict=False)
            for place in block.members
        ]
        placed.sort(key=lambda entry: _group(entry[0]))
        sources = [_bytes_of(item, block, base) for item, _, block, base in placed]
        self._gather = np.array([byte for source in sources for byte in source], dtype=np.intp)
        self._in_order = bool((self._gather == np.arange(bases[-1])).all()) if len(self._gather) == bases[-1] else False
        self._runs = _runs([_group(item) for item, *_ in placed], [len(source) for source in sources])
        self._order = np.array([place for _, place, *_ in placed], dtype=np.intp)
        self._shift = np.array([_shift(item, block) for item, _, block, _ in placed if _group(item) == "bit"], np.uint8)
        self._scale = np.array([item.scale for item, *_ in placed])
        self._offset = np.array([item.offset for item, *_ in placed])
        self._members = [np.array(block.members, dtype=np.intp) for block in blocks]
        refused = np.full(len(items), Quality.BAD_REFUSED, dtype=np.uint8)
        self._unasked = refused if unasked is None else unasked.copy()
        self._unasked[self._order] = Quality.GOOD
        self._is_plain = bool((self._scale == 1).all() and (self._offset == 0).all())
        self._is_whole = len(self._order) == len(items)
        """Every item is covered: as a rule all of them are answered, too, and then nothing is left to be found out."""

    def decode(self, answers: Sequence[bytes | Quality]) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Turn one answer per block (its data bytes, or why there are none) into values and qualities.

        Every value that is not good is NaN. The length of the data was checked by whoever received it.
        """
        parts = [
            answer if isinstance(answer, bytes) else bytes(block.byte_count)
            for block, answer in zip(self._blocks, answers, strict=True)
        ]
        raw = np.frombuffer(b"".join(parts), dtype=np.uint8)
        picked = raw if self._in_order else raw[self._gather]
        numbers = np.empty(len(self._order))
        with np.errstate(all="ignore"):  # a signalling NaN or an overflow is found below, as a value that is not finite
            for run in self._runs:
                numbers[run.numbers] = self._convert(run, picked[run.data])
            if not self._is_plain:
                numbers *= self._scale
                numbers += self._offset
        if self._is_whole and np.isfinite(numbers).all() and all(isinstance(answer, bytes) for answer in answers):
            values = np.empty(len(numbers))
            values[self._order] = numbers
            return values, self._unasked.copy()
        values = np.full(len(self._unasked), np.nan)
        values[self._order] = numbers
        quality = self._unasked.copy()
        for members, answer in zip(self._members, answers, strict=True):
            if isinstance(answer, Quality):
                quality[members] = answer
        quality[(quality == Quality.GOOD) & ~np.isfinite(values)] = Quality.BAD_DECODE
        values[quality != Quality.GOOD] = np.nan
        return values, quality

    def _convert(self, run: _Run, data: NDArray[np.uint8]) -> NDArray[Any]:
        if run.type == "bit":
            return (data >> self._shift) & 1
        words: NDArray[Any] = data.view(np.dtype(">u2" if run.type == "flag" else DTYPES[run.type]))
        return np.minimum(words, 1) if run.type == "flag" else words


def _group(item: Item) -> str:
    """Items of one group are converted together: a bit, a register used as a flag, or a number's type."""
    if item.type != "bool":
        return item.type
    return "bit" if item.table.is_bits or item.bit is not None else "flag"


def _bytes_of(item: Item, block: Block, base: int) -> list[int]:
    """Where the item's bytes are in the joined answers, most significant first; of a bit, the byte it is in."""
    place = item.start - block.start
    if item.table.is_bits:
        return [base + place // 8]
    first, size = base + 2 * place, 2 * item.width
    received = [first + WORD_ORDERS[item.word_order](i, size) for i in range(size)]
    if item.bit is None:
        return received
    return [received[0 if item.bit >= 8 else 1]]


def _shift(item: Item, block: Block) -> int:
    return (item.start - block.start) % 8 if item.bit is None else item.bit % 8


def _runs(groups: Sequence[str], sizes: Sequence[int]) -> list[_Run]:
    runs: list[_Run] = []
    data = 0
    for number, (group, size) in enumerate(zip(groups, sizes, strict=True)):
        if runs and runs[-1].type == group:
            last = runs.pop()
            runs.append(_Run(group, slice(last.data.start, data + size), slice(last.numbers.start, number + 1)))
        else:
            runs.append(_Run(group, slice(data, data + size), slice(number, number + 1)))
        data += size
    return runs
