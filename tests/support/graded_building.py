"""The simulated building through the collector's checks, minute by minute, without a protocol between."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from cityhall_bms.collector.grading_behaviour import Behaviour
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Encoding, Equipment, Point, PointKind, Site, System, Text
from cityhall_simulators.description import Building
from cityhall_simulators.runtime import City

TEXT = Text("測試", "Test")
STEP_S = 60.0


def site_of(building: Building) -> Site:
    """The building as the service describes it; every point is its own device's."""
    equipment = {
        item.name: Equipment(item.name, item.brick_class, System(item.type.system), TEXT, item.fed_by, item.part_of)
        for item in building.equipment
    }
    points = {
        point.name: Point(
            name=point.name,
            text=TEXT,
            equipment=point.equipment.name,
            role=point.role.role,
            kind=PointKind(point.role.kind),
            unit=point.role.unit,
            device=point.device,
            address="",
            encoding=Encoding(*_register(point.role.encoding)),
            low=point.role.low,
            high=point.role.high,
            scan_s=point.scan_s,
        )
        for point in building.points
    }
    devices = {one.name: Device(one.name, TEXT, one.protocol, {}) for one in building.devices}
    return Site("TCH", TEXT, "Asia/Taipei", True, (), (), equipment, devices, points)


def _register(encoding: str) -> tuple[str, str, float]:
    """Type, word order and scale of an encoding such as ``input uint32 0.01`` (``coil bool`` has no scale)."""
    _, kind, scale, *_ = (*encoding.split(), "", "", "1") if encoding else ("", "", "1")
    return kind, "ABCD", float(scale or 1)


class GradedBuilding:
    """A city whose every value is judged; ``doubts`` counts (point, quality) of what was found wrong."""

    def __init__(self, city: City) -> None:
        self.city = city
        site = site_of(city.building)
        self.ids = {point.name: point.index + 1 for point in city.building.points}
        self.behaviour = Behaviour(site, self.ids, int(city.local.timestamp() * 1e6))
        self.doubts: Counter[tuple[str, Quality]] = Counter()
        self._points = np.arange(1, len(city.building.points) + 1, dtype=np.uint32)

    def advance(self, minutes: int) -> None:
        """Let time pass and judge each minute."""
        for now in self._moments(minutes):
            self.city.advance(now, STEP_S)
            at = int(now.timestamp() * 1e6)
            shown = self.city.shown
            bad = ~np.isfinite(shown)
            readings = Readings(
                self._points,
                np.full(len(self._points), at, np.int64),
                shown,
                np.where(bad, Quality.BAD_NO_DATA, Quality.GOOD).astype(np.uint8),
            )
            quality = self.behaviour.judge(readings, at).quality
            for place in np.flatnonzero((quality != Quality.GOOD) & ~bad):
                self.doubts[self.city.building.points[place].name, Quality(int(quality[place]))] += 1

    def _moments(self, minutes: int) -> Iterator[datetime]:
        for _ in range(minutes):
            yield self.city.local + timedelta(seconds=STEP_S)
