"""Bytes of single points in a scan that was kept. Pure."""

from collections.abc import Sequence

import numpy as np

from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import Examined
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.modbus.candidates import candidates_of
from cityhall_drivers.modbus.codec import Block, Item, item_of
from cityhall_drivers.modbus.raw import blocks_of, decode_again


def shown(points: Sequence[BoundPoint], raw: bytes) -> list[Examined]:
    """Points that a kept scan holds, with their bytes and every way to read them; the others are left out.

    :class:`~cityhall_drivers.modbus.raw.RawFormatError` for bytes that are no kept scan.
    """
    kept = blocks_of(raw)
    found: list[Examined] = []
    for bound in points:
        point, item = bound.point, item_of(bound.point)
        for block, data in kept:
            if _holds(block, item):
                own = _bytes_of(item, block, data)
                _, values, quality = decode_again([item], raw)
                value = float(values[0]) if len(values) else float(np.nan)
                ways = candidates_of(item, own, point.low, point.high)
                text = own.hex(" ", 2)
                found.append(Examined(point.name, point.address, text, value, Quality(int(quality[0])), "", ways))
                break
    return found


def _holds(block: Block, item: Item) -> bool:
    return block.table is item.table and block.start <= item.start and item.end <= block.start + block.count


def _bytes_of(item: Item, block: Block, data: bytes) -> bytes:
    place = item.start - block.start
    if item.table.is_bits:
        # Eight to a byte, the first in its lowest bit (Modbus Application Protocol 1.1b3, 6.1).
        return bytes([data[place // 8] >> (place % 8) & 1])
    return data[2 * place : 2 * (place + item.width)]
