"""A lease in the database: who holds it, who takes it over, and what a former holder can still write."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.support.batches import batch

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.postgres import lease as lease_module
from cityhall_bms.adapters.postgres.connection import OUTAGES, connect
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.lease import Fence, PostgresLease
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import LeaseLostError
from cityhall_bms.domain.events import RuleFailed
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.telemetry_log import LoggedBatch


@pytest.fixture
async def dsn(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated database, and leases that are taken over quickly."""
    for name, seconds in (("RENEW_EVERY_S", 0.05), ("LOOK_EVERY_S", 0.05), ("GONE_S", 0.3), ("SILENT_S", 0.6)):
        monkeypatch.setattr(lease_module, name, seconds)
    return postgres_url


class Holder:
    """One claim on the lease "historian", with what became of it."""

    def __init__(self, dsn: str, name: str) -> None:
        self.events = MemoryEventLog(SystemClock())
        self.lease = PostgresLease(dsn, "historian", name, SystemClock(), self.events)
        self.fences: list[Fence] = []

    async def work(self, fence: Fence) -> None:
        self.fences.append(fence)
        await asyncio.Event().wait()

    async def told(self) -> list[tuple[str, str]]:
        """(holder, before) of every event."""
        return [(e.payload["holder"], e.payload["before"]) for e in await self.events.read(0, 100)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Holder"]:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.lease.run(self.work))
            try:
                yield self
            finally:
                running.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def test_one_of_two_holds_it_and_the_other_follows_at_once_when_it_is_given_back(dsn: str) -> None:
    first, second = Holder(dsn, "one"), Holder(dsn, "two")
    async with first.running():
        await until(lambda: first.lease.held)
        async with second.running():
            await asyncio.sleep(1.0)
            assert not second.lease.held
            async with asyncio.timeout(20):
                while not second.lease.held:
                    # Beside its renewals, on the same connection: where they meet, it is asked again.
                    await first.lease._give_back()
                    await asyncio.sleep(0.02)
            await until(lambda: not first.lease.held)
            assert [fence.token for fence in first.fences + second.fences] == [1, 2]
            assert await second.told() == []


async def test_a_holder_that_gives_no_sign_of_life_is_replaced_and_that_is_told(dsn: str) -> None:
    first, second = Holder(dsn, "one"), Holder(dsn, "two")
    first.lease._renew_until_lost = asyncio.Event().wait  # type: ignore[method-assign, assignment]
    async with first.running():
        await until(lambda: first.fences != [])
        async with second.running():
            await until(lambda: second.fences != [])
            async with asyncio.timeout(20):
                while await second.told() != [("two", "one")]:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.02)
    assert second.fences[0].token == first.fences[0].token + 1


async def test_a_restart_of_the_database_ends_nobodys_lease(dsn: str) -> None:
    first, second = Holder(dsn, "one"), Holder(dsn, "two")
    async with first.running():
        await until(lambda: first.lease.held)
        async with second.running():
            connection = await connect(dsn)
            for _ in range(5):
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                await asyncio.sleep(0.1)
            await connection.close()
            await asyncio.sleep(1.0)
            assert (first.lease.held, second.lease.held) == (True, False)


async def replaced(dsn: str) -> tuple[Fence, Fence]:
    """A fence whose lease was taken over, and the one that is in force."""
    async with Holder(dsn, "one").running() as first:
        await until(lambda: first.fences != [])
    async with Holder(dsn, "two").running() as second:
        await until(lambda: second.fences != [])
    return first.fences[0], second.fences[0]


async def test_a_former_holder_stores_nothing_any_more(dsn: str) -> None:
    old, new = await replaced(dsn)
    async with PostgresHistory.open(dsn, SystemClock(), "Asia/Taipei") as history:
        history.write_behind(old)
        with pytest.raises(LeaseLostError, match="taken over"):
            await history.store([LoggedBatch(1, batch(0))])
        assert (await history.progress()).position == 0
        history.write_behind(new)
        await history.store([LoggedBatch(1, batch(0))])
        assert (await history.progress()).position == 1


async def test_a_former_holder_appends_no_event_any_more_and_others_are_not_disturbed(dsn: str) -> None:
    old, new = await replaced(dsn)
    async with PostgresEventLog(dsn, SystemClock()) as log:
        results = await asyncio.gather(
            _append(log.behind(old).append, "a"), _append(log.append, "b"), _append(log.behind(new).append, "c"),
            return_exceptions=True,
        )  # fmt: skip
        assert [type(result) for result in results] == [LeaseLostError, list, list]
        assert sorted(entry.stream for entry in await log.read(0, 10, "rule/")) == ["rule/b", "rule/c"]


def _append(append: Callable[[list[Append]], Awaitable[object]], rule: str) -> Awaitable[object]:
    return append([Append(f"rule/{rule}", [RuleFailed(rule, "x")], "test")])


async def test_a_holder_frozen_inside_a_transaction_is_cut_off_and_its_work_undone(dsn: str) -> None:
    frozen = await connect(dsn, command_timeout_s=None)
    async with Holder(dsn, "one").running() as first:
        await until(lambda: first.fences != [])
        await frozen.execute("BEGIN")
        await first.fences[0].check(frozen)
        await frozen.execute("UPDATE ingest_position SET position = 99")
    async with Holder(dsn, "two").running() as second:
        await until(lambda: second.fences != [])
    with pytest.raises(OUTAGES):
        await frozen.execute("COMMIT")
    async with PostgresHistory.open(dsn, SystemClock(), "Asia/Taipei") as history:
        assert (await history.progress()).position == 0
