"""A console's way through the alarm feed, whatever was going on when it came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.api.feed import AlarmFeed, Placed
from cityhall_bms.domain.alarms import AlarmRaised, alarm_id, stream_of
from cityhall_bms.domain.events import DeviceLost, Event, StoredEvent
from cityhall_bms.domain.flood_watch import FLOOD_STREAM, AlarmFloodBegan, AlarmFloodEnded
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.read_models import AlarmTransition

SUBJECT: Final = "TCH.B2.CN.CHC01"
DEADLINE_S: Final = 5.0


class CountingView(MemoryAlarmView):
    """Counts the questions, each of which would be one to the database."""

    questions = 0

    async def transitions(self, after: int, limit: int) -> list[AlarmTransition]:
        self.questions += 1
        return await super().transitions(after, limit)


class House:
    """An event log, a view that may lag behind it, and the feed over both."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = MemoryEventLog(self.clock)
        self.seen_by_view = MemoryEventLog(self.clock)
        self.lagging: list[Append] = []
        self.view = CountingView(self.seen_by_view)
        self.feed = AlarmFeed(self.view, self.log, self.clock)

    async def ring(self, rule: str) -> int:
        event = AlarmRaised(
            rule=rule, rule_version=1, subject=SUBJECT, equipment=SUBJECT, system="hvac", priority=2, text_zh="跳脫",
            text_en="Tripped", latching=False, occurrence=1, observed_at=self.clock.now(),
        )  # fmt: skip
        return await self._append(Append(stream_of(alarm_id(rule, SUBJECT)), [event], "rules"))

    async def something_else(self) -> None:
        event = DeviceLost(device="ahu01", reason="no answer", observed_at=self.clock.now())
        await self._append(Append("device/ahu01", [event], "collector"))

    async def _append(self, append: Append) -> int:
        self.lagging.append(append)
        return (await self.log.append([append]))[-1].position

    async def project(self) -> None:
        """Let the view catch up."""
        for append in self.lagging:
            await self.seen_by_view.append([append])
        self.lagging.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self.feed.run())
            yield
            following.cancel()

    async def positions(self, after: int | None, count: int) -> list[int]:
        """What a console hears that was last at ``after``."""
        heard: list[int] = []
        async with asyncio.timeout(DEADLINE_S):
            async for news in self.feed.news(await self.feed.place(after)):
                assert isinstance(news, Placed)
                heard.append(news.transition.position)
                if len(heard) == count:
                    break
        return heard

    async def flood(self, event: Event) -> None:
        await self._append(Append(FLOOD_STREAM, [event], "floods"))
        await self.project()


@pytest.fixture
def house() -> House:
    return House()


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


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
            what: str | int = news.type if isinstance(news, StoredEvent) else news.transition.position
            heard.append(what)

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
            assert isinstance(news, StoredEvent)
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
