"""Rings while a target of this year will be missed, whichever way the rest of the year goes."""

from collections.abc import Sequence
from typing import Final

import structlog

from cityhall_bms.domain.alarms import Alarm, AlarmEvent, AlarmRaised, AlarmReturned, alarm_id, stream_of
from cityhall_bms.domain.energy.saving_targets import EnergyTarget, Outlook, Progress, TargetKind
from cityhall_bms.domain.errors import (
    ConcurrencyError,
    EventLogUnavailableError,
    HistoryUnavailableError,
    RefusedError,
)
from cityhall_bms.domain.roc import roc_year
from cityhall_bms.energy.comparing import Comparer
from cityhall_bms.energy.target_watch import TargetWatch
from cityhall_bms.ports.alarm_log import caught_up
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

ACTOR: Final = "energy"
RULE: Final = "ENERGY-TARGET"
PERIOD_S: Final = 3_600.0
"""What a forecast rests on changes once a month; late data and corrections change it at any time."""

log = structlog.get_logger(__name__)


class TargetKeeper:
    """Looks at every target once an hour. What rang before follows from the log: it keeps nothing of its own."""

    def __init__(
        self, targets: Sequence[EnergyTarget], comparer: Comparer, watch: TargetWatch, events: EventLog, clock: Clock
    ) -> None:
        self._targets = targets
        self._comparer = comparer
        self._watch = watch
        self._events = events
        self._clock = clock

    async def run(self) -> None:
        """Keep without end; an outage delays what is due until the next look, and is told once."""
        away = False
        while True:
            try:
                await self.look()
            except (EventLogUnavailableError, HistoryUnavailableError) as error:
                if not away:
                    log.warning("energy targets wait", reason=str(error))
                away = True
            else:
                away = False
            await self._clock.sleep(PERIOD_S)

    async def look(self) -> None:
        """Ring for targets that will be missed, and end what rings no more; a year that is over rings no more."""
        for target in self._targets:
            try:
                await self._look_at(target)
            except (RefusedError, ConcurrencyError) as error:
                # Of this target nothing can be said now, or an operator acted on its alarm meanwhile.
                log.info("energy target left alone", target=target.name, reason=str(error))

    async def _look_at(self, target: EnergyTarget) -> None:
        alarm = await caught_up(self._events, Alarm(alarm_id(RULE, target.name)))
        missed: Progress | None = None
        if target.year == self._comparer.today().year:
            progress = await self._watch.progress(target)
            missed = progress if progress.outlook is Outlook.MISSED else None
        now = self._clock.now()
        event: AlarmEvent | None = None
        if missed is not None and not alarm.active:
            event = _raised(missed, alarm, now)
        elif missed is None and alarm.active:
            event = AlarmReturned(observed_at=now)
        if event is not None:
            await self._events.append([Append(stream_of(alarm.alarm_id), [event], ACTOR, alarm.version)])


def _raised(progress: Progress, alarm: Alarm, at: int) -> AlarmRaised:
    target, seen = progress.target, progress.forecast
    at_least = target.kind is TargetKind.AT_LEAST
    bound = seen.high if at_least else seen.low
    assert bound is not None  # noqa: S101 - a miss is told of a forecast with an interval
    assert progress.limit is not None  # noqa: S101 - and of a target that is known
    unit, year = target.commodity.unit, roc_year(target.year)
    zh, en = target.text_zh or target.name, target.text_en or target.name
    than_zh, than_en = ("至多", "at most") if at_least else ("至少", "at least")
    foreseen, limit = f"{bound:,.0f} {unit}", f"{progress.limit:,.0f} {unit}"
    return AlarmRaised(
        rule=RULE,
        rule_version=1,
        subject=target.name,
        equipment="",
        system="",
        priority=target.priority,
        text_zh=f"{zh}：{year} 年預估{than_zh} {foreseen}，目標 {limit}，將無法達成",
        text_en=f"{en}: ROC {year} will come to {than_en} {foreseen}, the target is {limit}: it will be missed",
        latching=False,
        occurrence=alarm.occurrence + 1,
        observed_at=at,
        value=round(bound, 1),
        limit=round(progress.limit, 1),
        unit=unit,
    )
