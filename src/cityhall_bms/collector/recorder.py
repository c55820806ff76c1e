"""What becomes of a device's readings: graded, judged, thinned by deadbands, recorded; missed polls accounted for."""

from collections.abc import Callable, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from cityhall_bms.collector.deadband import Deadband
from cityhall_bms.collector.gap_book import GapBook
from cityhall_bms.collector.grading import Limits, grade
from cityhall_bms.collector.grading_behaviour import Behaviour
from cityhall_bms.collector.hearing import Hearing
from cityhall_bms.collector.publisher import Publisher
from cityhall_bms.collector.pushed import PushedPoints
from cityhall_bms.domain.batch import RawRecord, Readings
from cityhall_bms.domain.quality import UNCERTAIN_FROM, Quality
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint

log = structlog.get_logger(__name__)


class Recorder:
    """The way of one device's readings to the publisher. ``good`` is called when a good value came."""

    def __init__(
        self,
        device: str,
        points: Sequence[BoundPoint],
        publisher: Publisher,
        behaviour: Behaviour,
        gaps: GapBook,
        clock: Clock,
    ) -> None:
        self.samples = 0
        self.pushes_refused = 0
        self.newest_at = 0
        """Newest time that any sample carries, µs UTC."""
        self.good_at = 0
        """When the newest good value came, µs UTC."""
        self.limits = Limits.of(points)
        self.pushed = PushedPoints(points)
        self.hearing = Hearing(points)
        self._device = device
        self._publisher = publisher
        self._behaviour = behaviour
        self._gaps = gaps
        self._clock = clock
        self._deadband = Deadband(points)
        self._shown = False
        self._when_good: Callable[[], None] = lambda: None

    def watch_good(self, when_good: Callable[[], None]) -> None:
        """Call ``when_good`` for every scan or push with a good value."""
        self._when_good = when_good

    def take(self, behaviour: Behaviour) -> None:
        """Go on with another memory, which knows what the one before knew."""
        self._behaviour = behaviour

    async def polled(self, readings: Readings, limits: Limits) -> None:
        """Record an answered scan; waits while the way to the log is full."""
        now = self._clock.now()
        raw = readings.raw
        readings = self._behaviour.judge(grade(readings, limits, now, polled=True), now)
        self._gaps.scanned(readings.point, readings.quality, now)
        self.hearing.read(readings.point, readings.value)
        if raw:
            self._publisher.keep(RawRecord(self._device, int(readings.observed_at[0]), raw))
        for part in self._deadband.news(readings):
            await self._publisher.put(part)
            self._took(part)
        # At the end: time that was spent waiting for room is not the device's.
        self._note_good(readings, now)

    def push(self, readings: Readings) -> None:
        """Take pushed values, of a point also several in their order; never raises into the driver's library."""
        for part in _once_each(readings):
            self._push(part)

    def _push(self, readings: Readings) -> None:
        now = self._clock.now()
        try:
            limits = self.limits.pick(readings.point)
            graded = self._behaviour.judge(grade(readings, limits, now, polled=False), now)
        except ValueError as error:
            if not self.pushes_refused:
                log.warning("driver pushed what it must not", device=self._device, reason=str(error))
            self.pushes_refused += len(readings)
            return
        self._gaps.scanned(graded.point, graded.quality, now)
        self.hearing.told(graded.point, graded.value, now)
        self._note_good(graded, now)
        fresh = graded.pick(~self.pushed.old_news(readings.point, readings.observed_at))
        for part in self._deadband.news(fresh) if len(fresh) else ():
            if not self._publisher.offer(part.pick(np.ones(len(part), np.bool_))):
                # Not noted as heard: the safety net reads these points as soon as there is room.
                self.pushes_refused += len(part)
                self._gaps.turned_away(len(part), now)
                return
            self._gaps.taken(now)
            self._took(part)
        self.pushed.heard(graded.point, now)

    async def remembered(self, readings: Readings) -> None:
        """Record what the device remembered of a time in which nobody heard it."""
        limits = self.limits.pick(readings.point)
        graded = grade(readings, limits, self._clock.now(), polled=False)
        await self._publisher.put(graded.pick(np.ones(len(graded), np.bool_)))
        self.samples += len(graded)

    async def none(self, quality: Quality, *, again: bool) -> None:
        """One scan that says of every point why there is no value; unless ``again``, only if one showed a value."""
        if not again and not self._shown:
            return
        points = self.limits.point
        # After every value shown, also those of a device whose clock is ahead: a late scan would change nothing.
        at = max(self._clock.now(), self.newest_at + 1)
        count = len(points)
        scan = Readings(points, np.full(count, at, np.int64), np.full(count, np.nan), np.full(count, quality, np.uint8))
        await self._publisher.put(scan)
        self._deadband.recorded(scan)
        self._shown = False

    def _note_good(self, readings: Readings, now: int) -> None:
        if len(readings) and int(readings.quality.min()) < UNCERTAIN_FROM:
            self.good_at = now
            self._when_good()

    def _took(self, part: Readings) -> None:
        self._deadband.recorded(part)
        self._shown = True
        self.newest_at = max(self.newest_at, int(part.observed_at.max()))
        self.samples += len(part)


def _once_each(readings: Readings) -> list[Readings]:
    """The same readings in portions that hold no point twice: what is judged by the value before needs that value."""
    order = np.argsort(readings.point, kind="stable")
    ordered = readings.point[order]
    if not (ordered[1:] == ordered[:-1]).any():
        return [readings]
    turn = np.empty(len(order), np.intp)
    turn[order] = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return [readings.pick(turn == number) for number in range(int(turn.max()) + 1)]


def same_points(readings: Readings, planned: NDArray[np.uint32]) -> bool:
    """Whether readings are of the points that were planned, in their order."""
    return readings.point is planned or np.array_equal(readings.point, planned)
