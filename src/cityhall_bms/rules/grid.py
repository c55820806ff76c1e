"""Samples of the past laid out as the engine is fed: at every tick the newest sample of every watched point."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.rule_history import PastSamples
from cityhall_bms.rules.engine import Columns


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive ticks: ``at`` (µs UTC) by rows, watched points by columns."""

    at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    observed_at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)

    def columns(self, tick: int) -> Columns:
        """Samples as they are at one tick."""
        return Columns(self.value[tick], self.quality[tick], self.observed_at[tick])

    def part(self, chosen: slice) -> Self:
        """Some of the ticks."""
        return type(self)(self.at[chosen], self.value[chosen], self.quality[chosen], self.observed_at[chosen])


class Grid:
    """Lays samples out, one stretch of time after the other; between two of them it remembers what stands.

    A sample counts from the tick at or after its own time, as it does live but for the time it takes to arrive. One
    that is older than what stands changes nothing.
    """

    def __init__(self, point_ids: NDArray[np.int64]) -> None:
        self._order = np.argsort(point_ids)
        self._sorted = point_ids[self._order]
        count = len(point_ids)
        self._value = np.full(count, np.nan)
        self._quality = np.full(count, Quality.BAD_NO_DATA, np.uint8)
        self._observed_at = np.zeros(count, np.int64)

    def lay(self, samples: PastSamples, ticks: NDArray[np.int64]) -> Block:
        """Block of some ticks (ascending), of the samples up to the last of them (those beyond are left out)."""
        count = len(self._value)
        column = self._columns(samples.point)
        row = np.searchsorted(ticks, samples.at)
        chosen = (column >= 0) & (row < len(ticks))
        chosen[chosen] = samples.at[chosen] >= self._observed_at[column[chosen]]
        column, row = column[chosen], row[chosen]
        value = np.concatenate([self._value, samples.value[chosen]])
        quality = np.concatenate([self._quality, samples.quality[chosen]])
        observed_at = np.concatenate([self._observed_at, samples.at[chosen]])
        # Which sample stands: they come by point and time, so that of several in one cell the last assigned is newest.
        standing = np.zeros((len(ticks), count), np.int64)
        standing[0] = np.arange(count)
        standing[row, column] = count + np.arange(len(row))
        np.maximum.accumulate(standing, axis=0, out=standing)
        block = Block(ticks, value[standing], quality[standing], observed_at[standing])
        self._value, self._quality, self._observed_at = block.value[-1], block.quality[-1], block.observed_at[-1]
        return block

    def _columns(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        """Column of each sample; -1 for a point that nobody watches."""
        if not len(self._sorted):
            return np.full(len(points), -1)
        place = np.minimum(np.searchsorted(self._sorted, points), len(self._sorted) - 1)
        return np.where(self._sorted[place] == points, self._order[place], -1)
