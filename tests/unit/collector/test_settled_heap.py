"""What a collector holds for good is out of the garbage collector's reach; what comes later is not."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest
from tests.support.manual_clock import ManualClock

from cityhall_bms.collector.settled_heap import SETTLED_AFTER_S, settle_heap


class Node:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def is_looked_at(one: object) -> bool:
    return any(other is one for other in gc.get_objects())


async def test_what_is_there_at_the_start_and_what_the_devices_need_is_set_aside() -> None:
    clock, site = ManualClock(), Node()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(settle_heap(clock))
        await asyncio.sleep(0)
        session = Node()
        assert (is_looked_at(site), is_looked_at(session)) == (False, True)
        await clock.advance(SETTLED_AFTER_S)
    assert not is_looked_at(session)


async def test_garbage_that_comes_later_is_collected() -> None:
    clock = ManualClock()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(settle_heap(clock))
        await asyncio.sleep(0)
        await clock.advance(SETTLED_AFTER_S)
    later = weakref.ref(Node())
    gc.collect()
    assert later() is None
