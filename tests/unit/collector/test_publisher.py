"""From readings to confirmed batches."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import numpy as np
import pytest
from tests.support.batches import batch, readings
from tests.support.manual_clock import ManualClock
from tests.support.rig import assert_gap_free

from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.collector.publisher import BATCH_SAMPLES_MAX, SILENT_S, Publisher
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.errors import LeaseLostError, TelemetryLogUnavailableError


class ForgetfulLog(MemoryTelemetryLog):
    """Takes every batch, and loses every other confirmation."""

    calls = 0

    async def publish(self, batch: SampleBatch) -> None:
        await super().publish(batch)
        self.calls += 1
        if self.calls % 2:
            msg = "the confirmation was lost"
            raise TelemetryLogUnavailableError(msg)


@asynccontextmanager
async def running(publisher: Publisher) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(publisher.run())
        try:
            yield
        finally:
            task.cancel()


def make(clock: ManualClock, log: MemoryTelemetryLog, **options: object) -> Publisher:
    return Publisher("c1", log, clock, Random(1), **options)  # type: ignore[arg-type]


async def test_readings_of_a_tick_become_one_batch() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    publisher = make(clock, log)
    async with running(publisher):
        await clock.advance(0.2)
        for device in range(3):
            await publisher.put(readings(1 + 10 * device, 10, clock.now()))
        await clock.advance(0.4)
    with_samples = [batch for batch in log.batches() if len(batch)]
    assert [batch.point.tolist() for batch in with_samples] == [list(range(1, 31))]
    assert len(with_samples[0].scan_set) == 3


async def test_an_idle_tick_publishes_an_empty_batch_so_that_time_goes_on() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    start = clock.now()
    async with running(make(clock, log)):
        await clock.advance(2.2)
    assert [(batch.recorded_at - start) / 1e6 for batch in log.batches()] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert_gap_free(log.batches())


async def test_batches_carry_source_epoch_and_the_time_of_publishing() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    async with running(make(clock, log)):
        await clock.advance(0.1)
    (batch,) = log.batches()
    assert (batch.source, batch.epoch, batch.recorded_at) == ("c1", 1_782_864_000_000_000, 1_782_864_000_000_000)


async def test_nothing_is_lost_doubled_or_out_of_order_while_the_log_comes_and_goes() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    publisher = make(clock, log)
    random = Random(5)
    async with running(publisher):
        for number in range(2000):
            log.available = random.random() < 0.5
            await publisher.put(readings(1, 1, number + 1, float(number)))
            await clock.advance(random.choice([0.0, 0.1, 0.7]))
        log.available = True
        await clock.advance(10)
    batches = log.batches()
    assert np.concatenate([batch.value for batch in batches]).tolist() == list(range(2000))
    assert_gap_free(batches)
    assert publisher.log_failures > 100
    assert (publisher.samples, publisher.waiting) == (2000, 0)


async def test_a_lost_confirmation_doubles_nothing() -> None:
    clock = ManualClock()
    log = ForgetfulLog(clock)
    publisher = make(clock, log)
    async with running(publisher):
        for number in range(100):
            await publisher.put(readings(1, 1, number + 1, float(number)))
            await clock.advance(0.5)
        await clock.advance(10)
    batches = log.batches()
    assert np.concatenate([batch.value for batch in batches]).tolist() == list(range(100))
    assert_gap_free(batches)


async def test_a_full_queue_makes_pollers_wait_until_there_is_room() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    publisher = make(clock, log, waiting_bytes_max=100_000)
    log.available = False
    put = 0

    async def poller() -> None:
        nonlocal put
        for number in range(500):
            await publisher.put(readings(1, 10, number + 1))
            put = number + 1

    async with running(publisher), asyncio.TaskGroup() as tasks:
        tasks.create_task(poller())
        await clock.advance(60)
        assert 100 < put < 200
        assert 1.0 <= publisher.queue_fill < 1.02
        assert publisher.put_waits == 1
        assert not publisher.offer(readings(1, 10, 1))
        log.available = True
        await clock.advance(30)
        assert put == 500
    assert sum(len(batch) for batch in log.batches()) == 5000
    assert publisher.queue_fill == 0


async def test_a_backlog_is_published_in_batches_of_bounded_size() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    publisher = make(clock, log)
    for device in range(30):
        await publisher.put(readings(1 + 5000 * device, 5000, 1))
    await publisher.put(readings(1, 2 * BATCH_SAMPLES_MAX + 7, 2))
    async with running(publisher):
        await clock.advance(0.1)
    batches = log.batches()
    assert max(len(batch) for batch in batches) == BATCH_SAMPLES_MAX
    assert sum(len(batch) for batch in batches) == 150_000 + 2 * BATCH_SAMPLES_MAX + 7
    # The message limit of a NATS server is a megabyte unless it was raised.
    assert max(len(batch.encode()) for batch in batches) < 1_000_000


async def test_stopping_publishes_what_waits() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    publisher = make(clock, log)
    async with running(publisher):
        await clock.advance(0.6)
        await publisher.put(readings(1, 10, clock.now()))
    assert sum(len(batch) for batch in log.batches()) == 10
    assert_gap_free(log.batches())


async def test_a_batch_that_was_on_its_way_when_stopping_is_not_skipped() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    publisher = make(clock, log)
    async with running(publisher):
        log.available = False
        await publisher.put(readings(1, 10, 1))
        await clock.advance(3)
        log.available = True
    assert sum(len(batch) for batch in log.batches()) == 10
    assert_gap_free(log.batches())


async def begin(publisher: Publisher, clock: ManualClock, passing_s: float = 30.0) -> None:
    """Let a collector begin, while so much time passes."""
    async with asyncio.TaskGroup() as tasks:
        beginning = tasks.create_task(publisher.begin())
        await clock.advance(passing_s)
        assert beginning.done()


async def test_an_epoch_is_the_start_and_later_than_any_before_though_the_clock_was_set_back() -> None:
    now = ManualClock()
    log = MemoryTelemetryLog(now)
    ahead = now.now() + 3_600_000_000
    for source, epoch in (("c1", 5), ("c2", 10**18), ("c1", ahead)):
        await log.publish(batch(0, source=source, epoch=epoch))
        publisher = Publisher("c1", log, now, Random(1))
        started = now.now() + round(SILENT_S * 1e6)
        await begin(publisher, now)
        assert publisher.epoch == (ahead + 1 if epoch == ahead else started)


async def test_the_end_of_the_life_before_is_that_of_its_newest_batch() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    async with running(make(clock, log)):
        await clock.advance(30)
    ended_at = log.batches()[-1].recorded_at
    await clock.advance(600)
    second = make(clock, log)
    await begin(second, clock)
    assert (second.ended_at, second.stood_by_s) == (ended_at, 0.0)


async def test_of_two_collectors_with_one_name_the_second_begins_seconds_after_the_first_vanished() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    first, second = make(clock, log), make(clock, log)
    await begin(first, clock, 1.0)
    async with asyncio.TaskGroup() as tasks:
        async with running(first):
            standing_by = tasks.create_task(second.begin())
            await clock.advance(60)
            assert not standing_by.done()
        await clock.advance(SILENT_S + 1.0)
        assert standing_by.done()
    assert second.epoch > first.epoch
    assert second.stood_by_s > 0


async def test_a_collector_that_was_replaced_while_it_was_frozen_writes_nothing_any_more() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    frozen, successor = make(clock, log), make(clock, log)
    await begin(frozen, clock, 1.0)
    await clock.advance(10)
    await begin(successor, clock)
    await frozen.put(readings(1, 10, clock.now()))
    with pytest.raises(ExceptionGroup) as ended:
        async with running(frozen):
            await clock.advance(1)
    assert ended.group_contains(LeaseLostError)
    assert {batch.epoch for batch in log.batches()[1:]} == {successor.epoch}


async def test_a_name_is_claimed_late_when_the_log_was_away_at_the_start() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    log.available = False
    early, late = make(clock, log), make(clock, log)
    await early.begin()
    await clock.advance(5)
    log.available = True
    await begin(late, clock)
    with pytest.raises(ExceptionGroup) as ended:
        async with running(early):
            await clock.advance(1)
    assert ended.group_contains(LeaseLostError)


async def test_without_a_log_the_epoch_is_the_start() -> None:
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    log.available = False
    publisher = make(clock, log)
    await publisher.begin()
    assert publisher.epoch == clock.now()


async def test_stopping_while_the_log_is_away_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityhall_bms.collector.publisher.STOP_FLUSH_S", 0.05)
    clock = ManualClock()
    log = MemoryTelemetryLog(clock)
    log.available = False
    publisher = make(clock, log)
    async with asyncio.timeout(5), running(publisher):
        await publisher.put(readings(1, 10, 1))
        await clock.advance(3)
    assert publisher.waiting > 0
