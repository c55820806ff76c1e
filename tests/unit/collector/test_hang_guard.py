"""The bound on every call of a driver."""

import asyncio

import pytest
from tests.support.manual_clock import ManualClock

from cityhall_bms.collector.hang_guard import HangGuard
from cityhall_bms.domain.errors import DeviceUnreachableError


async def test_a_call_that_hangs_is_cut_by_the_clock_and_others_are_not() -> None:
    clock = ManualClock()
    guard = HangGuard(clock)
    ended: list[str] = []

    async def call(limit_s: float, name: str) -> None:
        try:
            async with guard.within(limit_s, name):
                await asyncio.get_running_loop().create_future()
        except DeviceUnreachableError as error:
            ended.append(str(error))

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(guard.run())
        calls = [tasks.create_task(call(10.0, "reading")), tasks.create_task(call(100.0, "opening"))]
        await clock.advance(9)
        assert ended == []
        await clock.advance(2)
        assert ended == ["reading did not end within 10 s"]
        await clock.advance(100)
        assert ended[1:] == ["opening did not end within 100 s"]
        await asyncio.gather(*calls)
        watching.cancel()
    assert guard.cuts == 2


async def test_a_call_that_ends_in_time_is_forgotten() -> None:
    clock = ManualClock()
    guard = HangGuard(clock)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(guard.run())
        async with guard.within(5.0, "reading"):
            await asyncio.sleep(0)
        await clock.advance(60)
        assert guard._open == {}
        watching.cancel()


async def test_a_timeout_of_the_driver_itself_stays_its_own() -> None:
    guard = HangGuard(ManualClock())
    with pytest.raises(TimeoutError):
        async with guard.within(5.0, "reading"):
            raise TimeoutError
    assert guard.cuts == 0


async def test_cancelling_the_caller_is_no_timeout() -> None:
    guard = HangGuard(ManualClock())

    async def call() -> None:
        async with guard.within(5.0, "reading"):
            await asyncio.get_running_loop().create_future()

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(call())
        await asyncio.sleep(0)
        running.cancel()
    assert running.cancelled()
    assert guard._open == {}
