"""What a device sent, read once more as a collector with today's site folder would have read it."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.collector.deadband import Deadband
from cityhall_bms.collector.grading import Limits, grade
from cityhall_bms.collector.grading_behaviour import Behaviour
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.capabilities import RedecodableFactory
from cityhall_bms.ports.driver import BoundPoint


class CollectorsReading:
    """Decoded by the driver, graded by range and by its own past; scans are given in order of time."""

    def __init__(
        self,
        factory: RedecodableFactory,
        points: Sequence[BoundPoint],
        site: Site,
        ids: Mapping[str, int],
        begin: int,
    ) -> None:
        self._factory = factory
        self._points = points
        self._limits = Limits.of(points)
        self._behaviour = Behaviour(site, ids, begin)
        self._deadband = Deadband(points)
        self._banded = np.array([bound.point_id for bound in points if bound.point.deadband > 0], np.uint32)

    def read(self, raw: bytes, observed_at: int) -> Readings:
        """Give graded values of the points that a scan holds; ``ValueError`` for bytes that are no scan."""
        readings = self._factory.redecode(self._points, raw, observed_at)
        graded = grade(readings, self._limits.pick(readings.point), observed_at, polled=True)
        return self._behaviour.judge(graded, observed_at)

    def moved(self, readings: Readings) -> NDArray[np.bool_]:
        """Tell which values their deadband lets pass; points that have none are not among them."""
        passed: NDArray[np.bool_] = np.zeros(len(readings), np.bool_)
        if not len(self._banded):
            return passed
        for part in self._deadband.news(readings):
            self._deadband.recorded(part)
            passed |= np.isin(readings.point, part.point)
        return passed & np.isin(readings.point, self._banded)
