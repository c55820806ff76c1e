"""What windows gather. The first field of a bucket is always the known time in it, µs."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.rules.language.moment import Flags, Floats, Known
from cityhall_bms.rules.language.windows import KNOWN_SHARE, Fields, Shape, Stretch

US_PER_H: Final = 3.6e9
HOURS_A_DAY: Final = 24
DAYS_MIN: Final = 7
"""Days without which there is no baseline."""


class Sums:
    """Buckets whose fields add up."""

    by_place = False
    fields = 1

    def __init__(self, window_us: float) -> None:
        self._known_us = KNOWN_SHARE * window_us

    def empty(self, rows: int) -> Fields:
        """Nothing yet."""
        return tuple(np.zeros(rows) for _ in range(self.fields))

    def closed(self, buckets: Sequence[Fields], _rows: Shape) -> Fields:
        """Add them up."""
        return tuple(reduce(np.add, column) for column in zip(*buckets, strict=True))

    def total(self, closed: Fields, opened: Fields) -> tuple[Fields, Flags]:
        """Sums over the window, and where it is known."""
        fields = tuple(one + other for one, other in zip(closed, opened, strict=True))
        return fields, fields[0] >= self._known_us


class Mean(Sums):
    """``avg(x, w)``: time-weighted mean."""

    fields = 2

    def add(self, fields: Fields, stretch: Stretch) -> Fields:
        """Add time, and value times time."""
        time, area = fields
        return time + stretch.counted, area + _weighted(stretch.before, stretch)

    def result(self, closed: Fields, opened: Fields, _stretch: Stretch) -> Known:
        """Divide."""
        (time, area), known = self.total(closed, opened)
        return Known(area / time, known)


class Deviation(Sums):
    """``stddev(x, w)``: time-weighted standard deviation."""

    fields = 3

    def add(self, fields: Fields, stretch: Stretch) -> Fields:
        """Add time, value and its square times time."""
        time, area, squares = fields
        return (
            time + stretch.counted,
            area + _weighted(stretch.before, stretch),
            squares + _weighted(stretch.before**2, stretch),
        )

    def result(self, closed: Fields, opened: Fields, _stretch: Stretch) -> Known:
        """Root of mean square less square of mean."""
        (time, area, squares), known = self.total(closed, opened)
        return Known(np.sqrt(np.maximum(squares / time - (area / time) ** 2, 0.0)), known)


class Share(Sums):
    """``share(cond, w)``: part of the known time in which it was true."""

    fields = 2

    def add(self, fields: Fields, stretch: Stretch) -> Fields:
        """Add time, and that in which it was true."""
        time, true = fields
        return time + stretch.counted, true + _weighted(stretch.before, stretch)

    def result(self, closed: Fields, opened: Fields, _stretch: Stretch) -> Known:
        """Divide."""
        (time, true), known = self.total(closed, opened)
        return Known(true / time, known)


class Tally(Sums):
    """Windows that add up what steps are worth: ``changes``, ``count`` and the increase of a counter."""

    fields = 2

    def __init__(self, window_us: float, worth: Callable[[Stretch], NDArray[Any]]) -> None:
        super().__init__(window_us)
        self._worth = worth

    def add(self, fields: Fields, stretch: Stretch) -> Fields:
        """Add time, and what the step is worth where the value is known now and was once before."""
        time, total = fields
        known = stretch.known & np.isfinite(stretch.before)
        return time + stretch.counted, total + np.where(known, self._worth(stretch), 0.0)

    def result(self, closed: Fields, opened: Fields, _stretch: Stretch) -> Known:
        """Give the sum."""
        (_, total), known = self.total(closed, opened)
        return Known(total, known)


def change(stretch: Stretch) -> Flags:
    """A value that is another than before."""
    other: Flags = stretch.value != stretch.before
    return other


def beginning(stretch: Stretch) -> Flags:
    """A condition that became true."""
    begun: Flags = (stretch.value > 0) & (stretch.before == 0)
    return begun


def increase(stretch: Stretch) -> Floats:
    """What a counter went up; a step down is a reset or another meter, and counts nothing."""
    return np.maximum(stretch.value - stretch.before, 0.0)


class Extreme:
    """``min(x, w)`` and ``max(x, w)``."""

    by_place = False

    def __init__(self, window_us: float, choose: Callable[[Any, Any], Any], worst: float) -> None:
        self._known_us = KNOWN_SHARE * window_us
        self._choose = choose
        self._worst = worst

    def empty(self, rows: int) -> Fields:
        """Nothing yet."""
        return np.zeros(rows), np.full(rows, self._worst)

    def add(self, fields: Fields, stretch: Stretch) -> Fields:
        """Take the value that held through the stretch, and the one now."""
        time, extreme = fields
        held = np.where(stretch.counted > 0, stretch.before, self._worst)
        now = np.where(stretch.known, stretch.value, self._worst)
        return time + stretch.counted, self._choose(self._choose(extreme, held), now)

    def closed(self, buckets: Sequence[Fields], _rows: Shape) -> Fields:
        """Choose among them."""
        times, extremes = zip(*buckets, strict=True)
        return reduce(np.add, times), reduce(self._choose, extremes)

    def result(self, closed: Fields, opened: Fields, _stretch: Stretch) -> Known:
        """Choose among all."""
        extreme = self._choose(closed[1], opened[1])
        return Known(extreme, (closed[0] + opened[0] >= self._known_us) & np.isfinite(extreme))


class Difference:
    """``delta(x, w)`` and ``rate(x, w)``: present value less the oldest in the window; the rate is per hour."""

    by_place = False

    def __init__(self, window_us: float, *, per_hour: bool) -> None:
        self._known_us = KNOWN_SHARE * window_us
        self._per_hour = per_hour

    def empty(self, rows: int) -> Fields:
        """No value yet."""
        return np.zeros(rows), np.full(rows, np.nan), np.full(rows, np.nan)

    def add(self, fields: Fields, stretch: Stretch) -> Fields:
        """Keep the first known value, and its time."""
        time, at, value = fields
        first = stretch.known & np.isnan(at)
        return (
            time + stretch.counted,
            np.where(first, np.float64(stretch.at), at),
            np.where(first, stretch.value, value),
        )

    def closed(self, buckets: Sequence[Fields], _rows: Shape) -> Fields:
        """Keep the oldest."""
        return reduce(_older, buckets)

    def result(self, closed: Fields, opened: Fields, stretch: Stretch) -> Known:
        """Present less oldest."""
        time, at, value = _older(closed, opened)
        found = stretch.value - value
        if self._per_hour:
            # A clock that was set back leaves values of later: they make no rate.
            found = found * (US_PER_H / np.maximum(stretch.at - at, 0.0))
        return Known(found, stretch.known & (time >= self._known_us) & np.isfinite(found))


class Median:
    """``median(x, w)``: of the means of closed buckets."""

    by_place = False

    def __init__(self, window_us: float) -> None:
        self._mean = Mean(window_us)
        self._known_us = KNOWN_SHARE * window_us

    def empty(self, rows: int) -> Fields:
        """Nothing yet."""
        return self._mean.empty(rows)

    def add(self, fields: Fields, stretch: Stretch) -> Fields:
        """As for a mean."""
        return self._mean.add(fields, stretch)

    def closed(self, buckets: Sequence[Fields], rows: Shape) -> Fields:
        """Take the median once, as buckets close."""
        times = reduce(np.add, (time for time, _ in buckets))
        return times, _median([area / time for time, area in buckets], rows)

    def result(self, closed: Fields, opened: Fields, _stretch: Stretch) -> Known:
        """Give it."""
        time, median = closed
        return Known(median, (time + opened[0] >= self._known_us) & np.isfinite(median))


class Baseline:
    """``baseline(x, d)``: median of the means of this hour of the day. A bucket is an hour of the building's zone."""

    by_place = True

    def __init__(self) -> None:
        self._mean = Mean(0.0)

    def empty(self, rows: int) -> Fields:
        """Nothing yet."""
        return self._mean.empty(rows)

    def add(self, fields: Fields, stretch: Stretch) -> Fields:
        """As for a mean."""
        return self._mean.add(fields, stretch)

    def closed(self, buckets: Sequence[Fields], rows: Shape) -> Fields:
        """Take the median of the same hour of the days before, once an hour."""
        same = buckets[::-1][HOURS_A_DAY - 1 :: HOURS_A_DAY]
        means = [np.where(time >= KNOWN_SHARE * US_PER_H, area / time, np.nan) for time, area in same]
        days = reduce(np.add, [np.isfinite(mean).astype(np.float64) for mean in means], np.zeros(rows))
        return days, _median(means, rows)

    def result(self, closed: Fields, _opened: Fields, _stretch: Stretch) -> Known:
        """Give it."""
        days, median = closed
        return Known(median, days >= DAYS_MIN)


class Past:
    """``ago(x, d)``: the value at the end of the oldest bucket."""

    by_place = True

    def empty(self, rows: int) -> Fields:
        """Not known."""
        return (np.full(rows, np.nan),)

    def add(self, _fields: Fields, stretch: Stretch) -> Fields:
        """Keep the latest."""
        return (np.where(stretch.known, stretch.value, np.nan),)

    def closed(self, buckets: Sequence[Fields], _rows: Shape) -> Fields:
        """Keep the oldest."""
        return buckets[0]

    def result(self, closed: Fields, _opened: Fields, _stretch: Stretch) -> Known:
        """Give it."""
        return Known(closed[0], np.isfinite(closed[0]))


def _weighted(value: Floats, stretch: Stretch) -> Floats:
    return np.where(stretch.counted > 0, value * stretch.counted, 0.0)


def _older(older: Fields, newer: Fields) -> Fields:
    missing = np.isnan(older[1])
    return (
        older[0] + newer[0],
        np.where(missing, newer[1], older[1]),
        np.where(missing, newer[2], older[2]),
    )


def _median(columns: Sequence[Floats], rows: Shape) -> Floats:
    """Median of what is known of each row; NaN where nothing is."""
    if not columns:
        return np.full(rows, np.nan)
    ordered = np.sort(np.stack(columns), axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, len(columns) - 1)
    return np.where(count > 0, (_taken(ordered, low) + _taken(ordered, high)) / 2, np.nan)


def _taken(ordered: Floats, place: NDArray[np.intp]) -> Floats:
    """Value at a place of its own in each column."""
    found: Floats = np.take_along_axis(ordered, place[np.newaxis], axis=0)[0]
    return found
