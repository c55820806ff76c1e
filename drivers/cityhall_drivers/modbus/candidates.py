"""Every way in which the same registers can be read, and which of them make sense. Pure."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from cityhall_bms.ports.capabilities import Candidate
from cityhall_drivers.modbus.codec import DTYPES, WORD_ORDERS, Item

_OF_WIDTH: Final = {
    1: ("int16", "uint16"),
    2: ("float32", "int32", "uint32"),
    4: ("float64", "int64", "uint64"),
}
_ONE_REGISTER: Final = ("ABCD", "BADC")
"""A single register has two bytes, and so two orders."""
SMALLEST: Final = 1e-6
LARGEST: Final = 1e9
"""A float outside of this, and not zero, is what a wrong order looks like, when no range says more."""


def candidates_of(item: Item, data: bytes, low: float | None, high: float | None) -> Sequence[Candidate]:
    """Give all readings of a value's bytes with the item's scale and offset; the plausible ones first.

    Bits and single flags can be read in one way only: they have none.
    """
    if item.type == "bool" or len(data) != 2 * item.width:
        return ()
    found = [
        Candidate(f"{kind} {order}", value, _plausible(kind, value, low, high))
        for kind in _OF_WIDTH[item.width]
        for order in (_ONE_REGISTER if item.width == 1 else WORD_ORDERS)
        for value in (_read(data, kind, order) * item.scale + item.offset,)
    ]
    return sorted(found, key=lambda one: not one.plausible)


def _read(data: bytes, kind: str, order: str) -> float:
    plain = bytes(data[WORD_ORDERS[order](place, len(data))] for place in range(len(data)))
    with np.errstate(all="ignore"):  # a signalling NaN is a finding, no error
        return float(np.frombuffer(plain, DTYPES[kind])[0])


def _plausible(kind: str, value: float, low: float | None, high: float | None) -> bool:
    if not math.isfinite(value):
        return False
    if kind.startswith("float") and value and not SMALLEST <= abs(value) <= LARGEST:
        return False
    return (low is None or value >= low) and (high is None or value <= high)
