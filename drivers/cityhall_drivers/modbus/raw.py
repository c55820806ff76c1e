"""What a scan keeps of the registers themselves, so that a wrong decode can be put right later.

Form: one frame per answered question, one after the other: ``u8 function | u16 start | u16 count | u16 length | data``,
big-endian; the data as they stood in the answer.
"""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_drivers.modbus.codec import FUNCTIONS, Block, Item, Layout

_HEAD: Final = struct.Struct(">BHHH")
_TABLES: Final = {function: table for table, function in FUNCTIONS.items()}


class RawFormatError(ValueError):
    """Bytes that are no kept scan of a Modbus unit."""


def frame(block: Block, data: bytes) -> bytes:
    """One answer as it is kept."""
    return _HEAD.pack(block.table.function, block.start, block.count, len(data)) + data


def blocks_of(raw: bytes) -> list[tuple[Block, bytes]]:
    """Answers of a kept scan; :class:`RawFormatError` for anything else."""
    found: list[tuple[Block, bytes]] = []
    place = 0
    while place < len(raw):
        if len(raw) < place + _HEAD.size:
            msg = "a kept scan that ends inside a head"
            raise RawFormatError(msg)
        function, start, count, size = _HEAD.unpack_from(raw, place)
        place += _HEAD.size
        table = _TABLES.get(function)
        block = Block(table, start, count, ()) if table is not None else None
        if block is None or size != block.byte_count or len(raw) < place + size:
            msg = f"a kept scan with function {function}, {count} places and {size} bytes"
            raise RawFormatError(msg)
        found.append((block, raw[place : place + size]))
        place += size
    return found


def decode_again(items: Sequence[Item], raw: bytes) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.uint8]]:
    """Read a kept scan with today's encodings: places of the items that it holds, their values and qualities."""
    kept = blocks_of(raw)
    members: list[list[int]] = [[] for _ in kept]
    for place, item in enumerate(items):
        for number, (block, _) in enumerate(kept):
            if block.table is item.table and block.start <= item.start and item.end <= block.start + block.count:
                members[number].append(place)
                break
    covered = [
        Block(block.table, block.start, block.count, tuple(places))
        for (block, _), places in zip(kept, members, strict=True)
    ]
    values, quality = Layout(items, covered).decode([data for _, data in kept])
    places = np.array(sorted(place for group in members for place in group), np.intp)
    return places, values[places], quality[places]
