"""A console's way through the alarm feed, whatever was going on when it came."""

import asyncio

import pytest
from tests.support.feed_house import SUBJECT, House, turns

from cityhall_bms.domain.alarms import alarm_id
from cityhall_bms.domain.flood_watch import AlarmFloodBegan, AlarmFloodEnded


@pytest.fixture
def house() -> House:
    return House()


async def test_a_console_that_comes_before_the_feed_has_started_is_served_when_it_has(house: House) -> None:
    first = await house.ring("A1")
    await house.project()
    listening = asyncio.create_task(house.positions(first, 1))
    await turns()

    async with house.running():
        await turns()
        second = await house.ring("A2")
        await house.project()
        assert await listening == [second]


async def test_a_new_console_that_comes_before_the_feed_has_started_hears_nothing_old(house: House) -> None:
    await house.ring("A1")
    await house.project()
    listening = asyncio.create_task(house.positions(None, 1))
    await turns()

    async with house.running():
        await turns()
        second = await house.ring("A2")
        await house.project()
        assert await listening == [second]


async def test_a_console_from_before_this_process_does_not_ask_again_and_again(house: House) -> None:
    place = await house.ring("A1")
    await house.something_else()
    await house.project()

    async with house.running():
        await turns()
        listening = asyncio.create_task(house.positions(place, 1))
        await turns(200)
        assert house.view.questions <= 3
        second = await house.ring("A2")
        await house.project()
        assert await listening == [second]


async def test_an_alarm_that_the_view_takes_in_later_than_the_log_is_not_missed(house: House) -> None:
    await house.something_else()
    await house.project()
    late = await house.ring("A1")

    async with house.running():
        await turns()
        listening = asyncio.create_task(house.positions(late - 1, 1))
        await turns()
        await house.project()
        assert await listening == [late]


async def test_a_console_waits_through_an_outage_and_goes_on(house: House) -> None:
    first = await house.ring("A1")
    second = await house.ring("A2")
    await house.project()

    async with house.running():
        await turns()
        house.seen_by_view.available = False
        listening = asyncio.create_task(house.positions(first, 1))
        await turns()
        assert not listening.done()
        house.seen_by_view.available = True
        await house.clock.advance(2.0)
        assert await listening == [second]


async def test_a_console_that_knows_another_longer_log_hears_this_one_from_its_beginning(house: House) -> None:
    first = await house.ring("A1")
    await house.project()

    async with house.running():
        await turns()
        assert await house.positions(first + 1_000, 1) == [first]


async def test_a_flood_is_told_as_it_begins_and_ends_between_the_transitions(house: House) -> None:
    heard: list[str | int] = []

    async def listen() -> None:
        async for news in house.feed.news(await house.feed.place(None)):
            heard.extend([news.flood.type] if news.flood else [])
            heard.extend(placed.transition.position for placed in news.transitions)

    async with house.running(), asyncio.TaskGroup() as tasks:
        await turns()
        listening = tasks.create_task(listen())
        await house.flood(AlarmFloodBegan(at=1, first_ring=0, count=11))
        await house.clock.advance(1.0)
        ringing = await house.ring("A1")
        await house.project()
        await turns()
        assert house.feed.in_flood
        await house.flood(AlarmFloodEnded(at=2, began=1, total=20, peak=15))
        await house.clock.advance(1.0)
        await turns()
        listening.cancel()

    assert heard == ["AlarmFloodBegan", ringing, "AlarmFloodEnded"]
    assert not house.feed.in_flood


async def test_a_console_that_comes_in_a_flood_is_told_at_once_and_one_that_comes_later_is_not(house: House) -> None:
    await house.flood(AlarmFloodBegan(at=1, first_ring=0, count=11))
    async with house.running():
        await turns()
        async for news in house.feed.news(await house.feed.place(None)):
            assert news.flood is not None
            break
        await house.flood(AlarmFloodEnded(at=2, began=1, total=20, peak=15))
        await house.clock.advance(1.0)
        listening = asyncio.create_task(house.positions(None, 1))
        await turns()
        ringing = await house.ring("A1")
        await house.project()
        assert await listening == [ringing]


async def test_each_transition_says_what_caused_it_who_came_first_and_whether_it_chatters(house: House) -> None:
    standing = await house.ring("A1")
    await house.project()
    async with house.running():
        await turns()
        await house.ring("A2")
        await house.project()
        await turns()
        [(_, placed)] = house.feed.tail.after(standing)

    assert (placed.group, placed.first_up, placed.changes) == (SUBJECT, False, 0)
    assert house.feed.groups.place(alarm_id("A1", SUBJECT)) == (SUBJECT, True)
