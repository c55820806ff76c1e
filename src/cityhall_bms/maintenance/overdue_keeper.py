"""Notes when plans begin, and rings while work of a plan is overdue: one alarm a plan, however many units wait."""

from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from cityhall_bms.domain.alarms import Alarm, AlarmEvent, AlarmRaised, AlarmReturned, alarm_id, stream_of
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError, HistoryUnavailableError
from cityhall_bms.domain.maintenance.plans import PlanBegan, Task, TaskState, overdue, plan_stream
from cityhall_bms.domain.site import Site
from cityhall_bms.maintenance.planning import names_of
from cityhall_bms.ports.alarm_log import caught_up
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.maintenance import Planning

ACTOR: Final = "maintenance"
RULE: Final = "PM-OVERDUE"
PRIORITY: Final = 4
PERIOD_S: Final = 60.0
"""Days end at midnight and work is done at any time: soon enough for what waits for weeks."""

log = structlog.get_logger(__name__)


class OverdueKeeper:
    """Looks at every plan once a minute; what rang before follows from the log."""

    def __init__(self, site: Site, planning: Planning, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._book = site.maintenance
        self._planning = planning
        self._events = events
        self._clock = clock

    async def run(self) -> None:
        """Keep without end; an outage delays what is due, and is told once."""
        away = False
        while True:
            try:
                await self.look()
            except (EventLogUnavailableError, HistoryUnavailableError) as error:
                if not away:
                    log.warning("maintenance plans wait", reason=str(error))
                away = True
            else:
                away = False
            await self._clock.sleep(PERIOD_S)

    async def look(self) -> None:
        """Note new plans, ring for what is overdue, and end what is not any more."""
        await self._note_new(await self._planning.begun())
        tasks = [*await self._planning.tasks(), *await self._planning.fire_tests()]
        texts = {plan.name: (plan.text_zh, plan.text_en) for plan in self._book.plans}
        texts |= {test.name: (test.text_zh, test.text_en) for test in self._book.fire_tests}
        for name, text in texts.items():
            try:
                await self._look_at(name, text, [task for task in tasks if task.plan == name])
            except ConcurrencyError as error:
                log.info("a plan is left alone", plan=name, reason=str(error))

    async def _note_new(self, begun: Mapping[str, int]) -> None:
        fresh = [name for name in names_of(self._book) if name not in begun]
        appends = [Append(plan_stream(name), [PlanBegan(name, self._clock.now())], ACTOR, 0) for name in fresh]
        if appends:
            await self._events.append(appends)

    async def _look_at(self, plan: str, text: tuple[str, str], tasks: Sequence[Task]) -> None:
        alarm, late = await caught_up(self._events, Alarm(alarm_id(RULE, plan))), overdue(tasks)
        unknown = any(task.state is TaskState.UNKNOWN for task in tasks)
        event: AlarmEvent | None = None
        if late and not alarm.active:
            event = self._raised(plan, text, late, alarm)
        elif alarm.active and not late and not unknown:
            # On hours that nobody knows nothing is decided: what rings goes on ringing.
            event = AlarmReturned(observed_at=self._clock.now())
        if event is not None:
            await self._events.append([Append(stream_of(alarm.alarm_id), [event], ACTOR, alarm.version)])

    def _raised(self, plan: str, text: tuple[str, str], late: Sequence[Task], alarm: Alarm) -> AlarmRaised:
        [first, *others] = late
        which = first.equipment or plan
        # Of several units none is the one that it is about.
        unit = None if others else self._site.equipment.get(first.equipment)
        more_zh, more_en = (f" 等 {len(late)} 項", f" and {len(others)} more") if others else ("", "")
        return AlarmRaised(
            rule=RULE,
            rule_version=1,
            subject=plan,
            equipment="" if unit is None else unit.name,
            system="" if unit is None else unit.system.value,
            priority=PRIORITY,
            text_zh=f"保養逾期：{text[0]}（{which}{more_zh}）",
            text_en=f"Maintenance overdue: {text[1]} ({which}{more_en})",
            latching=False,
            occurrence=alarm.occurrence + 1,
            observed_at=self._clock.now(),
            value=float(len(late)),
        )
