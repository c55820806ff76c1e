"""The historian between a real database and a log: outages, restarts, gaps, another log."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from tests.support.histories import SECOND, T0, history_on, scan
from tests.support.until import until

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.historian.historian import Historian, HistorianOptions
from cityhall_bms.ports.history import MissingBatches, Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

ALL = Window(T0 - 10**12, T0 + 10**12)
QUICK = HistorianOptions(
    batches_max=7, wait_s=0.02, tend_every_s=0.02, retry_min_s=0.01, retry_max_s=0.05, gap_grace_s=0.0, replay_s=3600.0
)


def batch(number: int) -> SampleBatch:
    return scan(number, T0 + number * SECOND, [float(number)] * 3).batch


async def publish(log: MemoryTelemetryLog, numbers: Sequence[int]) -> None:
    for number in numbers:
        await log.publish(batch(number))


@asynccontextmanager
async def running(historian: Historian) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(historian.run())
        try:
            yield
        finally:
            task.cancel()


async def values(history: PostgresHistory) -> list[float]:
    return (await history.samples(1, ALL, 10_000)).value.tolist()


def parts() -> tuple[SystemClock, MemoryTelemetryLog, MemoryEventLog]:
    clock = SystemClock()
    return clock, MemoryTelemetryLog(clock), MemoryEventLog(clock)


async def test_everything_in_the_log_is_stored_once_across_restarts(database_url: str) -> None:
    clock, log, events = parts()
    await publish(log, range(1, 31))
    async with history_on(database_url) as history:
        for upto in (30, 50):
            await publish(log, range(1, upto + 1))
            historian = Historian(log, history, events, clock, QUICK)
            async with running(historian):
                await until(lambda upto=upto, historian=historian: historian.position == upto)
        assert await values(history) == [float(number) for number in range(1, 51)]
        assert history.samples_stored == historian.samples == 150


class FlakyHistory:
    """A history that is away for a while, or commits and then says that it did not."""

    def __init__(self, history: PostgresHistory) -> None:
        self._history = history
        self.fail_before = 0
        self.fail_after = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._history, name)

    async def store(self, batches: Sequence[LoggedBatch]) -> None:
        if self.fail_before:
            self.fail_before -= 1
            msg = "played outage"
            raise HistoryUnavailableError(msg)
        await self._history.store(batches)
        if self.fail_after:
            self.fail_after -= 1
            msg = "connection lost during commit"
            raise HistoryUnavailableError(msg)


async def test_an_outage_of_the_database_only_makes_the_historian_wait(database_url: str) -> None:
    clock, log, events = parts()
    async with history_on(database_url) as history:
        flaky = FlakyHistory(history)
        flaky.fail_before, flaky.fail_after = 3, 2
        historian = Historian(log, flaky, events, clock, QUICK)  # type: ignore[arg-type]
        await publish(log, range(1, 41))
        async with running(historian):
            await until(lambda: historian.position == 40)
        assert await values(history) == [float(number) for number in range(1, 41)]
        assert historian.outages == 1


async def test_backends_killed_while_it_stores_cost_nothing(database_url: str) -> None:
    clock, log, events = parts()
    async with history_on(database_url) as history:
        historian = Historian(log, history, events, clock, QUICK)
        killer = await asyncpg.connect(database_url)
        try:
            async with running(historian):
                for number in range(1, 301):
                    await log.publish(batch(number))
                    if number % 20 == 0:
                        await killer.execute(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                            "AND datname = current_database() AND backend_type = 'client backend'"
                        )
                    await asyncio.sleep(0.001)
                await until(lambda: historian.position == 300, within_s=30)
        finally:
            await killer.close()
        assert historian.outages > 0
        assert await values(history) == [float(number) for number in range(1, 301)]


async def test_an_outage_of_the_log_is_waited_out(database_url: str) -> None:
    clock, log, events = parts()
    async with history_on(database_url) as history:
        historian = Historian(log, history, events, clock, QUICK)
        await publish(log, range(1, 11))
        async with running(historian):
            await until(lambda: historian.position == 10)
            log.available = False
            await until(lambda: historian.outages > 1)
            log.available = True
            await publish(log, range(11, 21))
            await until(lambda: historian.position == 20)
        assert len(await values(history)) == 20


async def test_a_log_that_was_made_anew_is_read_from_its_oldest_batch(database_url: str) -> None:
    clock, log, events = parts()
    await publish(log, range(1, 31))
    async with history_on(database_url) as history:
        async with running(historian := Historian(log, history, events, clock, QUICK)):
            await until(lambda: historian.position == 30)
        shorter, longer = MemoryTelemetryLog(clock), MemoryTelemetryLog(clock)
        await publish(shorter, range(25, 41))
        async with running(historian := Historian(shorter, history, events, clock, QUICK)):
            await until(lambda: historian.position == 16)
        assert len(await values(history)) == 40
        await publish(longer, range(30, 101))
        async with running(historian := Historian(longer, history, events, clock, QUICK)):
            await until(lambda: historian.position == 71)
            await eventually(history, 100)
        assert await values(history) == [float(number) for number in range(1, 101)]
    assert await events.read() == []


async def eventually(history: PostgresHistory, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(await values(history)) < count:
        assert time.monotonic() < deadline


async def test_batches_that_the_log_lost_are_told_once(database_url: str) -> None:
    clock, log, events = parts()
    await publish(log, [1, 2, 6, 7, 9])
    async with history_on(database_url) as history:
        async with running(historian := Historian(log, history, events, clock, QUICK)):
            await until(lambda: historian.gaps_reported == 2)
        await log.publish(batch(10))
        async with running(again := Historian(log, history, events, clock, QUICK)):
            await until(lambda: again.position == 6 and again.end == 6)
    told = [entry.payload for entry in await events.read(stream="telemetry/c1")]
    assert [(item["first"], item["last"]) for item in told] == [(3, 5), (8, 8)]


async def test_a_gap_whose_telling_was_interrupted_is_not_told_twice(database_url: str) -> None:
    clock, log, events = parts()
    await publish(log, [1, 4])

    class Forgetful(FlakyHistory):
        forgets = 1

        async def gap_reported(self, gap: MissingBatches) -> None:
            if self.forgets:
                self.forgets -= 1
                msg = "crashed between the two steps"
                raise HistoryUnavailableError(msg)
            await self._history.gap_reported(gap)

    async with history_on(database_url) as history:
        forgetful = Forgetful(history)
        historian = Historian(log, forgetful, events, clock, QUICK)  # type: ignore[arg-type]
        async with running(historian):
            await until(lambda: historian.gaps_reported == 1)
    assert forgetful.forgets == 0
    assert len(await events.read()) == 1


async def test_the_log_is_trimmed_behind_what_is_stored_and_kept_for_replay(database_url: str) -> None:
    clock, log, events = parts()
    options = HistorianOptions(wait_s=0.02, tend_every_s=0.02, replay_s=0.3)
    async with history_on(database_url) as history:
        historian = Historian(log, history, events, clock, options)
        async with running(historian):
            await publish(log, range(1, 21))
            await until(lambda: historian.position == 20)
            assert len(log.batches()) == 20
            await until(lambda: not log.batches())
        assert len(await values(history)) == 20
