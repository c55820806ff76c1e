"""The event log and its projections while the database is killed and wires are cut."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.support.alarm_events import of_alarm, raised
from tests.support.cutting_proxy import Cut, CuttingProxy
from tests.support.until import until

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.postgres.alarms_view import AlarmsProjection, PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.events import GENESIS_HASH, CollectorStarted, StoredEvent, canonical, chain_hash
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog
from cityhall_bms.ports.read_models import AlarmFilter

pytestmark = pytest.mark.faults
KILLS = 3
WRITERS = 6


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder which the account that PostgreSQL runs under may enter."""
    with tempfile.TemporaryDirectory(prefix="cityhall-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(folder / "db", SystemClock()) as server:
        watching = asyncio.create_task(server.run())
        yield server
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def write_until_told(log: EventLog, name: str, told: asyncio.Event) -> int:
    """Append one alarm after the other, each until it is certain; gives how many."""
    number = 0
    while not told.is_set():
        try:
            await log.append([of_alarm(f"{name}-{number}", raised(), expected_version=0)])
        except EventLogUnavailableError:
            await asyncio.sleep(0.02)
            continue
        except ConcurrencyError:
            pass  # an attempt of which it was not known had succeeded
        number += 1
    return number


async def kill_again_and_again(server: EmbeddedPostgres, log: EventLog) -> None:
    for kill in range(1, KILLS + 1):
        await reaches(lambda: end_of(log), await end_of(log) + 50)
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda kill=kill: server.restarts == kill, 60)


async def end_of(log: EventLog) -> int:
    while True:
        try:
            return await log.end()
        except EventLogUnavailableError:
            await asyncio.sleep(0.02)


async def reaches(position: Callable[[], Awaitable[int]], end: int) -> None:
    while await position() < end:  # noqa: ASYNC110 - the database is asked
        await asyncio.sleep(0.01)


async def collect(log: EventLog, seen: list[StoredEvent]) -> None:
    async for entry in log.follow(0):
        seen.append(entry)  # noqa: PERF401 - it never ends


async def projected(view: PostgresAlarmView) -> int:
    return (await view.page(AlarmFilter("all"), 1, None)).position


def check_chain(entries: list[StoredEvent]) -> None:
    previous = GENESIS_HASH
    for number, entry in enumerate(entries, 1):
        columns = (entry.position, entry.recorded_at, entry.stream, entry.version, entry.type, entry.actor)
        assert (entry.position, entry.prev_hash) == (number, previous)
        assert entry.hash == chain_hash(previous, *columns, canonical(entry.payload))
        previous = entry.hash


async def test_a_database_killed_under_load_loses_and_doubles_nothing(server: EmbeddedPostgres) -> None:
    await migrate(server.dsn)
    clock = SystemClock()
    pool = await open_pool(server.dsn)
    seen: list[StoredEvent] = []
    told = asyncio.Event()
    async with PostgresEventLog(server.dsn, clock) as log, asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        view = PostgresAlarmView(pool, log.listener)
        background = [
            tasks.create_task(collect(log, seen)),
            tasks.create_task(Projector(log, pool, [AlarmsProjection()], clock).run()),
        ]
        writers = [tasks.create_task(write_until_told(log, str(number), told)) for number in range(WRITERS)]
        await kill_again_and_again(server, log)
        told.set()
        written = sum(await asyncio.gather(*writers))
        end = await end_of(log)
        await until(lambda: len(seen) >= end, 30)
        await reaches(lambda: projected(view), end)
        alarms = (await view.page(AlarmFilter("all"), 1_000_000, None)).alarms
        transitions = await view.transitions(0, 1_000_000)
        for task in background:
            task.cancel()
    pool.terminate()

    assert server.restarts == KILLS
    assert written == end == len(seen) > KILLS * 50
    check_chain(seen)
    assert len({entry.stream for entry in seen}) == written
    assert len(alarms) == written
    assert [item.position for item in transitions] == list(range(1, end + 1))


async def test_an_answer_that_was_lost_after_the_commit_is_found_out(postgres_url: str) -> None:
    async with CuttingProxy(postgres_url).running() as proxy, PostgresEventLog(proxy.dsn, SystemClock()) as log:
        await log.append([started(1)])
        proxy.next_cut = Cut.AFTER_COMMIT

        results = await asyncio.gather(
            log.append([started(2, expected_version=1)], Checkpoint("rules", 2, b"")),
            log.append([started(3, expected_version=1)]),
            return_exceptions=True,
        )

        assert proxy.cuts == 1
        assert isinstance(results[0], list)
        assert isinstance(results[1], ConcurrencyError)
        assert [entry.payload["epoch"] for entry in await log.read()] == [1, 2]
        assert await log.checkpoint("rules") == Checkpoint("rules", 2, b"")


async def test_a_commit_that_never_arrived_is_reported_and_can_be_repeated(postgres_url: str) -> None:
    async with CuttingProxy(postgres_url).running() as proxy, PostgresEventLog(proxy.dsn, SystemClock()) as log:
        await log.append([started(1)])
        proxy.next_cut = Cut.BEFORE_COMMIT

        with pytest.raises(EventLogUnavailableError, match="nothing was appended"):
            await log.append([started(2, expected_version=1)])

        assert await log.end() == 1
        [entry] = await log.append([started(2, expected_version=1)])
        assert (entry.position, entry.version) == (2, 2)


def started(epoch: int, expected_version: int = -1) -> Append:
    return Append("collector/a", [CollectorStarted("a", epoch)], "system", expected_version)
