"""Rings while the telemetry log fills up, which happens when nothing has been stored for long.

The event log is most likely away just then. So the alarm sounds here at once (log line, figures, present values'
stream), and is recorded, with the times at which it began and ended, as soon as the event log takes it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from cityhall_bms.domain.alarms import Alarm, AlarmEvent, AlarmRaised, AlarmReturned, alarm_id, stream_of
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError, TelemetryLogUnavailableError
from cityhall_bms.ports.alarm_log import caught_up
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.telemetry_log import TelemetryLog

ACTOR: Final = "spool"
RULE: Final = "TELEMETRY-SPOOL"
LOOK_EVERY_S: Final = 5.0
RETRY_S: Final = 2.0
WAITING_MAX: Final = 1_000
"""Changes that wait for the event log; a spool that fills and empties needs hours for one."""

log = structlog.get_logger(__name__)

Decision = Callable[[Alarm], AlarmEvent | None]


@dataclass(frozen=True, slots=True)
class Stage:
    """One alarm: rings from a fill ratio on, and is over below another."""

    name: str
    priority: int
    rings_from: float
    over_below: float
    text_zh: str
    text_en: str


STAGES: Final = (
    Stage(
        "filling",
        2,
        0.80,
        0.70,
        "量測紀錄暫存區已用 {fill:.0f} %：資料庫可能已停止儲存，請立即檢查",
        "Telemetry spool {fill:.0f} % full: nothing seems to be stored, look after the database now",
    ),
    Stage(
        "full",
        1,
        0.97,
        0.90,
        "量測紀錄暫存區已滿：輪詢已減速，次要點位開始缺漏，請立即恢復資料庫或空出磁碟空間",
        "Telemetry spool full: polling slows down and minor points are being skipped; restore the database",
    ),
)


class SpoolKeeper:
    """Watches one telemetry log for the process that writes into it; ``subject`` names that in the alarm."""

    def __init__(self, subject: str, telemetry: TelemetryLog, events: EventLog, clock: Clock) -> None:
        self.fill = 0.0
        """Use of the log when it was last asked, 0..1."""
        self._subject = subject
        self._telemetry = telemetry
        self._events = events
        self._clock = clock
        self._ringing: set[Stage] = set()
        self._looked = False
        self._waiting: deque[tuple[str, Decision]] = deque(maxlen=WAITING_MAX)
        self._woken = asyncio.Event()

    @property
    def priority(self) -> int:
        """Priority of the alarm that sounds now; 0 = none."""
        return min((stage.priority for stage in self._ringing), default=0)

    @property
    def unrecorded(self) -> int:
        """Changes that the event log does not have yet."""
        return len(self._waiting)

    async def run(self) -> None:
        """Watch and record without end."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._record())

    async def _watch(self) -> None:
        while True:
            try:
                self.fill = await self._telemetry.fill_ratio()
            except TelemetryLogUnavailableError:
                pass  # whoever publishes meets the same outage and tells it
            else:
                for stage in STAGES:
                    self._compare(stage)
                self._looked = True
            await self._clock.sleep(LOOK_EVERY_S)

    def _compare(self, stage: Stage) -> None:
        now, fill = self._clock.now(), self.fill
        if stage not in self._ringing and fill >= stage.rings_from:
            self._ringing.add(stage)
            log.error("telemetry spool alarm", stage=stage.name, priority=stage.priority, fill=round(fill, 3))
            self._note(stage, lambda alarm: self._raised(alarm, stage, fill, now))
        elif fill < stage.over_below and (stage in self._ringing or not self._looked):
            # At the first look: an earlier life of this process may have left it ringing.
            if stage in self._ringing:
                log.info("telemetry spool alarm is over", stage=stage.name, fill=round(fill, 3))
            self._ringing.discard(stage)
            self._note(stage, lambda alarm: AlarmReturned(observed_at=now) if alarm.active else None)

    def _note(self, stage: Stage, decide: Decision) -> None:
        self._waiting.append((alarm_id(RULE, f"{self._subject}:{stage.name}"), decide))
        self._woken.set()

    def _raised(self, alarm: Alarm, stage: Stage, fill: float, at: int) -> AlarmEvent | None:
        if alarm.active:
            return None  # it rang when an earlier life of this process ended
        return AlarmRaised(
            rule=RULE,
            rule_version=1,
            subject=f"{self._subject}:{stage.name}",
            equipment="",
            system="",
            priority=stage.priority,
            text_zh=f"{self._subject}：{stage.text_zh.format(fill=100 * fill)}",
            text_en=f"{self._subject}: {stage.text_en.format(fill=100 * fill)}",
            latching=False,
            occurrence=alarm.occurrence + 1,
            observed_at=at,
            value=round(100 * fill, 1),
            limit=100 * stage.rings_from,
            unit="%",
        )

    async def _record(self) -> None:
        """Append what rang and what is over, in order, however long the event log is away."""
        while True:
            self._woken.clear()
            while self._waiting:
                try:
                    await self._append(*self._waiting[0])
                except EventLogUnavailableError:
                    await self._clock.sleep(RETRY_S)
                    continue
                except ConcurrencyError:
                    continue  # an operator acted on it meanwhile: decide again
                self._waiting.popleft()
            await self._woken.wait()

    async def _append(self, name: str, decide: Decision) -> None:
        alarm = await caught_up(self._events, Alarm(name))
        event = decide(alarm)
        if event is not None:
            await self._events.append([Append(stream_of(name), [event], ACTOR, alarm.version)])
