"""Conditions over vectors: what is true, what is false, and what nobody knows.

Only good, fresh samples decide. Where one is missing the condition is unknown: neither true nor false.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.rules.language.moment import Columns, Flags, Memory, Tick
from cityhall_bms.rules.language.program import Remembered


class Part(StrEnum):
    """What a point is to a rule."""

    VALUE = "value"
    LIMIT = "limit"
    PREREQUISITE = "prerequisite"
    COMMAND = "command"
    WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class Reading:
    """Figures of one row for people, and the time of the newest sample that decided (µs UTC)."""

    value: float | None
    limit: float | None
    observed_at: int
    unit: str | None = None
    """Unit of the figures; none: that of the subject's point."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step gave for every row of every level.

    ``known``; if so, whether an alarm would begin (``enter``) and whether one would end (``clear``). Between them lies
    the deadband: neither begins nor ends. ``unmet`` is where the rule is NOT-APPLICABLE; none: nowhere.
    """

    known: Flags
    enter: Flags
    clear: Flags
    unmet: Flags | None
    memory: tuple[Memory, ...]
    reading: Callable[[int], Reading]
    """Figures of one row, from the values that decided."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """As :class:`Outcome`, of many moments: time is the first axis. ``reading`` takes the moment and the row."""

    known: Flags
    enter: Flags
    clear: Flags
    unmet: Flags | None
    memory: tuple[Memory, ...]
    reading: Callable[[int, int], Reading]

    def at(self, moment: int) -> Outcome:
        """One of the moments; the memory is that after all of them."""
        return Outcome(
            self.known[moment],
            self.enter[moment],
            self.clear[moment],
            None if self.unmet is None else self.unmet[moment],
            self.memory,
            lambda row: self.reading(moment, row),
        )


class Condition(Protocol):
    """One rule's test of all its rows at once."""

    @property
    def remembers(self) -> tuple[Remembered, ...]:
        """What its memory holds, in order."""
        ...

    def begin(self) -> tuple[Memory, ...]:
        """Give what it remembers before the first step."""
        ...

    def step(self, tick: Tick, memory: Sequence[Memory], /) -> Outcome:
        """Test every row."""
        ...

    def watched(self, row: int, /) -> list[tuple[int, Part]]:
        """Columns that one row looks at, the main one first, and what they are to it."""
        ...


@dataclass(frozen=True, slots=True)
class SilentCondition:
    """None of a row's points has a good, fresh value. ``start`` is each row's first place in ``point``."""

    point: Columns
    start: NDArray[np.int64]

    @property
    def remembers(self) -> tuple[Remembered, ...]:
        """Nothing."""
        return ()

    def begin(self) -> tuple[Memory, ...]:
        """Nothing to remember."""
        return ()

    def step(self, tick: Tick, _memory: Sequence[Memory], /) -> Outcome:
        """Test every row; this one is always known. Silence has no figure; it is noticed when it is noticed."""
        enter = np.logical_and.reduceat(tick.silent[self.point], self.start)
        clear = np.logical_or.reduceat(tick.usable[self.point], self.start)
        known = np.ones(len(self.start), np.bool_)
        return Outcome(known, enter, clear, None, (), lambda _: Reading(None, None, tick.at))

    def watched(self, row: int, /) -> list[tuple[int, Part]]:
        """All points of the row."""
        ends = [*self.start[1:].tolist(), len(self.point)]
        return [(int(column), Part.WATCHED) for column in self.point[int(self.start[row]) : ends[row]]]


def finite(value: float) -> float | None:
    """Give a number that an event may hold, or none."""
    return value if np.isfinite(value) else None
