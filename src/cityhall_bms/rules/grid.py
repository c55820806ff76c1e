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
        self._points = point_ids.tolist()
        count = len(point_ids)
        self._value = np.full(count, np.nan)
        self._quality = np.full(count, Quality.BAD_NO_DATA, np.uint8)
        self._observed_at = np.zeros(count, np.int64)

    def lay(self, samples: PastSamples, ticks: NDArray[np.int64]) -> Block:
        """Block of some ticks (ascending), of the samples up to the last of them (those beyond are left out)."""
        shape = len(ticks), len(self._points)
        block = Block(ticks, np.empty(shape), np.empty(shape, np.uint8), np.empty(shape, np.int64))
        begin = np.searchsorted(samples.point, self._points)
        end = np.searchsorted(samples.point, self._points, "right")
        at, standing = np.empty(0, np.int64), np.zeros(len(ticks), np.intp)
        for column, part in enumerate(map(slice, begin.tolist(), end.tolist())):
            own = samples.at[part]
            if not np.array_equal(own, at):  # points of one device have the same times
                at, standing = own, np.searchsorted(own, ticks, "right")
            self._lay_point(block, column, samples, part, standing)
        self._value, self._quality, self._observed_at = block.value[-1], block.quality[-1], block.observed_at[-1]
        return block

    def _lay_point(
        self, block: Block, column: int, samples: PastSamples, part: slice, standing: NDArray[np.intp]
    ) -> None:
        """Lay one point out; ``standing`` is how many of its samples there are by each tick."""
        before = self._observed_at[column]
        stands = slice(int(np.searchsorted(standing, np.searchsorted(samples.at[part], before), "right")), None)
        for laid, last, found in (
            (block.value, self._value, samples.value),
            (block.quality, self._quality, samples.quality),
            (block.observed_at, self._observed_at, samples.at),
        ):
            laid[: stands.start, column] = last[column]
            laid[stands, column] = found[part][standing[stands] - 1]
