"""What only the real telemetry log can show: its bounds, its outages, its server's death."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest
from tests.support.batches import batch
from tests.support.nats_server import NatsServer, nats_server

from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import TelemetryLogUnavailableError


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with nats_server(tmp_path) as running:
        yield running


async def connect(server: NatsServer, max_bytes: int = 64 * 1024**2) -> JetStreamTelemetryLog:
    return await JetStreamTelemetryLog.connect(server.url, "CITYHALL", SystemClock(), max_bytes)


async def publish_until_confirmed(log: JetStreamTelemetryLog, sequence: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await log.publish(batch(sequence))
            except TelemetryLogUnavailableError:
                await asyncio.sleep(0.02)
            else:
                return


async def test_without_a_server_connecting_fails_in_plain_words() -> None:
    with pytest.raises(TelemetryLogUnavailableError, match=r"connect to nats://127\.0\.0\.1:1\b"):
        await JetStreamTelemetryLog.connect("nats://u:secret@127.0.0.1:1", "CITYHALL", SystemClock())


async def test_processes_that_make_the_log_at_the_same_moment_share_it(server: NatsServer) -> None:
    room = 6 * 1024**3 // 10  # the server has room for one of them only
    logs = await asyncio.gather(*(connect(server, max_bytes=room) for _ in range(6)))
    await logs[0].publish(batch(1))
    assert [await log.end() for log in logs] == [1] * 6
    for log in logs:
        await log.close()


async def test_a_full_log_refuses_new_batches_and_keeps_the_old_ones(server: NatsServer) -> None:
    async with await connect(server, max_bytes=100_000) as log:
        published = 14
        for number in range(published):
            await log.publish(batch(number, samples=500))
        with pytest.raises(TelemetryLogUnavailableError, match="maximum bytes exceeded"):
            await log.publish(batch(published, samples=500))
        assert 0.8 < await log.fill_ratio() <= 1.0
        assert await log.end() == published
        reader = await log.reader(0)
        assert (await reader.fetch(1, 5.0))[0].batch.sequence == 0
        await log.forget(published)
        assert await log.fill_ratio() == 0.0
        await log.publish(batch(published, samples=500))


async def test_connecting_again_may_change_the_bounds_and_keeps_the_batches(server: NatsServer) -> None:
    async with await connect(server, max_bytes=100_000) as log:
        await log.publish(batch(0))
    async with await connect(server, max_bytes=1_000_000) as log:
        assert await log.end() == 1
        assert await log.fill_ratio() < 0.01


async def test_a_batch_whose_confirmation_was_lost_is_not_doubled_after_any_time(server: NatsServer) -> None:
    async with await connect(server) as log:
        await log.publish(batch(0))
        # As after an outage longer than the server's memory of message ids: it took the batch, the answer was lost.
        client = await nats.connect(server.url)
        await client.jetstream().publish("telemetry.CITYHALL.c1", batch(1).encode(), headers={"Nats-Msg-Id": "c1:1:1"})
        await client.jetstream().update_stream(
            name="TELEMETRY", subjects=["telemetry.CITYHALL.*"], duplicate_window=0.1, discard="new", max_bytes=10**6
        )
        await asyncio.sleep(0.3)
        await client.close()
        log._note_uncertain("c1:1:1")
        await log.publish(batch(1))
        assert await log.end() == 2


async def test_a_name_that_is_no_subject_is_refused(server: NatsServer) -> None:
    async with await connect(server) as log:
        with pytest.raises(ValueError, match="cannot name a subject"):
            await log.publish(batch(0, source="a.b"))


async def test_a_reader_goes_on_when_its_consumer_was_deleted(server: NatsServer) -> None:
    async with await connect(server) as log:
        reader = await log.reader(0)
        await log.publish(batch(0))
        assert [item.batch.sequence for item in await reader.fetch(10, 5.0)] == [0]
        await log._js.delete_consumer("TELEMETRY", reader._consumer)
        await log.publish(batch(1))
        # Sooner than silence would tell.
        assert [item.batch.sequence for item in await reader.fetch(10, 2.5)] == [1]


async def test_a_deleted_stream_is_made_anew_and_readers_see_positions_fall(server: NatsServer) -> None:
    async with await connect(server) as log:
        reader = await log.reader(0)
        for number in range(3):
            await log.publish(batch(number))
        seen = [item.position for item in await reader.fetch(3, 5.0)]
        await log._js.delete_stream("TELEMETRY")
        await publish_until_confirmed(log, 3)
        async with asyncio.timeout(20):
            while True:
                try:
                    if again := await reader.fetch(10, 1.0):
                        break
                except TelemetryLogUnavailableError:
                    await asyncio.sleep(0.05)
        assert (seen[-1], again[0].position, again[0].batch.sequence) == (3, 1, 3)


@pytest.mark.faults
async def test_every_confirmed_batch_survives_kill_9_of_the_server_exactly_once(server: NatsServer) -> None:
    """Publish through three deaths of the server, read all the while; then count."""
    total, got = 600, []
    async with await connect(server) as log:
        reader = await log.reader(0)

        async def read_all() -> None:
            while len(got) < total:
                try:
                    got.extend(await reader.fetch(50, 1.0))
                except TelemetryLogUnavailableError:
                    await asyncio.sleep(0.02)

        async def publish_all() -> None:
            for number in range(total):
                await publish_until_confirmed(log, number)

        async def kill_and_restart() -> None:
            for deaths in range(1, 4):
                async with asyncio.timeout(30):
                    while len(got) < deaths * total // 5:  # noqa: ASYNC110 - the condition has no event
                        await asyncio.sleep(0.005)
                await server.kill()
                await server.start()

        async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
            tasks.create_task(read_all())
            tasks.create_task(publish_all())
            tasks.create_task(kill_and_restart())

        assert [item.batch.sequence for item in got] == list(range(total))
        assert [item.position for item in got] == list(range(1, total + 1))
        assert await log.end() == total
