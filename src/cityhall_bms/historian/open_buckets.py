"""The minutes that are not over yet: samples wait here in columns until their minute closes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import is_good
from cityhall_bms.historian.columns import Samples, Scans
from cityhall_bms.historian.grids import Held, split, sum_minute
from cityhall_bms.historian.holds import LIVE, Holds
from cityhall_bms.historian.intervals import HOUR_US, MINUTE_US, floor_to
from cityhall_bms.historian.rollups import Rollups, rollup

GRACE_US: Final = 10 * 1_000_000
"""How long after its end a minute waits for batches that are on their way."""

AHEAD_MAX_US: Final = 10 * MINUTE_US
"""Samples from further ahead (a device's clock is wrong) do not wait in memory."""

WAITING_SAMPLES_MAX: Final = 20_000_000
"""A minute and its grace at 280,000 samples a second: 420 MB, which only such a rate needs."""
GRID_SAMPLES_MIN: Final = 2_000
"""Samples of a minute from which on it is summed up by grids; with fewer all of its time goes into the arrangement."""

POINTS_PER_BLOCK: Final = 32
BLOCK_BITS: Final = 27
"""Of a block's number: that of the greatest point fits."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Hours (µs UTC) and blocks of points whose rollups must be computed from the scans, pair by pair."""

    hour: NDArray[np.int64]
    block: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.hour)


@dataclass(frozen=True, slots=True)
class Closed:
    """Minutes that were summed up, from when until when (µs UTC)."""

    before: int
    through: int
    minutes: Rollups


def closes_through(recorded_at: int, now: int) -> int:
    """End of the last minute that may close; a collector's clock that runs ahead of ours closes nothing early."""
    return floor_to(min(recorded_at, now) - GRACE_US, MINUTE_US)


class OpenBuckets:
    """Samples of the open minutes, and before them what is still held.

    Scans wait as they came; what was held, or came too late for its minute, waits sample by sample.
    """

    def __init__(self, closed_through: int, held: Samples, holds: Holds = LIVE) -> None:
        self.closed_through = closed_through
        self._holds = holds
        self._loose: list[Samples] = [held]
        self._scans: list[Scans] = []

    def absorb(self, scans: Scans, present: int) -> Touched:
        """Take samples in, and tell for which hours they are too late, or too far ahead of the present to wait.

        Every scan must have the points of its set.
        """
        ahead = max(self.closed_through, present) + AHEAD_MAX_US
        late = scans.at < self.closed_through
        outside = late | (scans.at >= ahead)
        touched = _NOTHING
        if outside.any():
            touched = self._touched_by(scans.select(outside).samples())
            useful = late & (scans.at >= self._holds.since(self.closed_through))
            self._loose.append(scans.select(useful).samples())
        self._scans.append(scans.select(~outside))
        return touched if self._count() <= WAITING_SAMPLES_MAX else self._spill(touched)

    def closing(self, through: int) -> Closed | None:
        """Sum up the minutes until then; none when they are closed already."""
        before = self.closed_through
        return Closed(before, through, self.close(through)) if through > before else None

    def close(self, through: int) -> Rollups:
        """Sum up the minutes until then, and keep what is held beyond them."""
        if through <= self.closed_through:
            return Rollups.empty()
        scans = self._take_until(through)
        first, minute = self.closed_through, (scans.at - self.closed_through) // MINUTE_US
        heard = np.bincount(minute, weights=scans.length)
        parts: list[Rollups] = []
        for full in np.flatnonzero(heard >= GRID_SAMPLES_MIN).tolist():
            begin = first + full * MINUTE_US
            between = (scans.at >= self.closed_through) & (scans.at < begin)
            parts.append(self._sum_up(scans.select(between), begin))
            parts.append(self._sum_minute(scans.select(minute == full), begin + MINUTE_US))
        parts.append(self._sum_up(scans.select(scans.at >= self.closed_through), through))
        return Rollups.merge(*parts)

    def _take_until(self, through: int) -> Scans:
        """Take out the scans of the time until then."""
        ripe, self._scans, waiting = [], [], self._scans
        for part in waiting:
            before = part.at < through
            ripe.append(part.select(before))
            if not before.all():
                self._scans.append(part.select(~before))
        return Scans.join(ripe)

    def _sum_minute(self, scans: Scans, end: int) -> Rollups:
        """Sum up the next minute, of which these are all scans, by grids where they can be made."""
        begin, loose = self.closed_through, Samples.join(self._loose).ordered()
        grids, others = split(scans, loose.point[loose.at >= begin])
        parts, held = [], []
        for grid in grids:
            mine = np.isin(loose.point, grid.point)
            rows, still = sum_minute(grid, Held.of(grid.point, loose.select(mine)), begin, end, self._holds)
            loose = loose.select(~mine)
            parts.append(rows)
            held.append(still)
        self._loose = [loose]
        parts.append(self._sum_up(others, end))
        self._loose += held
        return Rollups.merge(*parts)

    def _sum_up(self, scans: Scans, through: int) -> Rollups:
        """Sum up the minutes until then, sample by sample."""
        if through <= self.closed_through:
            return Rollups.empty()
        samples = Samples.join([*self._loose, scans.samples()]).ordered()
        begin = max(self.closed_through, floor_to(int(samples.at.min()), MINUTE_US)) if len(samples) else through
        held_until = int(self._holds.ends(samples.point, samples.at).max()) if len(samples) else 0
        end = min(through, floor_to(held_until, MINUTE_US) + MINUTE_US)
        edges = np.arange(begin, end + 1, MINUTE_US)
        rows = rollup(samples, edges, holds=self._holds) if end > begin else Rollups.empty()
        self.closed_through = through
        self._loose = [self._still_needed(samples, through)]
        return rows

    def _count(self) -> int:
        return sum(map(len, self._loose)) + sum(len(part.point) for part in self._scans)

    def _spill(self, touched: Touched) -> Touched:
        """Let go of everything that waits; the scans are in the store, and the hours are computed from there."""
        waited = self._touched_by(Samples.join([*self._loose, *(part.samples() for part in self._scans)]))
        self._loose, self._scans = [], []
        return Touched(np.concatenate((touched.hour, waited.hour)), np.concatenate((touched.block, waited.block)))

    def _touched_by(self, samples: Samples) -> Touched:
        """Hours that a sample lies in or is held into."""
        return touched_between(samples.point, samples.at, self._holds.ends(samples.point, samples.at))

    def _still_needed(self, samples: Samples, through: int) -> Samples:
        """Of each point the samples not summed up yet, and of those before them the last one and the last good one."""
        before = samples.at < through
        fresh = before & (self._holds.ends(samples.point, samples.at) >= through)
        last = _last_of_point(samples, fresh)
        good = _last_of_point(samples, fresh & is_good(samples.quality) & np.isfinite(samples.value))
        return samples.select(~before | last | good)


_NOTHING: Final = Touched(np.empty(0, np.int64), np.empty(0, np.int64))


def touched_between(point: NDArray[np.uint32], begin: NDArray[np.int64], end: NDArray[np.int64]) -> Touched:
    """Hours from ``begin`` to ``end`` (included), each with the blocks of its points."""
    first = begin // HOUR_US
    count = end // HOUR_US - first + 1
    step = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    hour = np.repeat(first, count) + step
    block = np.repeat(point.astype(np.int64) // POINTS_PER_BLOCK, count)
    # As one number: to sort pairs of eight million samples takes a quarter of a minute.
    pairs = np.unique((hour << BLOCK_BITS) | block)
    return Touched((pairs >> BLOCK_BITS) * HOUR_US, pairs & ((1 << BLOCK_BITS) - 1))


def _last_of_point(samples: Samples, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    index = np.flatnonzero(among)
    point = samples.point[index]
    last = np.ones(len(index), np.bool_)
    last[:-1] = point[1:] != point[:-1]
    chosen = np.zeros(len(samples), np.bool_)
    chosen[index[last]] = True
    return chosen
