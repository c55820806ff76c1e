"""What devices remember: samples of points in order of time, and of several of them as one portion. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples of one point in its unit, in order of time (µs UTC)."""

    point_id: int
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.at)

    def split(self, horizon: int) -> tuple["Stretch", "Stretch"]:
        """What lies up to and including a time, and the rest."""
        cut = int(np.searchsorted(self.at, horizon, side="right"))
        return self._chosen(slice(0, cut)), self._chosen(slice(cut, None))

    def within(self, start: int, until: int) -> "Stretch":
        """Samples of ``start <= time < until``, put in order."""
        chosen = np.flatnonzero((self.at >= start) & (self.at < until))
        return self._chosen(chosen[np.argsort(self.at[chosen], kind="stable")])

    def _chosen(self, rows: slice | NDArray[np.intp]) -> "Stretch":
        return Stretch(self.point_id, self.at[rows], self.value[rows], self.quality[rows])


def nothing(point_id: int) -> Stretch:
    """No samples."""
    none = np.array([], np.int64)
    return Stretch(point_id, none, none.astype(np.float64), none.astype(np.uint8))


def readings_of(stretches: Sequence[Stretch]) -> Readings:
    """One portion of all points, oldest first."""
    at = np.concatenate([one.at for one in stretches])
    order = np.argsort(at, kind="stable")
    point = np.repeat(np.array([one.point_id for one in stretches], np.uint32), [len(one) for one in stretches])
    value = np.concatenate([one.value for one in stretches])
    quality = np.concatenate([one.quality for one in stretches])
    return Readings(point[order], at[order], value[order], quality[order], partial=True)
