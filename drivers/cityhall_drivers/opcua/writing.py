"""How a value becomes what a node holds. Pure; knows the standard's numbers and no library."""

import math
from typing import Final

import numpy as np

from cityhall_bms.domain.errors import DeviceRefusedError
from cityhall_bms.domain.site import Encoding

BOOLEAN: Final = 1
FLOAT, DOUBLE = 10, 11
_INTEGERS: Final = {2: "i1", 3: "u1", 4: "i2", 5: "u2", 6: "i4", 7: "u4", 8: "i8", 9: "u8"}
NUMERIC: Final = frozenset({BOOLEAN, FLOAT, DOUBLE, *_INTEGERS})
"""Built-in types (Part 6, clause 5.1.2) that hold one number."""
_EXACT_MAX: Final = 2.0**53
"""Whole numbers beyond this are not all of them a float of ours."""

PLAIN: Final = {
    "BadUserAccessDenied": "伺服器不許這個使用者寫入 the server does not let this user write it",
    "BadNotWritable": "此節點不能寫入 the node cannot be written",
    "BadOutOfRange": "超出伺服器允許的範圍 the server does not accept a value out of its range",
    "BadTypeMismatch": "資料型別不符 the server wants another data type",
    "BadWriteNotSupported": "伺服器不支援這種寫入 the server does not support this kind of write",
    "BadNodeIdUnknown": "伺服器沒有此節點 the server has no such node",
    "BadNodeIdInvalid": "節點位址不正確 the server takes this for no node id",
    "BadSecurityModeInsufficient": "需要加密連線 the server wants an encrypted session for this",
    "BadInvalidArgument": "引數不正確 the server finds an argument wrong",
    "BadArgumentsMissing": "引數不足 the server misses arguments",
    "BadTooManyArguments": "引數過多 the server finds too many arguments",
    "BadMethodInvalid": "物件沒有此方法 the object has no such method",
    "BadNotExecutable": "此方法目前不能執行 the method cannot be executed now",
}
"""Refusals in plain words, by the name of their status code."""


def raw_of(value: float, encoding: Encoding, builtin_type: int) -> float:
    """Give what the node shall hold (a bool, whole number or float); :class:`DeviceRefusedError` if it cannot."""
    raw = (value - encoding.offset) / encoding.scale
    if not math.isfinite(raw):
        msg = f"{value} 不是數值 is no number"
        raise DeviceRefusedError(msg)
    if builtin_type == BOOLEAN:
        if raw not in {0.0, 1.0}:
            msg = f"{value:g} 既非開也非關 is neither on nor off"
            raise DeviceRefusedError(msg)
        return raw == 1.0
    if builtin_type in _INTEGERS:
        return _whole(raw, value, _INTEGERS[builtin_type])
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused below
        held = float(np.float32(raw)) if builtin_type == FLOAT else raw
    if not math.isfinite(held):
        msg = f"{value:g} 超出節點的型別 does not fit into the node's type"
        raise DeviceRefusedError(msg)
    return held


def step_of(value: float, encoding: Encoding, builtin_type: int) -> float:
    """Largest difference between a value and what is read back of it that is still the same: half a raw step."""
    if builtin_type in {FLOAT, DOUBLE}:
        return max(abs(value) * 1e-6, abs(encoding.scale) * 1e-9)
    return abs(encoding.scale) * (0.5 + 1e-9)


def _whole(raw: float, value: float, dtype: str) -> int:
    number, limits = round(raw), np.iinfo(dtype)
    if not limits.min <= number <= limits.max or abs(raw) > _EXACT_MAX:
        msg = f"{value:g} 成為 becomes {number}: 超出節點的型別 does not fit into the node's type"
        raise DeviceRefusedError(msg)
    return number


def in_plain(name: str) -> str:
    """A refusal in plain words, with the name of its status code."""
    return f"{PLAIN[name]} ({name})" if name in PLAIN else name
