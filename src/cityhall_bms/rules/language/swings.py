"""``reversals(x, span, w)``: how often a value turned round after a swing of at least ``span``."""

import numpy as np

from cityhall_bms.rules.language.contents import Tally
from cityhall_bms.rules.language.moment import Known, Memory, Tick
from cityhall_bms.rules.language.windows import BUCKETS, Window, by_width


class Reversals:
    """Finds the turns, and counts them in a window. Its own memory: direction, highest and lowest since the turn."""

    def __init__(self, span: float, window_us: float) -> None:
        self._span = span
        content = Tally(window_us, lambda stretch: stretch.value - stretch.before)
        self._window = Window(content, by_width(int(window_us) // BUCKETS), BUCKETS - 1)

    def begin(self, rows: int) -> Memory:
        """No direction yet, no turns."""
        own = (np.zeros(rows), np.full(rows, -np.inf), np.full(rows, np.inf), np.zeros(rows))
        inner = self._window.begin(rows)
        return Memory(inner.numbers, (*own, *inner.columns))

    def step(self, tick: Tick, memory: Memory, *args: Known) -> tuple[Known, Memory]:
        """Follow the value."""
        (number,) = args
        direction, highest, lowest, turns = memory.columns[:4]
        value = np.asarray(number.value, np.float64)
        high = np.where(number.known, np.maximum(highest, value), highest)
        low = np.where(number.known, np.minimum(lowest, value), lowest)
        falls = number.known & (direction >= 0) & (value <= high - self._span)
        rises = number.known & (direction <= 0) & (value >= low + self._span) & ~falls
        turned = (falls | rises) & (direction != 0)
        direction = np.where(falls, -1.0, np.where(rises, 1.0, direction))
        high = np.where(falls | rises, value, high)
        low = np.where(falls | rises, value, low)
        turns = turns + turned
        inner = Memory(memory.numbers, memory.columns[4:])
        result, kept = self._window.step(tick, inner, Known(turns, number.known))
        return result, Memory(kept.numbers, (direction, high, low, turns, *kept.columns))
