"""Consoles of the alarm feed: each hears exactly what concerns it, once and in order, however often it is cut off."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.feed_house import House, turns

from cityhall_bms.api import feed
from cityhall_bms.api.feed import BEAT_S, News
from cityhall_bms.api.tail import Tail
from cityhall_bms.domain.alarm_selection import EVERYTHING, Console, StateSelection
from cityhall_bms.domain.alarms import AlarmAcknowledged, AlarmEvent, AlarmRaised, AlarmReturned, alarm_id

PLACES: Final = ("TCH.05.W.AHU01", "TCH.05.E.AHU02", "TCH.06.W.AHU03")
SYSTEMS: Final = ("hvac", "power", "hvac")


@dataclass
class Building:
    """Three alarms that each ring, are answered and go, again and again; and what a console should hear of them."""

    house: House
    steps: list[int] = field(default_factory=lambda: [0, 0, 0])
    stood: list[tuple[str, int]] = field(default_factory=lambda: [("NORM", 0)] * 3)
    told: list[tuple[int, int, list[tuple[str, int]]]] = field(default_factory=list)
    """Position, alarm, and its state and priority before and after."""

    async def step(self, alarm: int, priority: int) -> None:
        kind = self.steps[alarm] % 3
        before = self.stood[alarm]
        after = ("UNACK", priority) if kind == 0 else ("ACKED" if kind == 1 else "NORM", before[1])
        self.steps[alarm] += 1
        position = await self.house.tell(alarm_id("A1", PLACES[alarm]), self._event(kind, alarm, priority))
        self.stood[alarm] = after
        self.told.append((position, alarm, [before, after] if self.steps[alarm] > 1 else [after]))

    def _event(self, kind: int, alarm: int, priority: int) -> AlarmEvent:
        now = self.house.clock.now()
        place = PLACES[alarm]
        return (
            AlarmRaised(
                rule="A1", rule_version=1, subject=place, equipment=place, system=SYSTEMS[alarm], priority=priority,
                text_zh="跳脫", text_en="Tripped", latching=False, occurrence=self.steps[alarm] // 3 + 1,
                observed_at=now,
            ),
            AlarmAcknowledged(at=now, by="王小明"),
            AlarmReturned(observed_at=now),
        )[kind]  # fmt: skip

    def expected(self, zones: set[str], systems: set[str], priorities: set[int], states: set[str]) -> list[int]:
        found = []
        for position, alarm, stood in self.told:
            _, floor, zone, _ = PLACES[alarm].split(".")
            in_place = not zones or floor in zones or f"{floor}.{zone}" in zones
            in_system = not systems or SYSTEMS[alarm] in systems
            shown = any(
                (not states or state in states) and (not priorities or priority in priorities)
                for state, priority in stood
            )
            if in_place and in_system and shown:
                found.append(position)
        return found


@dataclass
class Screen:
    """What one console has heard, and where it would go on."""

    console: Console
    heard: list[int] = field(default_factory=list)
    position: int = 0

    async def watch(self, house: House) -> None:
        async for news in house.feed.news(await house.feed.place(self.position), self.console):
            self.heard += [placed.transition.position for placed in news.transitions]
            self.position = news.position

    def lose(self, count: int) -> None:
        """The connection was cut while so many events were on their way."""
        if count and self.heard:
            self.heard = self.heard[:-count]
            self.position = self.heard[-1] if self.heard else 0


States = st.sampled_from([("all", set()), ("UNACK", {"UNACK"}), ("open", {"UNACK", "ACKED"}), ("ACKED", {"ACKED"})])
Chunks = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=12),
        st.integers(0, 30),
        st.none() | st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(
    Chunks,
    st.sets(st.sampled_from(["05", "05.W", "06"])),
    st.sets(st.sampled_from(["hvac", "power"])),
    st.sets(st.integers(1, 4)),
    States,
    st.integers(1, 8),
)
def test_any_filter_and_any_interruption_give_exactly_the_filtered_transitions_once_and_in_order(
    chunks: list[tuple[list[tuple[int, int]], int, int | None]],
    zones: set[str],
    systems: set[str],
    priorities: set[int],
    states: tuple[str, set[str]],
    kept: int,
) -> None:
    async def scenario() -> None:
        house = House()
        house.feed.tail = Tail(0, kept)
        building = Building(house)
        screen = Screen(Console(zones, systems, priorities, StateSelection.of(states[0])))
        async with house.running():
            await turns()
            watching = asyncio.create_task(screen.watch(house))
            for steps, waits, lost in chunks:
                for alarm, priority in steps:
                    await building.step(alarm, priority)
                await house.project()
                await turns(waits)
                if lost is not None:
                    await cut(watching)
                    screen.lose(lost)
                    watching = asyncio.create_task(screen.watch(house))
            end = building.told[-1][0] if building.told else 0
            await caught_up(house, screen, end)
            await cut(watching)
        assert screen.heard == building.expected(zones, systems, priorities, states[1])

    asyncio.run(scenario())


async def cut(watching: "asyncio.Task[None]") -> None:
    watching.cancel()
    await asyncio.wait([watching])


async def caught_up(house: House, screen: Screen, end: int) -> None:
    for _ in range(20):
        if screen.position >= end:
            return
        await house.clock.advance(BEAT_S)
        await turns()
    raise AssertionError((screen.position, end))


async def test_pain_28_twenty_consoles_hear_a_flood_in_the_same_order_however_slow_they_are() -> None:
    house = House()
    house.feed.tail = Tail(0, 50)
    building = Building(house)
    screens = [Screen(EVERYTHING) for _ in range(20)]

    async def watch(screen: Screen, takes_turns: int) -> None:
        async for news in house.feed.news(await house.feed.place(0), screen.console):
            screen.heard += [placed.transition.position for placed in news.transitions]
            await turns(takes_turns)

    async with house.running(), asyncio.TaskGroup() as tasks:
        await turns()
        watching = [tasks.create_task(watch(screen, place * place)) for place, screen in enumerate(screens)]
        for number in range(300):
            await building.step(number % 3, 1 + number % 4)
            if number % 40 == 0:
                await house.project()
                await turns(3)
        await house.project()
        await turns(2_000)
        for task in watching:
            task.cancel()

    assert [screen.heard for screen in screens] == [[position for position, _, _ in building.told]] * 20


async def test_a_console_that_nothing_concerns_learns_how_far_the_feed_has_come_and_resumes_from_there() -> None:
    house = House()
    building = Building(house)
    screen = Screen(Console(systems={"lift"}))
    async with house.running():
        await turns()
        watching = asyncio.create_task(screen.watch(house))
        for number in range(30):
            await building.step(number % 3, 2)
        await house.project()
        await caught_up(house, screen, building.told[-1][0])
        await cut(watching)
        asked = house.view.questions
        watching = asyncio.create_task(screen.watch(house))
        await turns()
        await cut(watching)

    assert screen.heard == []
    assert house.view.questions == asked


async def test_a_console_is_told_where_it_stands_at_every_beat_though_nothing_happens() -> None:
    house = House()
    heard: list[News] = []

    async def listen() -> None:
        async for news in house.feed.news(await house.feed.place(None)):
            heard.append(news)  # noqa: PERF401 - it never ends

    async with house.running(), asyncio.TaskGroup() as tasks:
        await turns()
        watching = tasks.create_task(listen())
        await turns()
        for _ in range(3):
            await house.clock.advance(BEAT_S)
            await turns()
        watching.cancel()

    assert len(heard) == 4
    assert [news.at for news in heard[1:]] == sorted({news.at for news in heard[1:]})


@pytest.mark.parametrize("size", [1, 7])
async def test_no_more_than_a_bounded_number_is_held_for_a_console_at_a_time(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "AT_ONCE_MAX", size)
    house = House()
    building = Building(house)
    for number in range(50):
        await building.step(number % 3, 2)
    await house.project()

    heard: list[int] = []
    async with house.running():
        await turns()
        async for news in house.feed.news(await house.feed.place(0)):
            assert len(news.transitions) <= size
            heard += [placed.transition.position for placed in news.transitions]
            if len(heard) == 50:
                break

    assert heard == [position for position, _, _ in building.told]
