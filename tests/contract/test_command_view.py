"""Commands in PostgreSQL are what the log says, however it was read."""

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory_commands import MemoryCommandView
from cityhall_bms.adapters.postgres.commands_view import CommandsProjection, PostgresCommandView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.commanding.control import CommandState, command_stream
from cityhall_bms.domain.commanding.events import (
    CommandAttempted,
    CommandConfirmed,
    CommandEvent,
    CommandFailed,
    CommandRefused,
    CommandRelinquished,
    CommandRequested,
    CommandSelected,
    OverrideExtended,
)
from cityhall_bms.ports.commands import CommandFilter
from cityhall_bms.ports.event_log import Append

NUMBERS = count(1)
"""Of all commands: the log keeps what an example before this one told."""
POINTS = ["TCH.B2.CN.CHC01.CHWS_SP", "TCH.01.E.AHU01.SAT_SP"]


@pytest_asyncio.fixture
async def url(postgres_url: str) -> str:
    return postgres_url


def life(point: str, number: int, kind: str, priority: int) -> list[CommandEvent]:
    """One command from begin to end."""
    name = f"{point}-{number}"
    who = ("測試", "王小明", "operator", "", "")
    refused = CommandRefused(name, point, 4.0, priority, "王小明", "operator", ["limit"], ["5–12"], number)
    if kind == "refused":
        return [refused]
    value = None if kind == "given up" else float(number)
    asked = CommandRequested(name, point, value, priority, *who, number + 60, number)
    begun = [CommandSelected(name, point, value, priority, *who, "h", number + 30, number), asked]
    tried = CommandAttempted(name, "c", 1, value, None, number)
    ends: dict[str, list[CommandEvent]] = {
        "done": [tried, CommandConfirmed(name, value, 8, True, number, number + 100)],
        "given up": [tried, CommandRelinquished(name, 7.0, None, number)],
        "failed": [tried, CommandFailed(name, "silent", "r", None, number)],
        "open": [],
        "extended": [
            tried,
            CommandConfirmed(name, value, 8, True, number, number + 100),
            OverrideExtended(name, number + 900, "r", "李", "supervisor", number),
        ],
    }
    return [*begun, *ends[kind]]


steps = st.lists(
    st.tuples(
        st.sampled_from(POINTS),
        st.sampled_from(["done", "given up", "failed", "refused", "open", "extended"]),
        st.sampled_from([8, 12]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_what_the_tables_say_is_what_the_log_says(url: str, history: Sequence[tuple[str, str, int, bool]]) -> None:
    asyncio.run(compare(url, history))


async def compare(url: str, history: Sequence[tuple[str, str, int, bool]]) -> None:
    pool = await open_pool(url)
    try:
        async with PostgresEventLog(url, SystemClock()) as log:
            view, plain = PostgresCommandView(pool, log), MemoryCommandView(log)
            applied = await log.end()
            for point, kind, priority, lags in history:
                events = life(point, 1_000 * next(NUMBERS), kind, priority)
                await log.append([Append(command_stream(point), events, "x")])
                assert await view.control(point) == await plain.control(point), "by the log, also where the view lags"
                if not lags:
                    applied = await project(pool, log, applied)
            await project(pool, log, applied)
            await same(view, plain)
    finally:
        pool.terminate()


async def project(pool, log: PostgresEventLog, after: int) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001
    entries = await log.read(after, 1_000)
    async with pool.acquire() as connection, connection.transaction():
        await CommandsProjection().apply(connection, entries)
    return entries[-1].position if entries else after


async def same(view: PostgresCommandView, plain: MemoryCommandView) -> None:
    for which in (
        CommandFilter(),
        CommandFilter(point=POINTS[0]),
        CommandFilter(state=CommandState.DONE),
        CommandFilter(priority=12),
        CommandFilter(open_only=True),
    ):
        before = None
        while True:
            found, expected = await view.page(which, 2, before), await plain.page(which, 2, before)
            assert found == expected
            before = found.next_place
            if before is None:
                break
        for command in found.commands:
            assert await view.get(command.command) == command
    assert list(await view.held()) == list(await plain.held())
    assert list(await view.held(12)) == list(await plain.held(12))
    assert list(await view.due(20_000)) == list(await plain.due(20_000))


async def test_names_that_nobody_can_have_are_unknown(url: str) -> None:
    pool = await open_pool(url)
    try:
        async with PostgresEventLog(url, ManualClock()) as log:
            view = PostgresCommandView(pool, log)
            assert await view.get("\x00") is None
            assert (await view.control("\x00")).version == 0
            await log.append([Append(command_stream(POINTS[0]), life(POINTS[0], 1, "done", 8), "x")])
            for name in ("x", "", "-1", "TCH/-1"):
                assert await view.get(name) is None, "a name without a point is not all points"
            assert await view.get("NO-1") is None
    finally:
        pool.terminate()
