"""One device: opened, read when due, lost and found again. Nothing that happens here touches another device."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NoReturn

import numpy as np
import structlog

from cityhall_bms.collector.backoff import delay_s
from cityhall_bms.collector.deadband import Deadband
from cityhall_bms.collector.device_events import DeviceEvents
from cityhall_bms.collector.grading import Limits, grade
from cityhall_bms.collector.hang_guard import HangGuard
from cityhall_bms.collector.publisher import Publisher
from cityhall_bms.collector.pushed import PushedPoints
from cityhall_bms.collector.schedule import Timetable, scan_classes
from cityhall_bms.collector.silence import silence_max_s
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, Driver, DriverFactory, ReadPlan, SubscribableDriver

HANG_FLOOR_S: Final = 10.0
CLOSE_LIMIT_S: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all pollers of a collector share."""

    publisher: Publisher
    events: DeviceEvents
    guard: HangGuard
    clock: Clock
    random: Random


@dataclass(slots=True)
class PollerFigures:
    """Counters of one device for ``/metrics``; ``late_s`` is how late the newest scan began."""

    scans: int = 0
    samples: int = 0
    losses: int = 0
    late_s: float = 0.0
    pushes_refused: int = 0


class Poller:
    """Reads one device for ever.

    ``online`` is none until the device was read once or could not be. A device counts as back only when a whole round
    of its scan classes was answered, so that one that opens but does not answer is not lost again every few seconds.
    """

    def __init__(
        self, device: Device, points: Sequence[BoundPoint], factory: DriverFactory, surroundings: Surroundings
    ) -> None:
        self.device = device
        self.figures = PollerFigures()
        self.online: bool | None = None
        self._factory = factory
        self._around = surroundings
        self._clock = surroundings.clock
        self._points = tuple(points)
        self._classes = scan_classes(points)
        self._limits = Limits.of(points)
        self._deadband = Deadband(points)
        self._polled = Timetable(device.name, [c.period_s for c in self._classes], self._clock.monotonic())
        self._safety_net = Timetable(
            device.name, [silence_max_s(c.period_s) for c in self._classes], self._clock.monotonic()
        )
        self._pushed = PushedPoints(points)
        self._driver: Driver | None = None
        self._plans: list[tuple[ReadPlan, Limits]] = []
        self._failures = 0
        self._lost_at_s = 0.0
        self._shown_since_lost = False
        self._newest_at = 0
        self._watch_lateness: Callable[[float], None] | None = None

    @property
    def overruns(self) -> int:
        """Scans that were skipped because the device, or the way behind it, was too slow."""
        return self._polled.overruns + self._safety_net.overruns

    async def run(self) -> None:
        """Open, read, close, wait, and again."""
        if not self._points:
            return
        while True:
            await self._lose_and_wait(*await self._session())

    async def _session(self) -> tuple[str, float]:
        """Read the device until that fails; give the reason, and how long to wait, s."""
        try:
            await self._talk()
        except DeviceUnreachableError as error:
            wait_s = delay_s(self._failures, self.device.retry_min_s, self.device.retry_max_s, self._around.random)
            return str(error) or "no answer", wait_s
        except DriverConfigError as error:
            return str(error), self.device.retry_max_s
        except Exception as error:
            if self.online is not False:
                log.exception("driver failed; its device is parked", device=self.device.name)
            await self._close()
            self._driver = None
            return f"driver failed: {type(error).__name__}: {error}", self.device.retry_max_s
        finally:
            await self._close()

    async def _talk(self) -> NoReturn:
        driver = self._ready_driver()
        await self._open(driver)
        subscribed = await self._subscribe(driver)
        timetable = self._safety_net if subscribed else self._polled
        timetable.restart(self._clock.monotonic())
        everything = True
        while True:
            await self._clock.sleep(timetable.next_due_s() - self._clock.monotonic())
            for due in timetable.take_due(self._clock.monotonic()):
                self._began(self._clock.monotonic() - due.deadline_s)
                if everything or not subscribed or self._silent(due.index):
                    await self._scan(driver, *self._plans[due.index])
            # First values that are pushed may carry the time of a change long ago; the first round is for now.
            everything = False
            self._restored()

    def watch_lateness(self, watch: Callable[[float], None]) -> None:
        """Tell ``watch`` of every scan how late it begins, s."""
        self._watch_lateness = watch

    def _began(self, late_s: float) -> None:
        self.figures.late_s = late_s
        if self._watch_lateness is not None:
            self._watch_lateness(late_s)

    def _silent(self, index: int) -> bool:
        return self._pushed.any_silent(index, self._classes[index], self._clock.now())

    def _ready_driver(self) -> Driver:
        if self._driver is None:
            driver = self._factory.create(self.device, self._clock)
            plans = [driver.plan(scan_class.points) for scan_class in self._classes]
            self._plans = [(plan, self._limits.pick(plan.points)) for plan in plans]
            self._driver = driver
        return self._driver

    async def _open(self, driver: Driver) -> None:
        async with self._around.guard.within(HANG_FLOOR_S + 2 * self.device.timeout_s, "opening"):
            await driver.open()

    async def _subscribe(self, driver: Driver) -> bool:
        if not isinstance(driver, SubscribableDriver):
            return False
        limit_s = HANG_FLOOR_S + 2 * self.device.timeout_s + 0.1 * len(self._points)
        self._pushed.begin(self._clock.now())
        async with self._around.guard.within(limit_s, "subscribing"):
            return await driver.subscribe(self._points, self._on_push)

    async def _scan(self, driver: Driver, plan: ReadPlan, limits: Limits) -> None:
        async with self._around.guard.within(HANG_FLOOR_S + 2 * self.device.timeout_s * plan.requests, "reading"):
            readings = await driver.read(plan)
        if readings.point is not limits.point and not np.array_equal(readings.point, limits.point):
            msg = "it gave other points than it planned"
            raise ValueError(msg)
        readings = grade(readings, limits, self._clock.now(), polled=True)
        self.figures.scans += 1
        for part in self._deadband.news(readings):
            await self._around.publisher.put(part)
            self._took(part)

    def _on_push(self, readings: Readings) -> None:
        """Take pushed values; never raises into the driver's library."""
        try:
            limits = self._limits.pick(readings.point)
            graded = grade(readings, limits, self._clock.now(), polled=False)
        except ValueError as error:
            if not self.figures.pushes_refused:
                log.warning("driver pushed what it must not", device=self.device.name, reason=str(error))
            self.figures.pushes_refused += len(readings)
            return
        fresh = graded.pick(~self._pushed.old_news(readings.point, readings.observed_at))
        for part in self._deadband.news(fresh) if len(fresh) else ():
            if not self._around.publisher.offer(part.pick(np.ones(len(part), np.bool_))):
                # Not noted as heard: the safety net reads these points as soon as there is room.
                self.figures.pushes_refused += len(part)
                return
            self._took(part)
        self._pushed.heard(graded.point, self._clock.now())

    def _took(self, part: Readings) -> None:
        self._deadband.recorded(part)
        self._shown_since_lost = True
        self._newest_at = max(self._newest_at, int(part.observed_at.max()))
        self.figures.samples += len(part)

    def _restored(self) -> None:
        """Report the first answer and the end of an outage, once each."""
        self._failures = 0
        if self.online:
            return
        down_s = 0.0 if self.online is None else self._clock.monotonic() - self._lost_at_s
        self.online = True
        log.info("device answers", device=self.device.name, down_s=round(down_s, 1))
        self._around.events.restored(self.device.name, self._clock.now(), down_s)

    async def _lose_and_wait(self, reason: str, wait_s: float) -> None:
        now = self._clock.now()
        if self.online is not False:
            self.online = False
            self._shown_since_lost = True
            self._lost_at_s = self._clock.monotonic()
            self.figures.losses += 1
            log.warning("device lost", device=self.device.name, reason=reason)
            self._around.events.lost(self.device.name, reason, now)
        self._failures += 1
        waited_from_s = self._clock.monotonic()
        if self._shown_since_lost:
            await self._record_lost(now)
        await self._clock.sleep(wait_s - (self._clock.monotonic() - waited_from_s))

    async def _record_lost(self, now: int) -> None:
        """One scan that says of every point that its device is lost; again only if a point showed a value since."""
        points = self._limits.point
        # After every value shown, also those of a device whose clock is ahead: a late scan would change nothing.
        at = max(now, self._newest_at + 1)
        lost = Readings(
            points,
            np.full(len(points), at, np.int64),
            np.full(len(points), np.nan),
            np.full(len(points), Quality.BAD_DEVICE_LOST, np.uint8),
        )
        await self._around.publisher.put(lost)
        self._deadband.recorded(lost)
        self._shown_since_lost = False

    async def _close(self) -> None:
        if self._driver is None:
            return
        try:
            # By real time: this runs while everything stops, too, when nobody watches the guard any more.
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._driver.close()
        except Exception:
            if self.online is not False:
                log.exception("driver failed to close", device=self.device.name)
            self._driver = None
