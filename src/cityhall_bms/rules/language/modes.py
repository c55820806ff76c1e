"""The operation ``mode(NAME)``: a state machine per row whose transitions are conditions."""

from collections.abc import Sequence

import numpy as np

from cityhall_bms.rules.language.moment import Known, Memory, Tick

NO_STATE = -1.0


class OperatingMode:
    """State of each row, as its number. A new state counts once its test has been the first true one for ``hold_us``.

    ``entries`` has for each state the numbers of those it may be entered from; an empty one means any. A test that
    nobody knows holds everything, unless one before it is true.
    """

    def __init__(self, hold_us: int, entries: Sequence[Sequence[int]]) -> None:
        self._hold_us = hold_us
        self._entries = entries

    def begin(self, rows: int) -> Memory:
        """No state yet, none coming."""
        nothing = np.full(rows, np.nan)
        return Memory((), (nothing, nothing, np.zeros(rows, np.int64), np.zeros(rows, np.bool_)))

    def step(self, tick: Tick, memory: Memory, *args: Known) -> tuple[Known, Memory]:
        """Find the state that tests ask for, and change to it when it has lasted."""
        state, coming, held, was_known = memory.columns
        wanted, known = self._wanted(state, args)
        new = known & (wanted != state)
        lasts = new & (wanted == coming)
        held = np.where(lasts & was_known, held + tick.counted, np.where(known & ~lasts, 0, held))
        coming = np.where(known, wanted, coming)
        changes = new & (held >= self._hold_us)
        state = np.where(changes, wanted, state)
        return Known(state, ~np.isnan(state)), Memory((), (state, coming, np.where(changes, 0, held), known))

    def _wanted(self, state: np.ndarray, tests: Sequence[Known]) -> tuple[np.ndarray, np.ndarray]:
        wanted = np.full(len(state), NO_STATE)
        open_ = np.ones(len(state), np.bool_)
        known = open_.copy()
        for number, (test, entry) in enumerate(zip(tests, self._entries, strict=True)):
            allowed = open_ & (np.isin(state, [number, *entry]) | np.isnan(state)) if entry else open_
            known &= ~(allowed & ~test.known)
            found = allowed & test.known & test.value
            wanted = np.where(found & known, number, wanted)
            open_ = open_ & ~found & known
        return wanted, known
