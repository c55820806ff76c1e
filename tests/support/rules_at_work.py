"""The shipped rules over simulated hours: what the city shows, graded as the collector grades it, through the engine."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from tests.support.rule_campaign import Heard, building, site

from cityhall_bms.collector.grading_behaviour import Behaviour
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.rules.binding import Binding, bind
from cityhall_bms.rules.engine import Answer, Change, Columns, Engine
from cityhall_bms.rules.files import library
from cityhall_bms.rules.model import Rule
from cityhall_simulators.runtime import City

TAIPEI = ZoneInfo("Asia/Taipei")
STEP_S = 30.0


class RulesAtWork:
    """A city whose every scan goes through the grading and the rules. Time passes in steps.

    What is ``heard`` has the seconds since the faults began; -1 before.
    """

    def __init__(
        self,
        start: datetime,
        rules: Sequence[Rule] | None = None,
        seed: int = 5,
        step_s: float = STEP_S,
        graded: bool = True,
    ) -> None:
        self.city = City(building(), seed, start)
        points = building().points
        ids = {point.name: point.index + 1 for point in points}
        self.binding: Binding = bind(library() if rules is None else rules, site(), ids)
        self.heard: list[Heard] = []
        self._engine = Engine(self.binding, counted_max_s=max(10.0, step_s))
        self.state = self._engine.start()
        self._behaviour = Behaviour(site(), ids, self._now_us)
        self._points = np.arange(1, len(points) + 1, dtype=np.uint32)
        self._seen = Columns(
            np.zeros(len(points)),
            np.full(len(points), Quality.BAD_NO_DATA, np.uint8),
            np.zeros(len(points), np.int64),
        )
        self._step_s, self._graded = step_s, graded
        self._struck_us: int | None = None

    @property
    def _now_us(self) -> int:
        return int(self.city.local.timestamp() * 1e6)

    def strike(self, faults: Iterable[tuple[str, str]]) -> None:
        """Let faults begin now; each with the short name of what it strikes."""
        self._struck_us = self._now_us
        for name, target in faults:
            self.city.fault_on(name, target, self.city.local.isoformat())

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / self._step_s)):
            self.city.advance(self.city.local + timedelta(seconds=self._step_s), self._step_s)
            self._scan()
            self._tick()

    def _scan(self) -> None:
        """Read and grade everything that answers."""
        shown, now = self.city.shown, self._now_us
        quality = np.where(self.city.bad, Quality.BAD_DEVICE_FAULT, Quality.GOOD).astype(np.uint8)
        readings = Readings(self._points, np.full(len(shown), now, np.int64), shown, quality)
        judged = self._behaviour.judge(readings, now) if self._graded else readings
        mute = self.city.unheard
        self._seen = Columns(
            np.where(mute, self._seen.value, judged.value),
            np.where(mute, Quality.BAD_DEVICE_LOST, judged.quality).astype(np.uint8),
            np.where(mute, self._seen.observed_at, now),
        )

    def _tick(self) -> None:
        watched = self.binding.point_ids - 1
        columns = Columns(self._seen.value[watched], self._seen.quality[watched], self._seen.observed_at[watched])
        step = self._engine.step(self.state, self._now_us, columns)
        assert not step.failures, step.failures
        self.state = step.state
        since_s = -1.0 if self._struck_us is None else (self._now_us - self._struck_us) / 1e6
        for item in step.proposals:
            unit = item.subject.equipment.rsplit(".", 1)[-1] or item.subject.name
            self.heard.append(Heard(since_s, item.rule.id, unit, item.kind, item.priority))

    def raised(self) -> list[Heard]:
        """Alarms that began."""
        return [heard for heard in self.heard if heard.kind is Change.RAISED]

    def answers(self, rule: str) -> dict[str, Answer]:
        """What a rule says now, by the short name of the equipment."""
        (bound,) = [item for item in self.binding.rules if item.rule.id == rule]
        answers: NDArray[np.int64] = self.state.answer[bound.rows]
        names = [subject.equipment.rsplit(".", 1)[-1] for subject in bound.subjects]
        return {name: Answer(int(answer)) for name, answer in zip(names, answers, strict=True)}
