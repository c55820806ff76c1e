"""The bytes behind a value: the newest kept scan of its device that holds the point, shown by the device's driver."""

from collections.abc import Mapping
from typing import Final

from cityhall_bms.domain.site import Point, Site
from cityhall_bms.ports.capabilities import ShowingFactory
from cityhall_bms.ports.driver import BoundPoint, DriverFactory
from cityhall_bms.ports.sent import Sent, SentScans

SCANS_MAX: Final = 200
"""So many scans are looked through: a device's intervals differ by less."""


class ScanReader:
    """See :class:`~cityhall_bms.ports.sent.LastSent`."""

    def __init__(self, site: Site, factories: Mapping[str, DriverFactory], scans: SentScans) -> None:
        self._site = site
        self._factories = factories
        self._scans = scans

    async def of(self, point: Point, at: int) -> Sent | None:
        """Look from the newest scan back; what the driver cannot read is no scan of the point."""
        factory = self._factories.get(self._site.devices[point.device].protocol)
        if not isinstance(factory, ShowingFactory):
            return None
        for sent_at, raw in (await self._scans.latest(point.device, at))[:SCANS_MAX]:
            try:
                shown = factory.show([BoundPoint(0, point)], raw)
            except ValueError:
                continue
            if shown:
                return Sent(sent_at, shown[0])
        return None
