"""All devices of a collector, and their one way to the telemetry log."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from cityhall_bms.collector.device_events import DeviceEvents
from cityhall_bms.collector.hang_guard import HangGuard
from cityhall_bms.collector.poller import Poller, Surroundings
from cityhall_bms.collector.publisher import WAITING_BYTES_MAX, Publisher
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, DriverFactory
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.telemetry_log import TelemetryLog


@dataclass(frozen=True, slots=True)
class Logs:
    """Where a collector writes."""

    telemetry: TelemetryLog
    events: EventLog


@dataclass(frozen=True, slots=True)
class CollectorOptions:
    """Name in the logs, period of publishing (s), and bound of what waits in memory."""

    name: str = "collector-1"
    tick_s: float = 0.5
    waiting_bytes_max: int = WAITING_BYTES_MAX


class Collector:
    """Polls every device of a site that has points and a driver, until cancelled.

    ``ids`` gives the number of every point, ``factories`` the driver of every protocol; ``KeyError`` when one that
    the site needs is missing (a checked site lacks none).
    """

    def __init__(
        self,
        site: Site,
        ids: Mapping[str, int],
        factories: Mapping[str, DriverFactory],
        logs: Logs,
        clock: Clock,
        random: Random,
        *,
        options: CollectorOptions | None = None,
    ) -> None:
        chosen = options or CollectorOptions()
        self.publisher = Publisher(
            chosen.name,
            logs.telemetry,
            clock,
            random,
            tick_s=chosen.tick_s,
            waiting_bytes_max=chosen.waiting_bytes_max,
        )
        self.events = DeviceEvents(chosen.name, logs.events, clock, random)
        self._guard = HangGuard(clock)
        around = Surroundings(self.publisher, self.events, self._guard, clock, random)
        points = _bound_by_device(site, ids)
        self.pollers: Sequence[Poller] = [
            Poller(device, points[device.name], factories[device.protocol], around) for device in site.devices.values()
        ]

    @property
    def scans(self) -> int:
        """Polls that were answered."""
        return sum(poller.figures.scans for poller in self.pollers)

    @property
    def samples(self) -> int:
        """Samples that were recorded: polled or pushed, news by their deadbands."""
        return sum(poller.figures.samples for poller in self.pollers)

    @property
    def overruns(self) -> int:
        """Scans that were skipped because a device or the log was too slow."""
        return sum(poller.overruns for poller in self.pollers)

    @property
    def lost_devices(self) -> int:
        """Devices that do not answer now."""
        return sum(poller.online is False for poller in self.pollers)

    @property
    def queue_fill(self) -> float:
        """Share of the queue before the telemetry log that is in use; pollers wait when it is full."""
        return self.publisher.queue_fill

    async def run(self) -> None:
        """Collect until cancelled; then publish what waits, and close every device."""
        await self.publisher.begin()
        self.events.started(self.publisher.epoch)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.events.run(), name="device events")
            tasks.create_task(self.publisher.run(), name="publisher")
            tasks.create_task(self._guard.run(), name="hang guard")
            for poller in self.pollers:
                tasks.create_task(poller.run(), name=f"device {poller.device.name}")


def _bound_by_device(site: Site, ids: Mapping[str, int]) -> Mapping[str, list[BoundPoint]]:
    bound: dict[str, list[BoundPoint]] = {name: [] for name in site.devices}
    for point in site.points.values():
        bound[point.device].append(BoundPoint(ids[point.name], point))
    return bound
