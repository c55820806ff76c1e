"""What every telemetry log promises."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.batches import batch
from tests.support.nats_server import nats_server

from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.errors import LeaseLostError
from cityhall_bms.ports.telemetry_log import LoggedBatch, TelemetryLog, TelemetryReader


@pytest.fixture(params=["memory", "jetstream"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TelemetryLog]:
    clock = SystemClock()
    if request.param == "memory":
        yield MemoryTelemetryLog(clock)
        return
    async with (
        nats_server(tmp_path) as server,
        await JetStreamTelemetryLog.connect(server.url, "CITYHALL", clock, max_bytes=64 * 1024**2) as connected,
    ):
        yield connected


async def read(reader: TelemetryReader, count: int) -> list[LoggedBatch]:
    got: list[LoggedBatch] = []
    async with asyncio.timeout(20):
        while len(got) < count:
            got.extend(await reader.fetch(count - len(got), 1.0))
    return got


async def read_after(log: TelemetryLog, after: int, count: int) -> list[LoggedBatch]:
    reader = await log.reader(after)
    try:
        return await read(reader, count)
    finally:
        await reader.close()


def sequences(logged: list[LoggedBatch]) -> list[int]:
    return [item.batch.sequence for item in logged]


async def test_batches_come_back_as_they_were_in_the_order_of_publishing(log: TelemetryLog) -> None:
    for number in range(5):
        await log.publish(batch(number, samples=number))
    logged = await read_after(log, 0, 5)
    assert [item.batch.encode() for item in logged] == [batch(n, samples=n).encode() for n in range(5)]
    assert [item.position for item in logged] == [1, 2, 3, 4, 5]
    assert await log.end() == 5


async def test_publishing_a_batch_again_changes_nothing(log: TelemetryLog) -> None:
    for number in (0, 1, 0, 1, 1, 2):
        await log.publish(batch(number))
    assert sequences(await read_after(log, 0, 3)) == [0, 1, 2]
    assert await log.end() == 3


async def test_the_same_sequence_of_another_source_or_epoch_is_another_batch(log: TelemetryLog) -> None:
    for item in (batch(0), batch(0, source="c2"), batch(0, epoch=2)):
        await log.publish(item)
    assert await log.end() == 3


async def test_batches_published_at_once_are_all_there_once(log: TelemetryLog) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(log.publish(batch(number)))
    assert sorted(sequences(await read_after(log, 0, 50))) == list(range(50))
    assert await log.end() == 50


async def test_a_reader_goes_on_after_the_position_it_names(log: TelemetryLog) -> None:
    for number in range(6):
        await log.publish(batch(number))
    assert sequences(await read_after(log, 4, 2)) == [4, 5]


async def test_fetching_gives_at_most_what_was_asked_for_and_then_the_rest(log: TelemetryLog) -> None:
    for number in range(7):
        await log.publish(batch(number))
    reader = await log.reader(0)
    got: list[LoggedBatch] = []
    while len(got) < 7:
        fetched = await reader.fetch(3, 5.0)
        assert 1 <= len(fetched) <= 3
        got.extend(fetched)
    assert sequences(got) == list(range(7))
    await reader.close()


async def test_fetching_an_empty_log_gives_nothing_in_time(log: TelemetryLog) -> None:
    assert await log.end() == 0
    reader = await log.reader(0)
    started = asyncio.get_running_loop().time()
    assert list(await reader.fetch(10, 0.3)) == []
    assert 0.25 < asyncio.get_running_loop().time() - started < 3
    await reader.close()


async def test_a_waiting_reader_gets_a_batch_as_soon_as_it_is_published(log: TelemetryLog) -> None:
    reader = await log.reader(0)
    started = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(reader.fetch(100, 10.0))
        await asyncio.sleep(0.05)
        await log.publish(batch(0))
    assert sequences(list(waiting.result())) == [0]
    # It must not sit on the first batch until a hundred are there or the ten seconds are over.
    assert asyncio.get_running_loop().time() - started < 5
    await reader.close()


async def test_two_readers_do_not_disturb_each_other(log: TelemetryLog) -> None:
    one, other = await log.reader(0), await log.reader(0)
    for number in range(3):
        await log.publish(batch(number))
    assert sequences(await read(one, 3)) == [0, 1, 2]
    assert sequences(await read(other, 3)) == [0, 1, 2]
    await one.close()
    await other.close()


async def test_what_was_forgotten_is_gone_and_positions_go_on(log: TelemetryLog) -> None:
    for number in range(5):
        await log.publish(batch(number))
    await log.forget(3)
    assert [item.position for item in await read_after(log, 0, 2)] == [4, 5]
    await log.forget(99)
    assert await log.end() == 5
    await log.publish(batch(5))
    assert [item.position for item in await read_after(log, 5, 1)] == [6]


async def test_forgetting_nothing_is_no_mistake(log: TelemetryLog) -> None:
    await log.publish(batch(0))
    await log.forget(0)
    assert len(await read_after(log, 0, 1)) == 1


async def test_a_position_beyond_the_end_means_another_log_and_reads_from_the_oldest(log: TelemetryLog) -> None:
    for number in range(3):
        await log.publish(batch(number))
    logged = await read_after(log, 1000, 3)
    assert [item.position for item in logged] == [1, 2, 3]


async def test_a_large_batch_passes(log: TelemetryLog) -> None:
    large: SampleBatch = batch(0, samples=50_000)
    await log.publish(large)
    assert len((await read_after(log, 0, 1))[0].batch) == 50_000


async def test_the_newest_batch_of_a_source_is_found_among_others(log: TelemetryLog) -> None:
    assert await log.newest("c1") is None
    for number in range(3):
        await log.publish(batch(number))
    await log.publish(batch(7, source="c2"))
    found = await log.newest("c1")
    assert found is not None
    assert (found.position, found.batch.sequence) == (3, 2)


async def test_a_claimed_life_goes_on_and_what_an_earlier_one_sends_is_refused(log: TelemetryLog) -> None:
    await log.claim(batch(0, epoch=1), 0)
    await log.publish(batch(1, epoch=1))
    await log.claim(batch(0, epoch=2), 2)
    await log.publish(batch(1, epoch=2))
    with pytest.raises(LeaseLostError):
        await log.claim(batch(0, epoch=3), 2)
    await log.publish(batch(2, epoch=2))
    await log.forget(await log.end())
    await log.publish(batch(3, epoch=2))
    assert await log.end() == 6
