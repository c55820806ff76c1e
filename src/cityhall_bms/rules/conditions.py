"""Conditions over vectors: what is true, what is false, and what nobody knows.

Only good, fresh samples decide. Where one is missing the condition is unknown: neither true nor false.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.rules.language.moment import Columns, Flags, Floats, Memory, Tick
from cityhall_bms.rules.language.program import Remembered


class Part(StrEnum):
    """What a point is to a rule."""

    VALUE = "value"
    LIMIT = "limit"
    PREREQUISITE = "prerequisite"
    COMMAND = "command"
    WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Per row: ``known``; if so, whether an alarm would begin (``enter``) and whether one would end (``clear``).

    Between them lies the deadband: neither begins nor ends.
    """

    known: Flags
    enter: Flags
    clear: Flags


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
    """What a step gave for every row of every level: as :class:`Verdict`, and where the rule is NOT-APPLICABLE."""

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


class _Forgetful:
    """A condition without a memory."""

    __slots__ = ()

    @property
    def remembers(self) -> tuple[Remembered, ...]:
        """Nothing."""
        return ()

    def begin(self) -> tuple[Memory, ...]:
        """Nothing to remember."""
        return ()

    def step(self, tick: Tick, _memory: Sequence[Memory], /) -> Outcome:
        """Test every row."""
        verdict = self.evaluate(tick)
        return Outcome(verdict.known, verdict.enter, verdict.clear, None, (), lambda row: self.reading(tick, row))

    def evaluate(self, tick: Tick) -> Verdict:
        """Test every row."""
        raise NotImplementedError

    def reading(self, tick: Tick, row: int, /) -> Reading:
        """Give the figures of one row."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Limit:
    """A number for all rows, or (``plus`` being added) another point for each."""

    plus: float
    point: Columns | None

    def at(self, tick: Tick) -> float | Floats:
        """Value of the limit, per row or for all."""
        return self.plus if self.point is None else tick.value[self.point] + self.plus

    def of_row(self, tick: Tick, row: int) -> float:
        """Value of the limit of one row."""
        return self.plus if self.point is None else float(tick.value[self.point[row]]) + self.plus


@dataclass(frozen=True, slots=True)
class LimitCondition(_Forgetful):
    """Above ``high`` or below ``low``; over once ``deadband`` inside both."""

    point: Columns
    high: Limit | None
    low: Limit | None
    deadband: float
    inclusive: bool

    def evaluate(self, tick: Tick) -> Verdict:
        """Test every row."""
        value = tick.value[self.point]
        known = tick.usable[self.point]
        for limit in (self.high, self.low):
            if limit is not None and limit.point is not None:
                known = known & tick.usable[limit.point]
        enter = self._beyond(tick, value, 0.0)
        clear = ~self._beyond(tick, value, self.deadband) if self.deadband else ~enter
        return Verdict(known, enter, clear)

    def watched(self, row: int, /) -> list[tuple[int, Part]]:
        """Value, then limits."""
        limits = [limit.point[row] for limit in (self.high, self.low) if limit and limit.point is not None]
        return [(int(self.point[row]), Part.VALUE), *((int(column), Part.LIMIT) for column in limits)]

    def _beyond(self, tick: Tick, value: Floats, inside: float) -> Flags:
        over = np.greater_equal if self.inclusive else np.greater
        beyond = np.zeros(len(value), np.bool_)
        if self.high is not None:
            beyond |= over(value, self.high.at(tick) - inside)
        if self.low is not None:
            beyond |= over(self.low.at(tick) + inside, value)
        return beyond

    def reading(self, tick: Tick, row: int) -> Reading:
        """Give value and the limit it is nearer to being beyond."""
        value = float(tick.value[self.point[row]])
        used = [self.point[row]]
        limits = []
        for limit in (self.high, self.low):
            if limit is not None:
                limits.append(limit.of_row(tick, row))
                used += [] if limit.point is None else [limit.point[row]]
        nearest = min(limits, key=lambda limit: abs(limit - value))
        return Reading(finite(value), finite(nearest), int(tick.observed_at[used].max()))


@dataclass(frozen=True, slots=True)
class StateTest(_Forgetful):
    """Has one of some values."""

    point: Columns
    values: tuple[float, ...]

    def evaluate(self, tick: Tick) -> Verdict:
        """Test every row."""
        value = tick.value[self.point]
        enter = value == self.values[0]
        for other in self.values[1:]:
            enter |= value == other
        return Verdict(tick.usable[self.point], enter, ~enter)

    def watched(self, row: int, /) -> list[tuple[int, Part]]:
        """Value."""
        return [(int(self.point[row]), Part.VALUE)]

    def reading(self, tick: Tick, row: int) -> Reading:
        """Give the state; it has no limit."""
        point = self.point[row]
        return Reading(finite(float(tick.value[point])), None, int(tick.observed_at[point]))


@dataclass(frozen=True, slots=True)
class MismatchCondition(_Forgetful):
    """Status differs from command."""

    status: Columns
    command: Columns

    def evaluate(self, tick: Tick) -> Verdict:
        """Test every row."""
        enter = tick.value[self.status] != tick.value[self.command]
        return Verdict(tick.usable[self.status] & tick.usable[self.command], enter, ~enter)

    def watched(self, row: int, /) -> list[tuple[int, Part]]:
        """Status, then command."""
        return [(int(self.status[row]), Part.VALUE), (int(self.command[row]), Part.COMMAND)]

    def reading(self, tick: Tick, row: int) -> Reading:
        """Give the status, and the command as its limit."""
        status, command = self.status[row], self.command[row]
        newest = int(tick.observed_at[[status, command]].max())
        return Reading(finite(float(tick.value[status])), finite(float(tick.value[command])), newest)


@dataclass(frozen=True, slots=True)
class SilentCondition(_Forgetful):
    """None of a row's points has a good, fresh value. ``start`` is each row's first place in ``point``."""

    point: Columns
    start: NDArray[np.int64]

    def evaluate(self, tick: Tick) -> Verdict:
        """Test every row; this one is always known."""
        enter = np.logical_and.reduceat(tick.silent[self.point], self.start)
        clear = np.logical_or.reduceat(tick.usable[self.point], self.start)
        return Verdict(np.ones(len(self.start), np.bool_), enter, clear)

    def watched(self, row: int, /) -> list[tuple[int, Part]]:
        """All points of the row."""
        ends = [*self.start[1:].tolist(), len(self.point)]
        return [(int(column), Part.WATCHED) for column in self.point[int(self.start[row]) : ends[row]]]

    def reading(self, tick: Tick, _row: int, /) -> Reading:
        """Silence has no figure; it is noticed when it is noticed."""
        return Reading(None, None, tick.at)


def finite(value: float) -> float | None:
    """Give a number that an event may hold, or none."""
    return value if np.isfinite(value) else None
