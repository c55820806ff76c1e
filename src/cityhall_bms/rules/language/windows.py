"""Operations over the last while: a ring of buckets per row.

All rows of a window change buckets at the same moment: bucket number is time over width. The open bucket is written to
at every step; what the closed ones come to is calculated once, when a bucket closes.

Values hold from one step to the next. A stretch counts as delays do: only where the value was known at both of its
ends, and for no longer than the engine counts. A window is known once its value has been for 75 % of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.rules.language.moment import Flags, Floats, Known, Memory, Tick

BUCKETS: Final = 60
KNOWN_SHARE: Final = 0.75
NO_BUCKET: Final = -1

Shape = int | tuple[int, ...]
Fields = tuple[NDArray[Any], ...]
"""What a bucket holds, per row."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From the step before to this one: what the value was (last known) and is, and for how long it counts (µs)."""

    at: int | NDArray[np.int64]
    value: Floats
    known: Flags
    before: Floats
    """Last known value; NaN when there was none."""
    counted: Floats
    """Zero where it was not known at both ends."""


class Content(Protocol):
    """What is gathered in the buckets of a window, and what comes of it."""

    by_place: bool
    """Whether it matters which buckets are empty; where not, they may be left out."""

    def empty(self, rows: int) -> Fields:
        """Give a bucket in which nothing happened."""
        ...

    def add(self, fields: Fields, stretch: Stretch) -> Fields:
        """Take a stretch in."""
        ...

    def closed(self, buckets: Sequence[Fields], rows: Shape) -> Fields:
        """Give what the closed buckets, oldest first, come to; ``rows`` is the shape of their fields."""
        ...

    def result(self, closed: Fields, opened: Fields, stretch: Stretch) -> Known:
        """Give the figure of the window."""
        ...


BucketNumber = Callable[[int], int]


def by_width(width_us: int) -> BucketNumber:
    """Buckets of one width."""
    return lambda at: at // width_us


class Window:
    """One window. Its memory: the last known value and whether it was known, the open bucket, the closed ones."""

    def __init__(self, content: Content, number: BucketNumber, kept: int) -> None:
        self.content = content
        self.width = len(content.empty(0))
        """Columns of a bucket."""
        self.number = number
        self.kept = kept
        """How many closed buckets count."""

    def begin(self, rows: int) -> Memory:
        """Nothing has been seen."""
        empty = self.content.empty(rows)
        buckets = (empty,) * self.kept
        return self._memory(NO_BUCKET, (np.full(rows, np.nan), np.zeros(rows, np.bool_)), empty, buckets)

    def step(self, tick: Tick, memory: Memory, *args: Known) -> tuple[Known, Memory]:
        """Move on to the bucket of this time, and take the stretch since the last step in."""
        value = np.asarray(args[0].value, np.float64)
        rows, width, number, (old,) = len(value), self.width, self.number(tick.at), memory.numbers
        before, was_known = memory.columns[:2]
        opened: Fields = memory.columns[2 : 2 + width]
        rest = memory.columns[2 + width :]
        if number != old:
            opened, rest = self._moved_on(number - old if old != NO_BUCKET else 0, opened, rest, rows)
        known = args[0].known
        counted = np.where(known & was_known, float(tick.counted), 0.0)
        stretch = Stretch(tick.at, value, known, before, counted)
        opened = self.content.add(opened, stretch)
        closed = rest[: len(rest) - width * self.kept]
        result = self.content.result(closed, opened, stretch)
        last = np.where(known, value, before)
        return result, Memory((number,), (last, np.array(known), *opened, *rest))

    def _moved_on(self, passed: int, opened: Fields, rest: Fields, rows: int) -> tuple[Fields, Fields]:
        """Close the open bucket and those in which there was no step. A clock that was set back counts as one on."""
        empty, width = self.content.empty(rows), self.width
        if passed == 0:
            return opened, rest
        columns = rest[len(rest) - width * self.kept :]
        buckets = [columns[start : start + width] for start in range(0, len(columns), width)]
        skipped = min(passed - 1 if passed > 0 else 0, self.kept)
        buckets = [*buckets, opened, *[empty] * skipped][-self.kept :]
        closed = self.content.closed(buckets, rows)
        return empty, (*closed, *(column for bucket in buckets for column in bucket))

    def _memory(self, number: int, last: Fields, opened: Fields, buckets: Sequence[Fields]) -> Memory:
        with np.errstate(invalid="ignore"):
            closed = self.content.closed(buckets, len(last[0]))
        return Memory((number,), (*last, *opened, *closed, *(column for bucket in buckets for column in bucket)))
