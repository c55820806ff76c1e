"""One device: opened, read when due, lost and found again. Nothing that happens here touches another device."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final, NoReturn

import structlog

from cityhall_bms.collector.backoff import delay_s
from cityhall_bms.collector.bus import Bus
from cityhall_bms.collector.device_events import DeviceEvents
from cityhall_bms.collector.gap_book import GapBook
from cityhall_bms.collector.grading import Limits
from cityhall_bms.collector.grading_behaviour import Behaviour
from cityhall_bms.collector.hang_guard import HangGuard
from cityhall_bms.collector.listening import Listener, Spawn
from cityhall_bms.collector.publisher import Publisher
from cityhall_bms.collector.recorder import Recorder, same_points
from cityhall_bms.collector.schedule import Due, Timetable, on_tick, phase, scan_classes
from cityhall_bms.collector.silence import silence_max_s
from cityhall_bms.collector.turns import Turns
from cityhall_bms.collector.watchdog import Watchdog
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.gaps import GapCause
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.capabilities import (
    AlarmingDriver,
    DiagnosableDriver,
    HistoryDriver,
    PingableDriver,
    Plain,
    VigilantDriver,
)
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, Driver, DriverFactory, ReadPlan, SubscribableDriver

HANG_FLOOR_S: Final = 10.0
CLOSE_LIMIT_S: Final = 5.0
HISTORY_MIN_US: Final = 1_000_000
"""A shorter outage is not asked about."""
MAINTENANCE_REMINDER_S: Final = 60.0
SESSION_LOOK_S: Final = 1.0
"""How often a device that is not polled is looked at for the end of its session."""

log = structlog.get_logger(__name__)


class RebuildError(Exception):
    """The session lives and does not give what it should; its driver is made anew."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all pollers of a collector share. ``start_spread_s``: over how long first scans are spread."""

    publisher: Publisher
    events: DeviceEvents
    guard: HangGuard
    behaviour: Behaviour
    clock: Clock
    random: Random
    spawn: Spawn
    start_spread_s: float
    opens: AbstractAsyncContextManager[object]
    """A turn to open a connection: not all devices at once after a night without network."""


@dataclass(slots=True)
class PollerFigures:
    """Counters of one device for ``/metrics``; ``late_s`` is how late the newest scan began."""

    scans: int = 0
    losses: int = 0
    probes: int = 0
    late_s: float = 0.0


class Poller:
    """Reads one device for ever.

    ``online`` is none until the device was read once or could not be. A device counts as back only when a whole round
    of its scan classes was answered, so that one that opens but does not answer is not lost again every few seconds.
    After a failure its breaker is open: where others share its bus it is probed first, briefly, once per back-off.
    """

    def __init__(
        self,
        device: Device,
        points: Sequence[BoundPoint],
        factory: DriverFactory,
        surroundings: Surroundings,
        bus: Bus | None = None,
    ) -> None:
        self.device = device
        self.points = tuple(points)
        self.figures = PollerFigures()
        self.online: bool | None = None
        self._factory = factory
        self._around = surroundings
        self._clock = surroundings.clock
        self._bus = bus
        self._classes = scan_classes(points)
        self.gaps = GapBook(device.name, points, self._classes, surroundings.publisher.note)
        self.recorder = Recorder(
            device.name, points, surroundings.publisher, surroundings.behaviour, self.gaps, self._clock
        )
        self._listener = Listener(device, surroundings.events.noticed, self._clock, surroundings.spawn)
        self._watchdog = Watchdog(self._classes)
        self.recorder.watch_good(lambda: self._watchdog.good(self._clock.monotonic()))
        origin_s = on_tick(self._clock.monotonic())
        self._polled = Timetable(device.name, [c.period_s for c in self._classes], origin_s)
        self._safety_net = Timetable(device.name, [silence_max_s(c.period_s) for c in self._classes], origin_s)
        self.turns = Turns()
        self._driver: Driver | None = None
        self._plans: list[tuple[ReadPlan, Limits]] = []
        self._failures = 0
        self._lost_at_s = 0.0
        self._missing_since = 0
        self._memories: AsyncIterator[Readings] | None = None
        self._watch_lateness: Callable[[float], None] | None = None

    @property
    def overruns(self) -> int:
        """Scans that were skipped because the device, or the way behind it, was too slow."""
        return self._polled.overruns + self._safety_net.overruns

    @property
    def breaker_open(self) -> bool:
        """Whether the device is probed, not read."""
        return self._failures > 0

    def diagnostics(self) -> Mapping[str, Plain]:
        """How this device fares, without secrets."""
        driver: Mapping[str, Plain] = self._driver.diagnostics() if isinstance(self._driver, DiagnosableDriver) else {}
        return {
            **{f"driver.{name}": value for name, value in driver.items()},
            "online": self.online,
            "scans": self.figures.scans,
            "samples": self.recorder.samples,
            "overruns": self.overruns,
            "losses": self.figures.losses,
            "probes": self.figures.probes,
            "rebuilds": self._watchdog.rebuilds + self.recorder.hearing.deaf_sessions,
            "open_gaps": self.gaps.open,
            "pushes_refused": self.recorder.pushes_refused,
        }

    def begin_missing(self, since: int) -> None:
        """Nobody read this device since then (µs UTC): what it remembers of that is asked for when it answers."""
        self._missing_since = since

    def watch_lateness(self, watch: Callable[[float], None]) -> None:
        """Tell ``watch`` of every scan how late it begins, s."""
        self._watch_lateness = watch

    async def run(self) -> None:
        """Open, read, close, wait, and again."""
        if not self.points:
            return
        if self.device.maintenance:
            await self._rest()
        await self._clock.sleep(phase(self.device.name) * self._around.start_spread_s)
        while True:
            failure = await self._session()
            if failure is not None:
                await self._lose_and_wait(*failure)

    async def _rest(self) -> NoReturn:
        """Out of service by intention: say so once, and keep account of the polls that are not made."""
        self.gaps.begin(GapCause.MAINTENANCE, self._clock.now())
        await self.recorder.none(Quality.BAD_OUT_OF_SERVICE, again=True)
        while True:
            await self._clock.sleep(MAINTENANCE_REMINDER_S)
            self.gaps.remind(self._clock.now())

    async def _session(self) -> tuple[str, float] | None:
        """Read the device until that fails; give the reason, and how long to wait, s.

        None when the driver is to be made anew at once: nothing failed that anybody needs to hear of.
        """
        try:
            await self._talk()
        except RebuildError as reason:
            log.info("driver made anew", device=self.device.name, reason=str(reason))
            self._missing_since = self._missing_since or self.recorder.good_at
            await self._close()
            self._driver = None
            return None
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
            self._memories = None
            await self._close()

    async def _talk(self) -> NoReturn:
        driver = self._ready_driver()
        await self._open(driver)
        if isinstance(driver, AlarmingDriver):
            self._listener.begin(driver)
        subscribed = await self._subscribe(driver)
        self.turns.lend(driver)
        timetable = self._safety_net if subscribed else self._polled
        timetable.restart(self._clock.monotonic())
        self.recorder.hearing.begin(self._clock.now(), subscribed=subscribed)
        self._watchdog.begin(self._clock.monotonic())
        # Once for the session: to ask whether a driver is able to do something costs more than to wait for a deadline.
        pushing = driver if subscribed and isinstance(driver, VigilantDriver) else None
        everything = True
        while True:
            await self._until_due(timetable, pushing)
            for due in timetable.take_due(self._clock.monotonic()):
                await self._turn(driver, due, asked=everything or not subscribed)
            # First values that are pushed may carry the time of a change long ago; the first round is for now.
            if everything:
                everything = False
                await self._restored(driver)
            if self._watchdog.barks(self._clock.monotonic()):
                msg = "no good value for long"
                raise RebuildError(msg)
            if self.recorder.hearing.gave_up():
                msg = "changes were found that its subscription did not tell"
                raise RebuildError(msg)

    async def _until_due(self, timetable: Timetable, pushing: VigilantDriver | None) -> None:
        """Wait for the next deadline; meanwhile hear what the device remembers, and whether one that pushes can."""
        while self._memories is not None and timetable.next_due_s() > self._clock.monotonic():
            await self._remember()
        if pushing is not None:
            while timetable.next_due_s() - self._clock.monotonic() > SESSION_LOOK_S:
                await self._clock.sleep(SESSION_LOOK_S)
                reason = pushing.trouble()
                if reason is not None:
                    raise DeviceUnreachableError(reason)
        await self._clock.sleep(timetable.next_due_s() - self._clock.monotonic())

    async def _turn(self, driver: Driver, due: Due, *, asked: bool) -> None:
        late_s = self._clock.monotonic() - due.deadline_s
        self.figures.late_s = late_s
        if self._watch_lateness is not None:
            self._watch_lateness(late_s)
        self.gaps.skipped(due.index, due.missed, self._clock.now())
        plan, limits = self._plans[due.index]
        if not len(limits.point):
            return  # a class of methods only: there is nothing to read
        period_s = self._classes[due.index].period_s
        if asked or self.recorder.pushed.any_silent(due.index, limits.point, period_s, self._clock.now()):
            await self._scan(driver, plan, limits)

    def _ready_driver(self) -> Driver:
        if self._driver is None:
            driver = self._factory.create(self.device, self._clock)
            plans = [driver.plan(scan_class.points) for scan_class in self._classes]
            self._plans = [(plan, self.recorder.limits.pick(plan.points)) for plan in plans]
            self._driver = driver
        return self._driver

    @asynccontextmanager
    async def turn(self, what: str) -> AsyncIterator[Driver]:
        """The open driver for the body alone, bounded; :class:`DeviceUnreachableError` when it is not there in time."""
        limit_s = HANG_FLOOR_S + 4 * self.device.timeout_s
        async with self.turns.turn() as driver, self._around.guard.within(limit_s, what):
            yield driver

    async def _open(self, driver: Driver) -> None:
        limit_s = HANG_FLOOR_S + 2 * self.device.timeout_s
        async with self._around.opens, self._around.guard.within(limit_s, "opening"):
            await driver.open()
        if self._bus is not None and self.breaker_open and isinstance(driver, PingableDriver):
            self.figures.probes += 1
            with self._turn_on_bus():
                async with self._around.guard.within(limit_s, "probing"):
                    await driver.ping(self._bus.probe_s(self.device.timeout_s))

    @contextmanager
    def _turn_on_bus(self, questions: int = 1) -> Iterator[None]:
        """Let the bus know what was answered in the body, and how long that took."""
        if self._bus is None:
            yield
            return
        began_s = self._clock.monotonic()
        try:
            yield
        except DeviceUnreachableError:
            self._bus.silent(self._clock.monotonic())
            raise
        self._bus.answered(began_s, self._clock.monotonic(), questions)

    async def _subscribe(self, driver: Driver) -> bool:
        limit_s = HANG_FLOOR_S + 2 * self.device.timeout_s + 0.1 * len(self.points)
        async with self._around.guard.within(limit_s, "subscribing"):
            if not isinstance(driver, SubscribableDriver):
                return False
            self.recorder.pushed.begin(self._clock.now())
            return await driver.subscribe(self.points, self.recorder.push)

    async def _scan(self, driver: Driver, plan: ReadPlan, limits: Limits) -> None:
        limit_s = HANG_FLOOR_S + 2 * self.device.timeout_s * plan.requests
        async with self.turns.own:
            with self._turn_on_bus(plan.requests):
                async with self._around.guard.within(limit_s, "reading"):
                    readings = await driver.read(plan)
        if not same_points(readings, limits.point):
            msg = "it gave other points than it planned"
            raise ValueError(msg)
        self.figures.scans += 1
        await self.recorder.polled(readings, limits)

    async def _restored(self, driver: Driver) -> None:
        """Report the first answer and the end of an outage, once each; then ask what the device remembers of it."""
        self._failures = 0
        now = self._clock.now()
        self.gaps.end(now)
        since = self._missing_since
        if since and now - since >= HISTORY_MIN_US and isinstance(driver, HistoryDriver):
            self._memories = driver.history(self.points, since, now)
        else:
            self._missing_since = 0
        if self.online:
            return
        down_s = 0.0 if self.online is None else self._clock.monotonic() - self._lost_at_s
        self.online = True
        log.info("device answers", device=self.device.name, down_s=round(down_s, 1))
        self._around.events.restored(self.device.name, now, down_s)

    async def _remember(self) -> None:
        """Take the next portion of what the device remembers; what fails is told once and not asked for again.

        Cut short by a silence, the whole is asked for after the next outage: a sample that comes twice is one.
        """
        memories = self._memories
        assert memories is not None  # noqa: S101 - the caller's condition
        try:
            limit_s = HANG_FLOOR_S + 2 * self.device.timeout_s
            async with self.turns.own, self._around.guard.within(limit_s, "reading history"):
                portion = await anext(memories)
            await self.recorder.remembered(portion)
        except StopAsyncIteration:
            self._memories, self._missing_since = None, 0
        except DeviceUnreachableError as error:
            self._memories = None
            log.warning("history of an outage is read after the next", device=self.device.name, reason=str(error))
        except Exception as error:  # noqa: BLE001 - a memory that fails must not cost the values of now
            self._memories, self._missing_since = None, 0
            reason = str(error) or type(error).__name__
            log.warning("history of an outage not read", device=self.device.name, reason=reason)

    async def _lose_and_wait(self, reason: str, wait_s: float) -> None:
        now = self._clock.now()
        self._missing_since = self._missing_since or self.recorder.good_at
        if self.online is not False:
            self.online = False
            self._lost_at_s = self._clock.monotonic()
            self.figures.losses += 1
            log.warning("device lost", device=self.device.name, reason=reason)
            self._around.events.lost(self.device.name, reason, now)
            self.gaps.begin(GapCause.DEVICE_DOWN, now)
            await self.recorder.none(Quality.BAD_DEVICE_LOST, again=True)
        self._failures += 1
        waited_from_s = self._clock.monotonic()
        await self.recorder.none(Quality.BAD_DEVICE_LOST, again=False)
        self.gaps.remind(now)
        await self._clock.sleep(wait_s - (self._clock.monotonic() - waited_from_s))

    async def _close(self) -> None:
        self.turns.withdraw()
        if self._driver is None:
            return
        try:
            # By real time: this runs while everything stops, too, when nobody watches the guard any more.
            async with asyncio.timeout(CLOSE_LIMIT_S), self.turns.own:
                await self._driver.close()
        except Exception:
            if self.online is not False:
                log.exception("driver failed to close", device=self.device.name)
            self._driver = None
        finally:
            await self._listener.end()
