"""The alarm of a telemetry log that fills up, on an event log that is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.alarms.spool_keeper import SpoolKeeper

START = ManualClock().now()


class Spool:
    """A log of which a test sets how full it is."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.telemetry = MemoryTelemetryLog(self.clock)
        self.events = MemoryEventLog(self.clock)
        self.keeper = self.make()

    def make(self) -> SpoolKeeper:
        return SpoolKeeper("collector-1", self.telemetry, self.events, self.clock)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.keeper.run())
            await self.clock.advance(1)
            yield
            running.cancel()

    async def fills(self, ratio: float) -> None:
        self.telemetry.fill = ratio
        await self.clock.advance(6)

    async def recorded(self) -> list[tuple[str, str, int | None]]:
        """(type, stage, priority) of every event."""
        entries = await self.events.read(0, 100, "alarm/")
        return [(e.type, e.stream.rpartition(":")[2], e.payload.get("priority")) for e in entries]


async def test_pain_18_it_rings_before_the_log_is_full_and_again_when_it_is() -> None:
    spool = Spool()
    async with spool.watched():
        for ratio, priority in ((0.79, 0), (0.81, 2), (0.96, 2), (0.98, 1), (0.95, 1), (0.89, 2), (0.71, 2), (0.69, 0)):
            await spool.fills(ratio)
            assert spool.keeper.priority == priority, ratio
    assert await spool.recorded() == [
        ("AlarmRaised", "filling", 2),
        ("AlarmRaised", "full", 1),
        ("AlarmReturned", "full", None),
        ("AlarmReturned", "filling", None),
    ]


async def test_pain_18_what_rang_while_the_event_log_was_away_is_recorded_with_its_own_times() -> None:
    spool = Spool()
    spool.events.available = False
    async with spool.watched():
        await spool.fills(0.99)
        assert spool.keeper.priority == 1
        assert spool.keeper.unrecorded > 0
        await spool.clock.advance(3600)
        await spool.fills(0.1)
        assert spool.keeper.priority == 0
        spool.events.available = True
        await spool.clock.advance(10)
    assert [kind for kind, _, _ in await spool.recorded()] == ["AlarmRaised"] * 2 + ["AlarmReturned"] * 2
    entries = await spool.events.read(0, 100, "alarm/")
    at_s = [(entry.payload["observed_at"] - START) / 1e6 for entry in entries]
    assert at_s[0] == at_s[1] <= 10
    assert at_s[2] == at_s[3] >= 3600


async def test_an_alarm_that_an_earlier_life_left_ringing_returns_or_goes_on_but_never_rings_twice() -> None:
    spool = Spool()
    async with spool.watched():
        await spool.fills(0.85)
    spool.keeper = spool.make()
    async with spool.watched():
        await spool.fills(0.85)
    assert await spool.recorded() == [("AlarmRaised", "filling", 2)]
    spool.telemetry.fill = 0.1
    spool.keeper = spool.make()
    async with spool.watched():
        await spool.clock.advance(1)
    assert await spool.recorded() == [("AlarmRaised", "filling", 2), ("AlarmReturned", "filling", None)]
