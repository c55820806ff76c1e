"""Readers of a tail see every item once and in order, however they interleave with the writer."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.api.tail import Tail


def test_a_reader_gets_what_came_after_its_place() -> None:
    tail: Tail[str] = Tail(start=10)
    tail.push(11, "a")
    tail.push(14, "b")

    assert tail.after(10) == [(11, "a"), (14, "b")]
    assert tail.after(11) == [(14, "b")]
    assert tail.after(14) == []
    assert tail.end == 14


def test_a_place_before_the_start_is_not_reached() -> None:
    tail: Tail[str] = Tail(start=10)

    assert tail.reaches(10)
    assert not tail.reaches(9)


@given(st.integers(1, 20), st.lists(st.booleans(), max_size=80))
def test_a_reader_that_the_tail_reaches_misses_nothing(kept_max: int, steps: list[bool]) -> None:
    tail: Tail[int] = Tail(start=0, kept_max=kept_max)
    position, seen = 0, 0
    for reads in steps:
        if not reads:
            position += 1
            tail.push(position, position)
        elif tail.reaches(seen):
            assert [item for _, item in tail.after(seen)] == list(range(seen + 1, position + 1))
            seen = position
        else:
            assert position - seen > kept_max
            seen = position


async def test_a_waiting_reader_wakes_when_something_newer_comes() -> None:
    tail: Tail[str] = Tail(start=0)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(tail.wait_beyond(1, tail.beginnings))
        await asyncio.sleep(0)
        tail.push(1, "not newer")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        tail.push(2, "newer")
    assert waiting.done()


async def test_a_waiting_reader_learns_that_the_tail_began_anew_at_a_lower_place() -> None:
    tail: Tail[str] = Tail(start=1_000)
    async with asyncio.timeout(5.0), asyncio.TaskGroup() as tasks:
        tasks.create_task(tail.wait_beyond(1_000, tail.beginnings))
        await asyncio.sleep(0)
        tail.restart(0)

    assert (tail.begin, tail.end, tail.after(0)) == (0, 0, [])
    assert tail.beginnings == 1
