"""Point sets: which scans may go without naming their points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

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
        names, head, inverse = np.unique(set_id, return_index=True, return_inverse=True)
        claimed = []
        for name, one in zip(names.tolist(), head.tolist(), strict=True):
            spoken = scans.point[begin[one] : begin[one] + scans.length[one]]
            claimed.append(self._points_of(name, spoken, new))
        set_id[~_have(scans, begin, claimed, inverse)] = AD_HOC
        return replace(scans, set_id=set_id), new

    def _points_of(
        self, number: int, spoken: NDArray[np.uint32], new: dict[int, NDArray[np.uint32]]
    ) -> NDArray[np.uint32]:
        """Points of a set, by one of its scans where it is new; none of a name that lies."""
        if number == AD_HOC:
            return _NOTHING
        points = self._points.get(number)
        if points is None:
            if point_set_id(spoken) != number:
                return _NOTHING
            self._points[number] = new[number] = points = spoken.copy()
        return points

    def _name_lone(self, scans: Scans, begin: NDArray[np.int64], set_id: NDArray[np.int64]) -> None:
        lone = np.flatnonzero((set_id == AD_HOC) & (scans.length == 1))
        if not len(lone):
            return
        points, inverse = np.unique(scans.point[begin[lone]], return_inverse=True)
        for point in points.tolist():
            if point not in self._lone:
                self._lone[point] = point_set_id(np.array([point], np.uint32))
        set_id[lone] = np.array([self._lone[point] for point in points.tolist()], np.int64)[inverse]


_NOTHING: Final = np.empty(0, np.uint32)


def _have(
    scans: Scans, begin: NDArray[np.int64], claimed: Sequence[NDArray[np.uint32]], number: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Tell which scans have exactly the points that they claim, by number; all sets of one length at a time."""
    length = np.array([len(points) for points in claimed], np.int64)
    fits = (scans.length == length[number]) & (scans.length > 0)
    for size in np.unique(length[length > 0]).tolist():
        alike = np.flatnonzero(length == size)
        table, row = np.array([claimed[place] for place in alike.tolist()]), np.zeros(len(length), np.int64)
        row[alike] = np.arange(len(alike))
        chosen = np.flatnonzero(fits & (length[number] == size))
        fits[chosen] = (windows(scans.point, begin[chosen], size) == table[row[number[chosen]]]).all(axis=1)
    return fits
