"""What a program sees at one moment, and what it calculates: values, and whether they are known."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Columns = NDArray[np.intp]
Micros = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tick:
    """The watched points at one moment (``at``, µs UTC)."""

    at: int
    value: Floats
    observed_at: Micros
    usable: Flags
    """Good, finite and not too old: may decide."""
    silent: Flags
    """Without a good value for longer than the point's limit."""
    quality: NDArray[np.uint8]
    counted: int = 0
    """How much of the time since the step before counts, µs."""


class Known(NamedTuple):
    """Numbers or truths, one per row or one for all, and which of them are known."""

    value: Any
    known: Any


@dataclass(frozen=True, slots=True)
class Memory:
    """What one operation remembers: ``numbers`` for all rows, ``columns`` by row. Nothing of it is ever written to."""

    numbers: tuple[int, ...] = ()
    columns: tuple[NDArray[Any], ...] = field(default=())


def spread_out(known: Known, rows: int) -> Known:
    """Give every row a place of its own."""
    return Known(np.broadcast_to(known.value, rows), np.broadcast_to(known.known, rows))
