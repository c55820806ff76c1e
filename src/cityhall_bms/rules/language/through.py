"""Operations that remember, through many moments at once: what stepping gives, to the bit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.rules.language.moment import Flags, Known, Memory, Micros, Tick, Ticks, at_moment
from cityhall_bms.rules.language.swings import Reversals
from cityhall_bms.rules.language.timers import For, Remembering, Since
from cityhall_bms.rules.language.window_blocks import window_through
from cityhall_bms.rules.language.windows import Window


def advanced(
    operation: Remembering, moments: Tick | Ticks, memory: Memory, args: Sequence[Known]
) -> tuple[Known, Memory]:
    """Take one step, or all of some moments."""
    if isinstance(moments, Tick):
        return operation.step(moments, memory, *args)
    wide = [_wide(arg, len(moments)) for arg in args]
    match operation:
        case For():
            return _for(operation, moments, memory, *wide)
        case Since():
            return _since(moments, memory, *wide)
        case Window():
            return window_through(operation, moments, memory, *wide) or _stepwise(operation, moments, memory, wide)
        case Reversals():
            return _reversals(operation, moments, memory, *wide) or _stepwise(operation, moments, memory, wide)
        case _:
            return _stepwise(operation, moments, memory, wide)


def counted_runs(now: Flags, reset: Flags, counted: Micros, held: Micros, was: Flags) -> Micros:
    """How long something has lasted at each moment, if it is counted from one where it is to the next, and set back.

    ``held`` and ``was`` are of the moment before the first.
    """
    before = np.vstack([was, now[:-1]])
    total: Micros = np.cumsum(np.where(now & before, counted, 0), axis=0) + held
    since = np.maximum.accumulate(np.where(reset, total, 0), axis=0)
    lasted: Micros = total - since
    return lasted


def _for(operation: For, moments: Ticks, memory: Memory, cond: Known) -> tuple[Known, Memory]:
    held, was = memory.columns
    now = cond.known & cond.value
    lasted = counted_runs(now, cond.known & ~cond.value, moments.counted, held, was)
    return Known(now & (lasted >= operation.duration_us), cond.known), Memory((), (lasted[-1], now[-1]))


def _since(moments: Ticks, memory: Memory, cond: Known) -> tuple[Known, Memory]:
    (last,) = memory.columns
    seen = np.maximum.accumulate(np.where(cond.known & cond.value, moments.at, last), axis=0)
    return Known(np.maximum(moments.at - seen, 0) / 1e6, cond.known & (seen > 0)), Memory((), (seen[-1],))


def _reversals(operation: Reversals, moments: Ticks, memory: Memory, arg: Known) -> tuple[Known, Memory] | None:
    """Follow the values one after the other; only their window is taken at once."""
    own = memory.columns[:4]
    turns: list[NDArray[np.float64]] = []
    for number in range(len(moments)):
        own = operation.followed(at_moment(arg, number), own)
        turns.append(own[3])
    inner = Memory(memory.numbers, memory.columns[4:])
    found = window_through(operation.window, moments, inner, Known(np.array(turns), arg.known))
    if found is None:
        return None
    result, kept = found
    return result, Memory(kept.numbers, (*own, *kept.columns))


def _stepwise(operation: Remembering, moments: Ticks, memory: Memory, args: Sequence[Known]) -> tuple[Known, Memory]:
    values: list[NDArray[np.generic]] = []
    known: list[Flags] = []
    for number in range(len(moments)):
        result, memory = operation.step(moments.one(number), memory, *(at_moment(arg, number) for arg in args))
        values.append(result.value)
        known.append(result.known)
    return Known(np.array(values), np.array(known)), memory


def _wide(arg: Known, moments: int) -> Known:
    """Argument with a place for each moment and row."""
    shape = (moments, np.shape(arg.value)[-1])
    return Known(np.broadcast_to(arg.value, shape), np.broadcast_to(arg.known, shape))
