"""Events about devices, on their way to the event log."""

import asyncio
from random import Random

import pytest
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.collector.device_events import DeviceEvents


async def test_events_wait_out_an_outage_and_arrive_once_and_in_order() -> None:
    clock = ManualClock()
    log = MemoryEventLog(clock)
    events = DeviceEvents("c1", log, clock, Random(1))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(events.run())
        events.started(7)
        await clock.advance(1)
        log.available = False
        for number in range(1200):
            events.lost(f"D{number}", "no answer", number)
        await clock.advance(3600)
        assert events.waiting == 1200
        log.available = True
        await clock.advance(60)
        running.cancel()
    stored = await log.read(0, 10_000)
    assert [(item.type, item.stream, item.actor) for item in stored[:2]] == [
        ("CollectorStarted", "collector/c1", "collector/c1"),
        ("DeviceLost", "device/D0", "collector/c1"),
    ]
    assert [item.payload["device"] for item in stored[1:]] == [f"D{number}" for number in range(1200)]
    assert (events.waiting, events.appended, events.dropped) == (0, 1201, 0)


async def test_too_many_waiting_events_drop_the_oldest_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityhall_bms.collector.device_events.WAITING_EVENTS_MAX", 100)
    clock = ManualClock()
    log = MemoryEventLog(clock)
    log.available = False
    events = DeviceEvents("c1", log, clock, Random(1))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(events.run())
        for number in range(60):
            events.lost("D", "no answer", number)
        await clock.advance(1)
        for number in range(60, 250):
            events.lost("D", "no answer", number)
        log.available = True
        await clock.advance(60)
        running.cancel()
    kept = [item.payload["observed_at"] for item in await log.read(0, 1000)]
    assert events.dropped == 150
    assert kept[-100:] == list(range(150, 250))
    assert kept == sorted(set(kept))


async def test_a_reason_that_no_event_can_hold_does_not_end_the_collector() -> None:
    clock = ManualClock()
    log = MemoryEventLog(clock)
    events = DeviceEvents("c1", log, clock, Random(1))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(events.run())
        events.lost("D", "nonsense \x00\ud800 " + 10_000 * "x", 7)
        await clock.advance(1)
        running.cancel()
    (entry,) = await log.read()
    assert entry.payload["reason"].startswith("nonsense ? xxx")
    assert len(entry.payload["reason"]) < 600
