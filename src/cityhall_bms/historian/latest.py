"""The newest sample of every point, as columns by point number."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.historian.columns import Samples, Scans

POINTS_PER_BLOCK: Final = 256
NEVER: Final = np.iinfo(np.int64).min
"""Time of a point that has no sample."""


class LatestTable:
    """Newest by ``observed_at``; at one time the sample recorded last. Grows with the highest point number."""

    def __init__(self, samples: Samples | None = None) -> None:
        self.at = np.empty(0, np.int64)
        self.recorded_at = np.empty(0, np.int64)
        self.value = np.empty(0, np.float64)
        self.quality = np.empty(0, np.uint8)
        if samples is not None and len(samples):
            self._take(samples.ordered())

    def take(self, scans: Scans) -> NDArray[np.int64]:
        """Take scans in, in any order; gives the blocks of points that changed."""
        order = np.lexsort((scans.recorded_at, scans.at))
        set_id = scans.set_id[order][::-1]
        # Of a set only the newest scan matters: it holds all of the set's points.
        _, newest = np.unique(set_id, return_index=True)
        needed = set_id == 0
        needed[newest] = True
        chosen = order[::-1][needed][::-1]
        length = scans.length[chosen]
        index = scans.places(chosen)
        return self._take(
            Samples(
                scans.point[index],
                np.repeat(scans.at[chosen], length),
                np.repeat(scans.recorded_at[chosen], length),
                scans.value[index],
                scans.quality[index],
            )
        )

    def _take(self, samples: Samples) -> NDArray[np.int64]:
        """``samples`` stand in order of time within each point: of repeated ones the last assignment stands."""
        if not len(samples):
            return np.empty(0, np.int64)
        self._grow(int(samples.point.max()))
        before, recorded = self.at[samples.point], self.recorded_at[samples.point]
        newer = (samples.at > before) | ((samples.at == before) & (samples.recorded_at >= recorded))
        samples = samples.select(newer)
        self.at[samples.point] = samples.at
        self.recorded_at[samples.point] = samples.recorded_at
        self.value[samples.point] = samples.value
        self.quality[samples.point] = samples.quality
        return np.unique(samples.point.astype(np.int64) // POINTS_PER_BLOCK)

    def _grow(self, point: int) -> None:
        missing = (point // POINTS_PER_BLOCK + 1) * POINTS_PER_BLOCK - len(self.at)
        if missing > 0:
            self.at = np.append(self.at, np.full(missing, NEVER))
            self.recorded_at = np.append(self.recorded_at, np.full(missing, NEVER))
            self.value = np.append(self.value, np.full(missing, np.nan))
            self.quality = np.append(self.quality, np.zeros(missing, np.uint8))
