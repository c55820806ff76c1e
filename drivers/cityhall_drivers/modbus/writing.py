"""How a value becomes registers, and how a unit is asked to take them. Pure."""

import math
import struct
from typing import Final

import numpy as np

from cityhall_bms.domain.errors import DeviceRefusedError
from cityhall_drivers.modbus.codec import DTYPES, WORD_ORDERS, Item, Table
from cityhall_drivers.modbus.wire import MASK_WRITE, WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS

COIL_ON: Final = 0xFF00


def write_question(item: Item, value: float) -> bytes:
    """PDU that writes a value in the point's unit; :class:`DeviceRefusedError` where the device has no place for it."""
    if item.table is Table.COIL:
        return struct.pack(">BHH", WRITE_COIL, item.start, COIL_ON if _flag(item, value) else 0)
    if item.table is not Table.HOLDING:
        msg = f"{item.table} is read-only in every Modbus unit"
        raise DeviceRefusedError(msg)
    if item.bit is not None:
        return _mask_question(item, on=_flag(item, value))
    words = registers_of(item, value)
    if len(words) == 2:
        return struct.pack(">BH", WRITE_REGISTER, item.start) + words
    return struct.pack(">BHHB", WRITE_REGISTERS, item.start, len(words) // 2, len(words)) + words


def registers_of(item: Item, value: float) -> bytes:
    """Bytes of a value as the unit holds them; :class:`DeviceRefusedError` for one that does not fit."""
    if not math.isfinite(value):
        msg = f"{value:g} is no number"
        raise DeviceRefusedError(msg)
    number = (value - item.offset) / item.scale
    if item.type == "bool":
        return struct.pack(">H", int(_flag(item, value)))
    dtype = np.dtype(DTYPES[item.type])
    if dtype.kind in "iu":
        number = round(number)
        limits = np.iinfo(dtype)
        if not limits.min <= number <= limits.max:
            msg = f"{value:g} becomes {number}, which a register of type {item.type} cannot hold"
            raise DeviceRefusedError(msg)
    with np.errstate(over="ignore"):  # what is too large for the type becomes infinite, and is refused below
        plain = np.array(number, dtype).tobytes()
    if dtype.kind == "f" and not np.isfinite(np.frombuffer(plain, dtype)).all():
        msg = f"{value:g} cannot be held as {item.type}"
        raise DeviceRefusedError(msg)
    received = bytearray(len(plain))
    for place, byte in enumerate(plain):
        received[WORD_ORDERS[item.word_order](place, len(plain))] = byte
    return bytes(received)


def step_of(item: Item, value: float) -> float:
    """Largest difference between a value and what is read back of it that is still the same: half a raw step."""
    if item.type.startswith("float"):
        return max(abs(value) * 1e-6, 1e-9)
    return abs(item.scale) / 2 + 1e-9


def _flag(item: Item, value: float) -> bool:
    raw = (value - item.offset) / item.scale
    if raw not in {0.0, 1.0}:
        msg = f"{value:g} is neither on nor off"
        raise DeviceRefusedError(msg)
    return raw == 1.0


def _mask_question(item: Item, *, on: bool) -> bytes:
    """Change one bit and leave its neighbours alone (Mask Write Register, clause 6.16)."""
    assert item.bit is not None  # noqa: S101 - the caller's condition
    bit = 1 << item.bit
    return struct.pack(">BHHH", MASK_WRITE, item.start, 0xFFFF & ~bit, bit if on else 0)
