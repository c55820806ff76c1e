"""All devices of a collector, and their one way to the telemetry log."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

import structlog

from cityhall_bms.collector.bus import Bus
from cityhall_bms.collector.clock_watch import ClockWatch
from cityhall_bms.collector.device_events import DeviceEvents
from cityhall_bms.collector.grading_behaviour import Behaviour
from cityhall_bms.collector.hang_guard import HangGuard
from cityhall_bms.collector.importance import importances
from cityhall_bms.collector.overload import OverloadWatch
from cityhall_bms.collector.poller import Poller, Surroundings
from cityhall_bms.collector.publisher import WAITING_BYTES_MAX, Publisher
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Site
from cityhall_bms.ports.capabilities import BusFactory, Plain
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, DriverFactory
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.telemetry_log import TelemetryLog

SPREAD_FROM_DEVICES: Final = 20
SPREAD_OF_DEVICE_S: Final = 0.004
"""So much later, on average, each device is read for the first time: 500 of them within two seconds."""
OPENS_MAX: Final = 64
"""Connections that are being made at once."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Logs:
    """Where a collector writes."""

    telemetry: TelemetryLog
    events: EventLog


@dataclass(frozen=True, slots=True)
class CollectorOptions:
    """Name in the logs, of the process, period of publishing (s), and bound of what waits in memory."""

    name: str = "collector-1"
    process: str = ""
    tick_s: float = 0.5
    waiting_bytes_max: int = WAITING_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Change:
    """What an applied site folder meant for the devices."""

    added: Sequence[str]
    changed: Sequence[str]
    removed: Sequence[str]


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
        self.publisher.rank(importances(site, ids))
        self.events = DeviceEvents(chosen.name, logs.events, clock, random)
        self.name = chosen.name
        self.site, self.ids = site, ids
        self._process = chosen.process
        self._clock = clock
        self._factories = factories
        self._guard = HangGuard(clock)
        self._buses: dict[str, Bus] = {}
        self._around = Surroundings(
            publisher=self.publisher,
            events=self.events,
            guard=self._guard,
            behaviour=Behaviour(site, ids, clock.now()),
            clock=clock,
            random=random,
            spawn=self._spawn,
            start_spread_s=_spread_s(len(site.devices)),
            opens=asyncio.Semaphore(OPENS_MAX),
        )
        self._clock_watch = ClockWatch(clock, self.publisher.note)
        self.overload = OverloadWatch(clock, self._load, self.events.overloaded, self.events.relieved)
        self._watch_lateness: Callable[[float], None] | None = None
        points = _bound_by_device(site, ids)
        self._pollers = {name: self._poller(device, points[name]) for name, device in site.devices.items()}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._begun = asyncio.Event()
        self._gone = [0, 0, 0]
        """Scans, samples and overruns of pollers that were replaced."""

    @property
    def pollers(self) -> Sequence[Poller]:
        """One per device."""
        return list(self._pollers.values())

    @property
    def scans(self) -> int:
        """Polls that were answered."""
        return self._gone[0] + sum(poller.figures.scans for poller in self._pollers.values())

    @property
    def samples(self) -> int:
        """Samples that were recorded: polled or pushed, news by their deadbands."""
        return self._gone[1] + sum(poller.recorder.samples for poller in self._pollers.values())

    @property
    def overruns(self) -> int:
        """Scans that were skipped because a device or the log was too slow."""
        return self._gone[2] + sum(poller.overruns for poller in self._pollers.values())

    @property
    def lost_devices(self) -> int:
        """Devices that do not answer now."""
        return sum(poller.online is False for poller in self._pollers.values())

    @property
    def breakers_open(self) -> int:
        """Devices that are probed instead of read."""
        return sum(poller.breaker_open for poller in self._pollers.values())

    @property
    def open_gaps(self) -> int:
        """Gaps that last."""
        return sum(poller.gaps.open for poller in self._pollers.values())

    @property
    def counter_rollovers(self) -> int:
        """Counters that ran full and began again at zero."""
        return self._around.behaviour.counter_rollovers

    @property
    def counter_resets(self) -> int:
        """Counters that fell without having run full: a meter was exchanged, or lost its memory."""
        return self._around.behaviour.counter_resets

    @property
    def queue_fill(self) -> float:
        """Share of the queue before the telemetry log that is in use; pollers wait when it is full."""
        return self.publisher.queue_fill

    def watch_lateness(self, watch: Callable[[float], None]) -> None:
        """Tell ``watch`` of every scan of every device how late it begins, s."""
        self._watch_lateness = watch
        for poller in self._pollers.values():
            poller.watch_lateness(watch)

    def poller(self, device: str) -> Poller | None:
        """Who reads a device; none for one that is not here."""
        return self._pollers.get(device)

    async def begun(self) -> None:
        """Return once this process, and no other with our name, reads the devices."""
        await self._begun.wait()

    def diagnostics(self, device: str) -> Mapping[str, Plain]:
        """How a device fares; ``KeyError`` for one that is not here."""
        return self._pollers[device].diagnostics()

    async def run(self) -> None:
        """Collect until cancelled; then publish what waits, and close every device."""
        await self.publisher.begin()
        self.events.started(self.publisher.epoch)
        if self.publisher.stood_by_s:
            self.events.took_over(self._process, self.publisher.epoch_before, self.publisher.epoch)
        if self.publisher.ended_at:
            stopped = Gap("", GapCause.SERVICE_STOPPED, self.publisher.ended_at, 0, (), self._clock.now())
            self.publisher.note(stopped)
            for poller in self._pollers.values():
                poller.begin_missing(self.publisher.ended_at)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self.events.run(), name="device events")
            tasks.create_task(self.publisher.run(), name="publisher")
            tasks.create_task(self._guard.run(), name="hang guard")
            tasks.create_task(self._clock_watch.run(), name="clock watch")
            tasks.create_task(self.overload.run(), name="overload watch")
            for name in self._pollers:
                self._start(name)
            self._begun.set()

    async def reconfigure(self, site: Site, ids: Mapping[str, int]) -> Change:
        """Take another description of the site into service; devices that did not change notice nothing."""
        await self._begun.wait()
        points = _bound_by_device(site, ids)
        removed = [name for name in self._pollers if name not in site.devices]
        changed = [
            name
            for name, poller in self._pollers.items()
            if name in site.devices and (poller.device, poller.points) != (site.devices[name], tuple(points[name]))
        ]
        added = [name for name in site.devices if name not in self._pollers]
        await self._stop(removed, changed)
        self.site, self.ids = site, ids
        self.publisher.rank(importances(site, ids))
        # Pollers keep the memory that they have; what is new finds it in the one that all will share.
        behaviour = Behaviour(site, ids, self._clock.now())
        behaviour.adopt(self._around.behaviour)
        self._around = replace(self._around, behaviour=behaviour, start_spread_s=_spread_s(len(changed) + len(added)))
        for poller in self._pollers.values():
            poller.recorder.take(behaviour)
        for name in changed + added:
            self._pollers[name] = self._poller(site.devices[name], points[name])
            self._start(name)
        log.info("site applied", added=added, changed=changed, removed=removed)
        return Change(added, changed, removed)

    def _poller(self, device: Device, points: Sequence[BoundPoint]) -> Poller:
        factory = self._factories[device.protocol]
        name = factory.bus(device) if isinstance(factory, BusFactory) else None
        bus = None if name is None else self._buses.setdefault(name, Bus())
        poller = Poller(device, points, factory, self._around, bus)
        if self._watch_lateness is not None:
            poller.watch_lateness(self._watch_lateness)
        return poller

    def _start(self, name: str) -> None:
        self._running[name] = self._spawn(self._pollers[name].run(), f"device {name}")

    def _spawn(self, body: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        assert self._tasks is not None  # noqa: S101 - only while running
        return self._tasks.create_task(body, name=name)

    async def _stop(self, removed: Sequence[str], changed: Sequence[str]) -> None:
        """End pollers, all at once: one that closes slowly must not hold up the others."""
        ending = [self._running.pop(name) for name in (*removed, *changed)]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        for name in (*removed, *changed):
            poller = self._pollers.pop(name)
            for place, more in enumerate((poller.figures.scans, poller.recorder.samples, poller.overruns)):
                self._gone[place] += more
            poller.gaps.stop(self._clock.now())
            if name in removed and poller.points:
                await poller.recorder.none(Quality.BAD_OUT_OF_SERVICE, again=True)

    def _load(self) -> tuple[int, int, int]:
        return self.scans, self.overruns, self.publisher.put_waits


def _spread_s(devices: int) -> float:
    """Over how long the first scans of so many devices that begin together are spread."""
    return SPREAD_OF_DEVICE_S * devices if devices > SPREAD_FROM_DEVICES else 0.0


def _bound_by_device(site: Site, ids: Mapping[str, int]) -> Mapping[str, list[BoundPoint]]:
    bound: dict[str, list[BoundPoint]] = {name: [] for name in site.devices}
    for point in site.points.values():
        bound[point.device].append(BoundPoint(ids[point.name], point))
    return bound
