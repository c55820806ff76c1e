"""Conditions over vectors: what is true, what is false, and what nobody knows.

Only good, fresh samples decide. Where one is missing the condition is unknown: neither true nor false.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Columns = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Tick:
    """The watched points at one moment (``at``, µs UTC)."""

    at: int
    value: Floats
    observed_at: NDArray[np.int64]
    usable: Flags
    """Good, finite and not too old: may decide."""
    silent: Flags
    """Without a good value for longer than the point's limit."""


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


class Condition(Protocol):
    """One rule's test of all its rows at once."""

    def evaluate(self, tick: Tick) -> Verdict:
        """Test every row."""
        ...

    def reading(self, tick: Tick, row: int, /) -> Reading:
        """Give the figures of one row."""
        ...


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
class LimitCondition:
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
class StateTest:
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

    def reading(self, tick: Tick, row: int) -> Reading:
        """Give the state; it has no limit."""
        point = self.point[row]
        return Reading(finite(float(tick.value[point])), None, int(tick.observed_at[point]))


@dataclass(frozen=True, slots=True)
class MismatchCondition:
    """Status differs from command."""

    status: Columns
    command: Columns

    def evaluate(self, tick: Tick) -> Verdict:
        """Test every row."""
        enter = tick.value[self.status] != tick.value[self.command]
        return Verdict(tick.usable[self.status] & tick.usable[self.command], enter, ~enter)

    def reading(self, tick: Tick, row: int) -> Reading:
        """Give the status, and the command as its limit."""
        status, command = self.status[row], self.command[row]
        newest = int(tick.observed_at[[status, command]].max())
        return Reading(finite(float(tick.value[status])), finite(float(tick.value[command])), newest)


@dataclass(frozen=True, slots=True)
class SilentCondition:
    """None of a row's points has a good, fresh value. ``start`` is each row's first place in ``point``."""

    point: Columns
    start: NDArray[np.int64]

    def evaluate(self, tick: Tick) -> Verdict:
        """Test every row; this one is always known."""
        enter = np.logical_and.reduceat(tick.silent[self.point], self.start)
        clear = np.logical_or.reduceat(tick.usable[self.point], self.start)
        return Verdict(np.ones(len(self.start), np.bool_), enter, clear)

    def reading(self, tick: Tick, _row: int, /) -> Reading:
        """Silence has no figure; it is noticed when it is noticed."""
        return Reading(None, None, tick.at)


def finite(value: float) -> float | None:
    """Give a number that an event may hold, or none."""
    return value if np.isfinite(value) else None
