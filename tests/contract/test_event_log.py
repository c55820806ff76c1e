"""What every event log promises, asked of each of them."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.events import (
    GENESIS_HASH,
    CollectorStarted,
    DeviceRestored,
    RuleFailed,
    StoredEvent,
    canonical,
    chain_hash,
)
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog

START_US = 1_782_864_000_000_000


class WallClock(SystemClock):
    """Real waiting, but a wall clock that a test sets."""

    def __init__(self) -> None:
        self.wall_us = START_US

    def now(self) -> int:
        return self.wall_us


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


def started(epoch: int, stream: str = "collector/a", expected_version: int = -1) -> Append:
    return Append(stream, [CollectorStarted("a", epoch)], "system", expected_version)


def epochs(entries: list[StoredEvent]) -> list[int]:
    return [entry.payload["epoch"] for entry in entries]


async def first(events: AsyncIterator[StoredEvent], count: int) -> list[StoredEvent]:
    async with asyncio.timeout(20):
        return [await anext(events) for _ in range(count)]


class EventLogContract:
    """Tests for any log; a subclass says in the fixture ``log`` which one."""

    async def test_a_new_log_is_empty(self, log: EventLog) -> None:
        assert await log.end() == 0
        assert await log.read() == []
        assert await log.checkpoint("rules") is None

    async def test_positions_and_versions_have_no_gaps(self, log: EventLog) -> None:
        await log.append([started(1), started(2, "collector/b")], None)
        await log.append([Append("collector/a", [CollectorStarted("a", 3), CollectorStarted("a", 4)], "system")])

        entries = await log.read()

        assert [entry.position for entry in entries] == [1, 2, 3, 4]
        assert [(entry.stream, entry.version) for entry in entries] == [
            ("collector/a", 1),
            ("collector/b", 1),
            ("collector/a", 2),
            ("collector/a", 3),
        ]
        assert await log.end() == 4

    async def test_what_was_appended_is_what_is_read(self, log: EventLog) -> None:
        event = DeviceRestored("AHU-甲「5F」\\ \"' \n\t", 1_782_864_000_000_000, 0.1 + 0.2)

        [appended] = await log.append([Append("device/x", [event], "王小明")])
        [read] = await log.read()

        assert read == appended
        assert read.event() == event
        assert (read.type, read.actor, read.recorded_at) == ("DeviceRestored", "王小明", START_US)

    async def test_the_chain_can_be_recomputed_from_what_is_read(self, log: EventLog) -> None:
        for number in range(5):
            await log.append([started(number), Append("rule/x", [RuleFailed("x", "除以零 ÷ 0")], "system")])

        previous = GENESIS_HASH
        for entry in await log.read():
            columns = (entry.position, entry.recorded_at, entry.stream, entry.version, entry.type, entry.actor)
            assert entry.prev_hash == previous
            assert entry.hash == chain_hash(previous, *columns, canonical(entry.payload))
            previous = entry.hash

    async def test_a_wrong_expected_version_is_refused_and_changes_nothing(self, log: EventLog) -> None:
        await log.append([started(1, expected_version=0)])

        with pytest.raises(ConcurrencyError):
            await log.append([started(2, "collector/b"), started(3, expected_version=0)], Checkpoint("rules", 9, b"x"))

        assert epochs(await log.read()) == [1]
        assert await log.checkpoint("rules") is None
        await log.append([started(4, expected_version=1)])

    async def test_of_many_callers_with_one_expected_version_exactly_one_is_served(self, log: EventLog) -> None:
        results = await asyncio.gather(
            *(log.append([started(number, expected_version=0)]) for number in range(50)),
            *(log.append([started(number, f"collector/{number}")]) for number in range(50)),
            return_exceptions=True,
        )

        refused = [result for result in results if isinstance(result, BaseException)]
        assert len(refused) == 49
        assert all(isinstance(error, ConcurrencyError) for error in refused)
        assert [entry.position for entry in await log.read()] == list(range(1, 52))

    async def test_every_caller_gets_its_own_entries_back(self, log: EventLog) -> None:
        results = await asyncio.gather(*(log.append([started(number)]) for number in range(200)))

        assert [epochs(entries) for entries in results] == [[number] for number in range(200)]
        assert sorted(entries[0].position for entries in results) == list(range(1, 201))

    async def test_a_checkpoint_moves_with_its_events_and_alone(self, log: EventLog) -> None:
        await log.append([started(1)], Checkpoint("rules", 5, b"\x00state"))
        assert await log.checkpoint("rules") == Checkpoint("rules", 5, b"\x00state")

        assert await log.append([], Checkpoint("rules", 6, b"")) == []
        assert await log.checkpoint("rules") == Checkpoint("rules", 6, b"")
        assert await log.end() == 1

    async def test_time_never_goes_backwards_though_the_clock_does(self, log: EventLog, clock: WallClock) -> None:
        for wall_us in (START_US, START_US + 10, START_US - 1_000, START_US + 20):
            clock.wall_us = wall_us
            await log.append([started(1)])

        assert [entry.recorded_at - START_US for entry in await log.read()] == [0, 10, 10, 20]

    async def test_reading_goes_on_after_a_position_and_keeps_to_its_limit(self, log: EventLog) -> None:
        await log.append([started(number) for number in range(10)])

        assert epochs(await log.read(after=3, limit=2)) == [3, 4]
        assert await log.read(after=10) == []

    async def test_a_name_that_no_stream_can_have_reads_as_an_empty_one(self, log: EventLog) -> None:
        await log.append([started(1)])
        assert await log.read(stream="device/\x00") == []
        assert await log.read(stream="\x00/") == []

    async def test_a_stream_is_read_by_its_name_and_many_by_their_prefix(self, log: EventLog) -> None:
        streams = ["alarm/a", "alarm/b", "alarm", "alarms/a", "alarm0", "device/甲"]
        await log.append([started(number, stream) for number, stream in enumerate(streams * 2)])

        assert epochs(await log.read(stream="alarm/")) == [0, 1, 6, 7]
        assert epochs(await log.read(stream="alarm/", after=2, limit=1)) == [6]
        assert epochs(await log.read(stream="alarm")) == [2, 8]
        assert epochs(await log.read(stream="device/甲", after=6)) == [11]
        assert await log.read(stream="device/%") == []

    async def test_following_gives_the_past_and_then_what_comes(self, log: EventLog) -> None:
        await log.append([started(number) for number in range(3)])
        events = log.follow(1)

        assert epochs(await first(events, 2)) == [1, 2]
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(first(events, 2))
            await log.append([started(3), started(4)])
        assert epochs(waiting.result()) == [3, 4]

    async def test_followers_see_every_event_once_while_many_append(self, log: EventLog) -> None:
        async def write(writer: int) -> None:
            for number in range(40):
                await log.append([started(writer * 1_000 + number, f"collector/{writer}")])

        async with asyncio.TaskGroup() as tasks:
            followers = [tasks.create_task(first(log.follow(0), 320)) for _ in range(3)]
            for writer in range(8):
                tasks.create_task(write(writer))

        for follower in followers:
            assert [entry.position for entry in follower.result()] == list(range(1, 321))

    @pytest.mark.parametrize(
        "event",
        [
            RuleFailed("x", "NUL \x00"),
            RuleFailed("x", "half a pair \ud800"),
            DeviceRestored("x", 1, float("nan")),
            RuleFailed("x", {2: "a", 10: "b"}),  # type: ignore[arg-type]
            RuleFailed("x", object()),  # type: ignore[arg-type]
        ],
        ids=["nul", "surrogate", "nan", "keys", "object"],
    )
    async def test_what_cannot_be_stored_is_refused_alone(self, log: EventLog, event: RuleFailed) -> None:
        results = await asyncio.gather(
            log.append([started(1)]),
            log.append([Append("rule/x", [event], "system")]),
            log.append([started(2)]),
            return_exceptions=True,
        )

        assert isinstance(results[1], ValueError | TypeError)
        assert epochs(await log.read()) == [1, 2]

    async def test_a_backslash_before_u0000_is_text_as_any_other(self, log: EventLog) -> None:
        await log.append([Append("rule/x", [RuleFailed("x", "\\u0000")], "system")])

        assert (await log.read())[0].payload["reason"] == "\\u0000"

    async def test_a_cancelled_caller_harms_nobody(self, log: EventLog) -> None:
        async with asyncio.TaskGroup() as tasks:
            callers = [tasks.create_task(log.append([started(number)])) for number in range(100)]
            await asyncio.sleep(0)
            for caller in callers[::2]:
                caller.cancel()

        entries = await log.read()
        assert {number for number in range(100) if number % 2} <= set(epochs(entries))
        assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))


class TestMemoryEventLog(EventLogContract):
    @pytest.fixture
    def log(self, clock: WallClock) -> MemoryEventLog:
        return MemoryEventLog(clock)

    async def test_an_outage_can_be_played(self, log: MemoryEventLog) -> None:
        log.available = False
        with pytest.raises(EventLogUnavailableError):
            await log.append([started(1)])

        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(first(log.follow(0), 1))
            log.available = True
            await log.append([started(2)])
        assert epochs(waiting.result()) == [2]


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


class TestPostgresEventLog(EventLogContract):
    """On plain PostgreSQL and on TimescaleDB."""

    @pytest.fixture
    async def log(self, database_url: str, clock: WallClock) -> AsyncIterator[PostgresEventLog]:
        async with PostgresEventLog(database_url, clock) as log:
            yield log

    @pytest.mark.parametrize(
        "statement", ["UPDATE event SET actor = 'x'", "DELETE FROM event WHERE position = 1", "TRUNCATE event"]
    )
    async def test_the_database_refuses_to_change_an_event(
        self, log: PostgresEventLog, database_url: str, statement: str
    ) -> None:
        await log.append([started(1)])

        async with connected(database_url) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await connection.execute(statement)
        assert epochs(await log.read()) == [1]

    async def test_the_stored_text_is_the_text_that_was_hashed(self, log: PostgresEventLog, database_url: str) -> None:
        await log.append([Append("rule/x", [RuleFailed("z", "甲 ÷ 乙")], "system")])

        async with connected(database_url) as connection:
            row = await connection.fetchrow("SELECT *, payload::text AS text FROM event")
        columns = [row[name] for name in ("position", "recorded_at", "stream", "version", "type", "actor", "text")]
        assert row["text"] == canonical(json.loads(row["text"]))
        assert row["hash"] == chain_hash(GENESIS_HASH, *columns)

    async def test_two_processes_share_one_log_without_gaps(
        self, log: PostgresEventLog, database_url: str, clock: WallClock
    ) -> None:
        async with PostgresEventLog(database_url, clock) as other, asyncio.TaskGroup() as tasks:
            follower = tasks.create_task(first(other.follow(0), 200))
            for number, each in zip(range(200), itertools.cycle((log, other)), strict=False):
                tasks.create_task(each.append([started(number)]))

        entries = follower.result()
        assert [entry.position for entry in entries] == list(range(1, 201))
        assert [entry.version for entry in entries] == list(range(1, 201))
        assert sorted(epochs(entries)) == list(range(200))

    async def test_a_writer_notices_what_another_process_has_appended(
        self, log: PostgresEventLog, database_url: str, clock: WallClock
    ) -> None:
        async with PostgresEventLog(database_url, clock) as other:
            for number in range(0, 20, 2):
                await log.append([started(number, expected_version=number)])
                await other.append([started(number + 1, expected_version=number + 1)])
                with pytest.raises(ConcurrencyError):
                    await log.append([started(99, expected_version=number + 1)])

        assert epochs(await log.read()) == list(range(20))

    async def test_followers_go_on_when_every_connection_is_cut(self, log: PostgresEventLog, database_url: str) -> None:
        async with asyncio.TaskGroup() as tasks:
            follower = tasks.create_task(first(log.follow(0), 60))
            for number in range(60):
                if number % 20 == 10:
                    await cut(database_url)
                await append_until_stored(log, number)

        assert epochs(follower.result()) == list(range(60))

    async def test_a_closed_log_refuses_instead_of_waiting_for_ever(self, database_url: str, clock: WallClock) -> None:
        async with PostgresEventLog(database_url, clock) as log:
            pass
        with pytest.raises(EventLogUnavailableError):
            await log.append([started(1)])

    async def test_the_error_of_the_body_leaves_unwrapped(self, database_url: str, clock: WallClock) -> None:
        with pytest.raises(KeyError):
            async with PostgresEventLog(database_url, clock):
                raise KeyError


async def cut(dsn: str) -> None:
    async with connected(dsn) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def append_until_stored(log: EventLog, number: int) -> None:
    """What every caller does: the expected version makes another try harmless."""
    while True:
        try:
            await log.append([started(number, expected_version=number)])
        except EventLogUnavailableError:
            await asyncio.sleep(0.05)
        except ConcurrencyError:
            return
        else:
            return


async def test_a_log_can_be_opened_before_its_server_is_there(clock: WallClock) -> None:
    async with PostgresEventLog("postgresql://x@127.0.0.1:1/x", clock) as log:
        with pytest.raises(EventLogUnavailableError):
            await log.append([started(1)])
        with pytest.raises(EventLogUnavailableError):
            await log.end()
