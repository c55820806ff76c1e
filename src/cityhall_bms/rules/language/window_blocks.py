"""Windows through many moments at once: what stepping gives, to the bit, because it adds up in the same order.

Buckets are filled side by side: first the first moment of every bucket, then the second. What the closed ones come to
is calculated for many buckets together, oldest first as ever.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.rules.language.moment import Known, Memory, Ticks
from cityhall_bms.rules.language.windows import NO_BUCKET, Fields, Stretch, Window

CELLS_MAX: Final = 4_000_000
"""Numbers that are gathered at once."""
NUMBERS_MAX: Final = 20_000_000
"""Bucket numbers that a block may span."""

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Buckets:
    """Buckets of a block: of each moment its bucket (``of``) and its place in it; bucket 0 was open before."""

    number: NDArray[np.int64]
    of: Places
    place: Places


def window_through(window: Window, moments: Ticks, memory: Memory, arg: Known) -> tuple[Known, Memory] | None:
    """Take a window through a block; none where it must be stepped (a clock that went back, a leap of ages)."""
    buckets = _buckets(window, moments, memory.numbers[0])
    if buckets is None:
        return None
    width = window.width
    before, was_known = memory.columns[:2]
    opened, rest = memory.columns[2 : 2 + width], memory.columns[2 + width :]
    stretch, last = _stretches(moments, arg, before, was_known)
    running, filled = _filled(window, buckets, stretch, opened)
    table = _Table(window, rest[len(rest) - width * window.kept :], filled, buckets.number)
    closed = _closed(window, table, rest[: len(rest) - width * window.kept])
    result = window.content.result(tuple(column[buckets.of] for column in closed), running, stretch)
    if len(buckets.number) > 1:
        kept = [column for before_ in range(window.kept, 0, -1) for column in table.bucket(before_, slice(-1, None))]
        rest = (*(column[-1] for column in closed), *(column[0] for column in kept))
    columns = (last, np.array(arg.known[-1]), *(column[-1] for column in running), *rest)
    return result, Memory((int(buckets.number[-1]),), columns)


def _buckets(window: Window, moments: Ticks, old: int) -> _Buckets | None:
    numbers = np.array([window.number(at) for at in moments.at[:, 0].tolist()], np.int64)
    first = int(numbers[0]) if old == NO_BUCKET else old
    steps = np.diff(numbers, prepend=first)
    if (steps < 0).any() or numbers[-1] - first > NUMBERS_MAX:
        return None
    of = np.cumsum((steps > 0).astype(np.intp))
    begun = np.searchsorted(of, of)
    number = np.concatenate([[first], numbers[steps > 0]])
    return _Buckets(number, of, np.arange(len(of)) - begun)


def _stretches(
    moments: Ticks, arg: Known, before: NDArray[np.float64], was_known: NDArray[np.bool_]
) -> tuple[Stretch, NDArray[np.float64]]:
    """Stretches up to each moment, and the last known value after all."""
    value, known = np.asarray(arg.value, np.float64), np.asarray(arg.known)
    everything = np.vstack([before, value])
    place = np.where(known, np.arange(1, len(value) + 1)[:, np.newaxis], 0)
    newest = np.maximum.accumulate(place, axis=0)
    earlier = np.vstack([np.zeros_like(newest[:1]), newest[:-1]])
    counted = np.where(known & np.vstack([was_known, known[:-1]]), moments.counted.astype(np.float64), 0.0)
    column = np.arange(value.shape[1])
    stretch = Stretch(moments.at, value, known, everything[earlier, column], counted)
    return stretch, everything[newest[-1], column]


def _filled(window: Window, buckets: _Buckets, stretch: Stretch, opened: Fields) -> tuple[Fields, Fields]:
    """Fields of the open bucket at each moment, and of every bucket in the end."""
    rows = stretch.value.shape[1]
    empty = window.content.empty(rows)
    count = len(buckets.number)
    filled = tuple(
        np.vstack([first, np.broadcast_to(none, (count - 1, rows))]) for first, none in zip(opened, empty, strict=True)
    )
    running = tuple(np.empty((len(buckets.of), rows)) for _ in empty)
    order = np.argsort(buckets.place, kind="stable")
    edges = np.searchsorted(buckets.place[order], np.arange(int(buckets.place.max()) + 2))
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        ticks = order[begin:end]
        of = buckets.of[ticks]
        part = Stretch(
            np.asarray(stretch.at)[ticks],
            stretch.value[ticks],
            stretch.known[ticks],
            stretch.before[ticks],
            stretch.counted[ticks],
        )
        added = window.content.add(tuple(column[of] for column in filled), part)
        for column, now, result in zip(filled, running, added, strict=True):
            column[of] = result
            now[ticks] = result
    return running, filled


class _Table:
    """Every bucket that counts: those of the memory, those of the block, and an empty one."""

    def __init__(self, window: Window, kept: Fields, filled: Fields, number: NDArray[np.int64]) -> None:
        width, rows = window.width, filled[0].shape[1]
        empty = window.content.empty(rows)
        self._columns = tuple(np.vstack([*kept[field::width], filled[field], empty[field]]) for field in range(width))
        self._kept = window.kept
        self._none = window.kept + len(number)
        """Place of the empty one."""
        self._first = int(number[0])
        self._number = number
        self._dense = np.full(int(number[-1]) - self._first + 1, self._none)
        self._dense[number - self._first] = window.kept + np.arange(len(number))

    @property
    def count(self) -> int:
        """Buckets of the block."""
        return len(self._number)

    def bucket(self, before: int, chosen: slice) -> Fields:
        """Of some buckets of the block, the one so many numbers before each."""
        return self._fields(self._places(before, chosen))

    def gathered(self, chosen: slice, *, by_place: bool) -> list[Fields]:
        """Of some buckets of the block those that count for each, oldest first; none that are all empty if it may be.

        One is left in any case.
        """
        places = [self._places(before, chosen) for before in range(self._kept, 0, -1)]
        if not by_place:
            places = [place for place in places if (place != self._none).any()] or places[-1:]
        return [self._fields(place) for place in places]

    def _places(self, before: int, chosen: slice) -> Places:
        number = self._number[chosen] - before - self._first
        return np.where(number < 0, number + self._kept, self._dense[np.maximum(number, 0)])

    def _fields(self, place: Places) -> Fields:
        """Buckets at some places; not copied where they stand side by side."""
        if (place == self._none).all():
            return tuple(np.broadcast_to(column[-1], (len(place), column.shape[1])) for column in self._columns)
        if (np.diff(place) == 1).all():
            return tuple(column[place[0] : place[-1] + 1] for column in self._columns)
        return tuple(column[place] for column in self._columns)


def _closed(window: Window, table: _Table, closed: Fields) -> Fields:
    """What the closed buckets came to while each bucket was open; ``closed`` while the first was."""
    count, rows = table.count, len(closed[0])
    size = max(CELLS_MAX // max(window.kept * window.width * rows, 1), 1)
    parts = [tuple(column[np.newaxis] for column in closed)]
    # Buckets before the block have every number, those of a block only the ones with a tick: the first are taken apart,
    # so that behind them what counts stands side by side.
    edges = sorted({1, *range(min(1 + window.kept, count), count, size), count})
    for begin, end in pairwise(edges):
        gathered = table.gathered(slice(begin, end), by_place=window.content.by_place)
        parts.append(window.content.closed(gathered, (end - begin, rows)))
    return tuple(np.vstack(column) for column in zip(*parts, strict=True))
