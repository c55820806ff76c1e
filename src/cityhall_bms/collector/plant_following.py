"""The plant as the commands' checks see it: what this collector publishes, and what history knows of before."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import structlog

from cityhall_bms.collector.collector import Collector
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.commanding.arbitration import is_same
from cityhall_bms.domain.commanding.plant import PlantWatch, Present
from cityhall_bms.domain.commanding.policy import CommandPolicy
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.domain.quality import UNCERTAIN_FROM
from cityhall_bms.domain.site import Point, Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import HistoryStore, Window

SAMPLES_MAX: Final = 20_000
"""Of one point in the time that minimum times look back; more are not asked for, and it counts as unknown."""
RETRY_S: Final = 5.0

log = structlog.get_logger(__name__)


class PlantFollower:
    """Follows one collector from its first batch on."""

    def __init__(self, collector: Collector, history: HistoryStore | None, clock: Clock) -> None:
        self._collector = collector
        self._history = history
        self._clock = clock
        self._begun = clock.now()
        self._site = collector.site
        self._started = False
        self._watch = self._new_watch()
        collector.publisher.watch = self._take

    def _take(self, batch: SampleBatch) -> None:
        self._begin()
        self.plant.take(batch)

    def _begin(self) -> None:
        """Count from the first batch on: a collector that stood by for hours has seen nothing of them."""
        if not self._started:
            self._started, self._begun = True, self._clock.now()
            self._watch = self._new_watch()

    def _new_watch(self) -> PlantWatch:
        site, ids = self._site, self._collector.ids
        return PlantWatch(ids, _scans(site, ids), _states(site), self._begun)

    @property
    def plant(self) -> PlantWatch:
        """Present values, for the site as it is described now."""
        if self._collector.site is not self._site:
            self._site = self._collector.site
            self._watch = self._watch.renewed(self._collector.ids, _states(self._site), self._clock.now())
        return self._watch

    def present(self, point: str, now: int) -> Present:
        """A point as it was published last (:class:`~cityhall_bms.domain.commanding.plant.Plant`)."""
        return self.plant.present(point, now)

    def value_of(self, point: str) -> float | None:
        """Good value of a point; none where nobody can be sure of it."""
        present = self.present(point, self._clock.now())
        return present.value if present.sure else None

    def departed(self, point: Point, value: float | None, since: int) -> bool:
        """Whether a good value of a point that is newer than ``since`` (µs UTC) is another one."""
        present = self.present(point.name, self._clock.now())
        if value is None or not present.sure or present.at is None or present.at <= since:
            return False
        return not is_same(present.value, value, point.encoding.scale)

    async def run(self) -> None:
        """Learn once from history since when machines have run or stood; until then only what was seen counts."""
        self._begin()
        if self._history is None:
            return
        begin = self._begun - round((_longest_s(self._site.commanding) + 60.0) * 1e6)
        since: dict[int, int] = {}
        for number in self._watch.watched:
            found = await self._since(self._history, number, begin)
            if found is not None:
                since[number] = found
            self._watch.remember(since)

    async def _since(self, history: HistoryStore, number: int, begin: int) -> int | None:
        """Begin of the state in which a point stood when this process began; none where history does not know."""
        while True:
            try:
                series = await history.samples(number, Window(begin, self._begun), SAMPLES_MAX)
                break
            except HistoryUnavailableError as error:
                log.debug("history of running machines is read later", reason=str(error))
                await self._clock.sleep(RETRY_S)
        good = (series.quality < UNCERTAIN_FROM) & np.isfinite(series.value)
        value, at = series.value[good], series.at[good]
        if not len(value) or len(series.value) >= SAMPLES_MAX:
            return None
        changes = np.flatnonzero(value[1:] != value[:-1])
        return int(at[changes[-1] + 1]) if len(changes) else int(at[0])


def _scans(site: Site, ids: Mapping[str, int]) -> dict[int, float]:
    return {ids[point.name]: point.scan_s for point in site.points.values()}


def _states(site: Site) -> list[str]:
    """Points whose standing is timed: proofs of minimum times, and the machines that others must outlast."""
    policy = site.commanding
    proofs = {
        f"{site.points[name].equipment}.{minimum.proof}"
        for minimum in policy.minimum_times
        for name, point in site.points.items()
        if minimum.bound.means(name, point.role, site.equipment[point.equipment].brick_class)
    }
    served = {
        f"{item.name}.{interlock.remain.role}"
        for interlock in policy.interlocks
        if interlock.remain is not None
        for item in site.equipment.values()
        if item.brick_class in interlock.remain.classes
    }
    return sorted((proofs | served) & site.points.keys())


def _longest_s(policy: CommandPolicy) -> float:
    minimums = [max(minimum.on_s, minimum.off_s) for minimum in policy.minimum_times]
    remains = [interlock.remain.after_s for interlock in policy.interlocks if interlock.remain is not None]
    return max([*minimums, *remains], default=0.0)
