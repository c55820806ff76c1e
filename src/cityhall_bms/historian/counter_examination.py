"""Looks again at a counter's steps only where its samples changed, with the same result as a look at all (pure)."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from cityhall_bms.historian.counters import (
    EXCHANGE_NEAR_US,
    RETURNS_WITHIN,
    Register,
    Step,
    Times,
    Values,
    Words,
    find_steps,
)


@dataclass(frozen=True, slots=True)
class Examined:
    """What stands from now on after ``after`` and up to ``through``; ``evidence`` is the last sample looked at."""

    after: int
    through: int
    steps: tuple[Step, ...]
    evidence: int
    open: bool | None
    """Whether the last reading waits for what follows; none where the examination did not reach so far."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Good samples of one counter, in order of time; whether there are none before, and none behind them."""

    at: Times
    value: Values
    whole_before: bool
    whole_after: bool


def examine(
    stretch: Stretch, register: Register, words: Words, standing: Sequence[Step], changed: tuple[int, int], closed: int
) -> Examined | None:
    """Steps around samples that changed, from one believed reading to the next that is believed as before.

    From there on the same decisions follow, so that nothing else can differ from what stands. Steps from ``closed`` on
    are not told yet. None when more samples must be read.
    """
    at = stretch.at
    doubted = {step.at for step in standing if not step.believed}
    begin = _begin(at, int(np.searchsorted(at, changed[0])) - 1 - RETURNS_WITHIN, doubted, words)
    if begin is None and not stretch.whole_before:
        return None
    first = begin or 0
    steps = find_steps(at[first:], stretch.value[first:], register, words)
    told = int(np.searchsorted(at, closed))
    end = _in_step(stretch, int(np.searchsorted(at, changed[1])), told, doubted, steps)
    if end is None and not stretch.whole_after:
        return None
    # Before the first sample ever there is nothing: whatever is told of that time is told no longer.
    after = int(at[begin]) if begin is not None else changed[0] - 1 if not len(at) else int(at[0]) - 1
    through = closed - 1 if end is None else int(at[end])
    last = len(at) - 1 if end is None else min(end + RETURNS_WITHIN, len(at) - 1)
    waits = {step.at for step in steps if not step.believed}
    is_open = None if end is not None else bool(told) and int(at[told - 1]) in waits
    kept = tuple(step for step in steps if after < step.at <= through)
    return Examined(after, through, kept, last, is_open)


def _begin(at: Times, place: int, doubted: AbstractSet[int], words: Words) -> int | None:
    """Last believed sample up to a place that lies near no exchange: which step it explains is asked of all near it."""
    begin = _believed_before(at, place, doubted)
    for exchange in reversed(words.exchanges):
        if begin is not None and abs(int(at[begin]) - exchange.at) <= EXCHANGE_NEAR_US:
            begin = _believed_before(at, int(np.searchsorted(at, exchange.at - EXCHANGE_NEAR_US)) - 1, doubted)
    return begin


def _believed_before(at: Times, place: int, doubted: AbstractSet[int]) -> int | None:
    while place >= 0 and int(at[place]) in doubted:
        place -= 1
    return place if place >= 0 else None


def _in_step(stretch: Stretch, place: int, told: int, doubted: AbstractSet[int], steps: Sequence[Step]) -> int | None:
    """First sample from a place on that is believed as before, with enough behind it to be sure."""
    now_doubted = {step.at for step in steps if not step.believed}
    sure = len(stretch.at) if stretch.whole_after else len(stretch.at) - RETURNS_WITHIN
    for number in range(place, min(told, sure)):
        moment = int(stretch.at[number])
        if moment not in doubted and moment not in now_doubted:
            return number
    return None


def steps_between(steps: Sequence[Step], after: int, through: int) -> list[Step]:
    """Of steps in order of time those with ``after`` < time <= ``through``."""
    return [step for step in steps if after < step.at <= through]
