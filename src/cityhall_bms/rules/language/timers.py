"""Operations that remember when: ``for``, ``since`` and ``previous``.

Time counts as for the delays of rules: only between two steps at both of which the condition was known.
"""

from typing import Protocol

import numpy as np

from cityhall_bms.rules.language.moment import Known, Memory, Tick


class Remembering(Protocol):
    """An operation with a memory."""

    def begin(self, rows: int) -> Memory:
        """Give the memory before the first step."""
        ...

    def step(self, tick: Tick, memory: Memory, *args: Known) -> tuple[Known, Memory]:
        """Take one step. Arguments have a place for each row."""
        ...


class For:
    """``for(cond, d)``: a condition that nobody knows holds the timer; one that is false sets it back."""

    def __init__(self, duration_us: float) -> None:
        self.duration_us = int(duration_us)

    def begin(self, rows: int) -> Memory:
        """Nothing has been true yet."""
        return Memory((), (np.zeros(rows, np.int64), np.zeros(rows, np.bool_)))

    def step(self, tick: Tick, memory: Memory, *args: Known) -> tuple[Known, Memory]:
        """Count on where it was true before and is now."""
        (cond,) = args
        held, was = memory.columns
        now = cond.known & cond.value
        held = np.where(now & was, held + tick.counted, held)
        held = np.where(cond.known & ~cond.value, 0, held)
        return Known(now & (held >= self.duration_us), cond.known), Memory((), (held, now))


class Since:
    """``since(cond)``, s."""

    def begin(self, rows: int) -> Memory:
        """It never was."""
        return Memory((), (np.zeros(rows, np.int64),))

    def step(self, tick: Tick, memory: Memory, *args: Known) -> tuple[Known, Memory]:
        """Note the time where it is true."""
        (cond,) = args
        (last,) = memory.columns
        last = np.where(cond.known & cond.value, tick.at, last)
        return Known(np.maximum(tick.at - last, 0) / 1e6, cond.known & (last > 0)), Memory((), (last,))


class Previous:
    """``previous(x)``: unknown until x has changed."""

    def begin(self, rows: int) -> Memory:
        """Neither the present value nor the one before it is known."""
        return Memory((), (np.full(rows, np.nan), np.full(rows, np.nan)))

    def step(self, tick: Tick, memory: Memory, *args: Known) -> tuple[Known, Memory]:
        """Move on where the value is another."""
        del tick
        (number,) = args
        present, before = memory.columns
        changed = number.known & (number.value != present)
        before = np.where(changed, present, before)
        present = np.where(changed, number.value, present)
        return Known(before, np.isfinite(before)), Memory((), (present, before))
