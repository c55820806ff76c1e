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


@dataclass(frozen=True, slots=True)
class Ticks:
    """Consecutive moments at once: as :class:`Tick`, with time as the first axis. ``at`` and ``counted`` are columns.

    Operations work along the last axis, so that most of them do not notice.
    """

    at: Micros
    value: Floats
    observed_at: Micros
    usable: Flags
    silent: Flags
    quality: NDArray[np.uint8]
    counted: Micros

    def __len__(self) -> int:
        return len(self.at)

    def one(self, number: int) -> Tick:
        """One of the moments."""
        return Tick(
            int(self.at[number, 0]),
            self.value[number],
            self.observed_at[number],
            self.usable[number],
            self.silent[number],
            self.quality[number],
            int(self.counted[number, 0]),
        )


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
    shape: tuple[int, ...] = (rows,)
    if np.ndim(known.value) > 1 or np.ndim(known.known) > 1:
        shape = np.broadcast_shapes(np.shape(known.value), np.shape(known.known), shape)
    return Known(_spread(known.value, shape), _spread(known.known, shape))


def _spread(values: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - numbers or truths
    return values if np.shape(values) == shape else np.broadcast_to(values, shape)  # numpy's view costs 5 µs


def at_moment(known: Known, number: int) -> Known:
    """What was calculated of one of several moments."""
    return Known(_at_moment(known.value, number), _at_moment(known.known, number))


def _at_moment(values: Any, number: int) -> Any:  # noqa: ANN401 - numbers or truths, of one moment or of all
    if np.ndim(values) < 2:  # the same at all moments
        return values
    found = values[number]
    return found[0] if len(found) == 1 else found
