"""``reversals(x, span, w)``: how often a value turned round after a swing of at least ``span``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.rules.language.contents import Tally
from cityhall_bms.rules.language.moment import Known, Memory, Tick
from cityhall_bms.rules.language.windows import BUCKETS, Window, by_width

Columns = tuple[NDArray[Any], ...]


class Reversals:
    """Finds the turns, and counts them in a window. Its own memory: direction, highest and lowest since the turn."""

    def __init__(self, span: float, window_us: float) -> None:
        self._span = span
        content = Tally(window_us, lambda stretch: stretch.value - stretch.before)
        self.window = Window(content, by_width(int(window_us) // BUCKETS), BUCKETS - 1)

    def begin(self, rows: int) -> Memory:
        """No direction yet, no turns."""
        own = (np.zeros(rows), np.full(rows, -np.inf), np.full(rows, np.inf), np.zeros(rows))
        inner = self.window.begin(rows)
        return Memory(inner.numbers, (*own, *inner.columns))

    def step(self, tick: Tick, memory: Memory, *args: Known) -> tuple[Known, Memory]:
        """Follow the value."""
        (number,) = args
        own = self.followed(number, memory.columns[:4])
        inner = Memory(memory.numbers, memory.columns[4:])
        result, kept = self.window.step(tick, inner, Known(own[3], number.known))
        return result, Memory(kept.numbers, (*own, *kept.columns))

    def followed(self, number: Known, own: Columns) -> Columns:
        """Direction, highest, lowest and turns after a value."""
        direction, highest, lowest, turns = own
        value = np.asarray(number.value, np.float64)
        high = np.where(number.known, np.maximum(highest, value), highest)
        low = np.where(number.known, np.minimum(lowest, value), lowest)
        falls = number.known & (direction >= 0) & (value <= high - self._span)
        rises = number.known & (direction <= 0) & (value >= low + self._span) & ~falls
        turned = (falls | rises) & (direction != 0)
        direction = np.where(falls, -1.0, np.where(rises, 1.0, direction))
        high = np.where(falls | rises, value, high)
        low = np.where(falls | rises, value, low)
        return direction, high, low, turns + turned
