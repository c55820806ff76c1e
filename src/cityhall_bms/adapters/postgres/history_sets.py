"""Point sets: which scans may go without naming their points."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres.history_copy import windows
from cityhall_bms.domain.batch import AD_HOC, point_set_id
from cityhall_bms.historian.columns import Scans


class PointSets:
    """The sets that the database knows."""

    def __init__(self, known: Mapping[int, Iterable[int]]) -> None:
        self._points = {number: np.array(points, np.uint32) for number, points in known.items()}
        self._lone: dict[int, int] = {}

    def settle(self, scans: Scans) -> tuple[Scans, dict[int, NDArray[np.uint32]]]:
        """Give the scans with sets that can be relied on, and the sets that are new.

        A lone value becomes a scan of a set of one, which is smaller and found faster than one that names its point.
        A scan that claims a set whose points it does not have names its points itself: no value may ever be read as
        that of another point.
        """
        begin = scans.begin
        set_id = scans.set_id.copy()
        self._name_lone(scans, begin, set_id)
        new: dict[int, NDArray[np.uint32]] = {}
        names, inverse = np.unique(set_id, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        ends = np.cumsum(np.bincount(inverse, minlength=len(names)))
        for number, end, begun in zip(names.tolist(), ends.tolist(), [0, *ends.tolist()], strict=False):
            if number == AD_HOC:
                continue
            chosen = order[begun:end]
            points = self._points.get(number)
            if points is None:
                head = int(chosen[0])
                points = scans.point[begin[head] : begin[head] + scans.length[head]]
                if point_set_id(points) != number:
                    set_id[chosen] = AD_HOC
                    continue
                self._points[number] = new[number] = points.copy()
            set_id[chosen[~_has(scans, begin, chosen, points)]] = AD_HOC
        return replace(scans, set_id=set_id), new

    def _name_lone(self, scans: Scans, begin: NDArray[np.int64], set_id: NDArray[np.int64]) -> None:
        lone = np.flatnonzero((set_id == AD_HOC) & (scans.length == 1))
        if not len(lone):
            return
        points, inverse = np.unique(scans.point[begin[lone]], return_inverse=True)
        for point in points.tolist():
            if point not in self._lone:
                self._lone[point] = point_set_id(np.array([point], np.uint32))
        set_id[lone] = np.array([self._lone[point] for point in points.tolist()], np.int64)[inverse]


def _has(
    scans: Scans, begin: NDArray[np.int64], chosen: NDArray[np.int64], points: NDArray[np.uint32]
) -> NDArray[np.bool_]:
    """Tell which of the chosen scans have exactly these points."""
    fits = scans.length[chosen] == len(points)
    fits[fits] = (windows(scans.point, begin[chosen[fits]], len(points)) == points).all(axis=1)
    return fits
