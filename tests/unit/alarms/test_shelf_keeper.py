"""Shelved alarms come back by themselves: pain 31 of the field."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.support.alarm_events import RAISED_US, of_alarm, raised
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.shelf_keeper import ShelfKeeper
from cityhall_bms.domain.alarms import Alarm, stream_of

SUBJECT = "TCH.05F.W.AHU01.SAT"
ALARM = f"hi~{SUBJECT}"


class View(MemoryAlarmView):
    """``held`` shows an older state of the alarm, as a projection that lags does."""

    held: Alarm | None = None

    async def shelves_due(self, now: int) -> list[Alarm]:
        if self.held is None:
            return await super().shelves_due(now)
        return [self.held] if self.held.shelved_until is not None and self.held.shelved_until <= now else []


class Kept:
    """One alarm on a shelf for ten minutes, and its keeper."""

    def __init__(self) -> None:
        self.clock = ManualClock(RAISED_US)
        self.events = MemoryEventLog(self.clock)
        self.view = View(self.events)
        self.desk = AlarmDesk(self.view, self.events, self.clock)
        self.keeper = ShelfKeeper(self.view, self.desk, self.clock)

    async def shelve(self) -> None:
        await self.events.append([of_alarm(SUBJECT, raised())])
        until = self.clock.now() + 600_000_000
        await self.desk.shelve(ALARM, by="王小明", until=until, reason="濾網更換中")

    async def types(self) -> list[str]:
        return [entry.type for entry in await self.events.read(stream=stream_of(ALARM))]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.keeper.run())
            yield
            task.cancel()


async def test_a_shelved_alarm_comes_back_when_its_time_is_over_and_not_before() -> None:
    kept = Kept()
    await kept.shelve()
    async with kept.running():
        await kept.clock.advance(599.0)
        assert await kept.types() == ["AlarmRaised", "AlarmShelved"]
        await kept.clock.advance(2.0)
        assert await kept.types() == ["AlarmRaised", "AlarmShelved", "AlarmUnshelved"]
        await kept.clock.advance(3600.0)
    entries = await kept.events.read(stream=stream_of(ALARM))
    assert len(entries) == 3
    assert entries[-1].actor == "system"


async def test_two_keepers_bring_an_alarm_back_once() -> None:
    kept = Kept()
    await kept.shelve()
    await kept.clock.advance(601.0)
    other = ShelfKeeper(kept.view, kept.desk, kept.clock)
    await asyncio.gather(kept.keeper.unshelve_due(), other.unshelve_due())
    assert (await kept.types()).count("AlarmUnshelved") == 1


async def test_a_shelf_that_was_renewed_is_kept_though_the_view_still_shows_the_old_one() -> None:
    kept = Kept()
    await kept.shelve()
    kept.view.held = await kept.view.get(ALARM)
    await kept.clock.advance(601.0)
    await kept.desk.unshelve(ALARM, by="王小明")
    until = kept.clock.now() + 600_000_000
    await kept.desk.shelve(ALARM, by="王小明", until=until, reason="還在更換")
    await kept.keeper.unshelve_due()
    assert (await kept.types()).count("AlarmUnshelved") == 1


async def test_an_outage_of_the_event_log_delays_the_end_of_a_shelf_and_loses_none() -> None:
    kept = Kept()
    await kept.shelve()
    async with kept.running():
        kept.events.available = False
        await kept.clock.advance(700.0)
        kept.events.available = True
        await kept.clock.advance(2.0)
    assert (await kept.types())[-1] == "AlarmUnshelved"
