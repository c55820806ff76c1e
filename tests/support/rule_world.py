"""Both logs, a clock and a small plant; the rules engine in between lives and dies as a test wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.support.manual_clock import ManualClock
from tests.support.rule_trial import START_US, UNIT, point, rule, site_of
from tests.support.until import until

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.domain.alarm_stream import ALARM_STREAMS
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.rules.binding import Binding, bind
from cityhall_bms.rules.model import Rule
from cityhall_bms.rules.runner import RulesRunner

HOT = rule(id="HOT", each=["T"], condition="POINT > 30 °C", deadband="2 K", on_delay_s=5, off_delay_s=2)
TRIP = rule(
    id="TRIP", each=["Trip"], condition="POINT == 1", priority=2, latching=True,
    text_zh="{equipment} 跳脫", text_en="{equipment} tripped at {value}",
)  # fmt: skip
SLOW = rule(id="SLOW", each=["T"], condition="POINT < 0 °C", on_delay_s=1800, when="for(Trip == 0, 60 s)")
LOST = rule(id="LOST", kind="device")
RULES = (HOT, TRIP, SLOW, LOST)
ROLES = {"T": "°C", "Trip": ""}
"""Units of the two points."""


@dataclass
class World:
    """One unit with a temperature and a trip contact, and everything around the engine."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(START_US))
    events: EventLog = None  # type: ignore[assignment]  # in memory, unless a test brings its own
    suppression: Suppression = field(default_factory=Suppression)

    def __post_init__(self) -> None:
        self.telemetry = MemoryTelemetryLog(self.clock)
        self.events = self.events or MemoryEventLog(self.clock)
        self.view = MemoryAlarmView(self.events)
        self.desk = AlarmDesk(self.view, self.events, self.clock)
        self.sequence = 0

    def bind(self, rules: Sequence[Rule]) -> Binding:
        points = [point(UNIT, role, unit=unit) for role, unit in ROLES.items()]
        site = site_of({UNIT: "Unit"}, points)
        return bind(rules, site, {item.name: number for number, item in enumerate(points, start=1)})

    def runner(self, rules: Sequence[Rule] = RULES, events: EventLog | None = None) -> RulesRunner:
        log = events or self.events
        return RulesRunner(self.bind(rules), self.suppression, self.telemetry, log, self.view, self.clock)

    async def publish(self, after_s: float, value: float, trip: float | None = 0.0, quality: int = 0) -> None:
        """One scan of both points; of the first alone without ``trip``."""
        at = START_US + round(after_s * 1e6)
        count = 1 if trip is None else 2
        scan = Readings(
            np.array([1, 2], np.uint32)[:count],
            np.full(count, at),
            np.array([value, trip or 0.0])[:count],
            np.full(count, quality, np.uint8),
        )
        self.sequence += 1
        await self.telemetry.publish(SampleBatch.gather("c", 1, self.sequence, at, [scan]))

    async def alarm_events(self) -> list[StoredEvent]:
        return await self.events.read(0, 10_000, ALARM_STREAMS)

    async def told(self) -> list[str]:
        return [f"{entry.stream.removeprefix(ALARM_STREAMS)} {entry.type}" for entry in await self.alarm_events()]

    @contextlib.asynccontextmanager
    async def running(self, runner: RulesRunner) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(runner.run())
            yield
            task.cancel()

    async def catch_up(self, runner: RulesRunner) -> None:
        """Run until everything published so far is dealt with."""
        end = await self.telemetry.end()
        async with self.running(runner):
            await until(lambda: runner.position == end)
            await self.clock.advance(0.0)
